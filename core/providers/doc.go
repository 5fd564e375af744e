// Package providers has the settings of well-known OpenID providers, for [core.Config.Providers]:
//
//	config.Providers = []core.Provider{
//		providers.Google(id, secret),
//		providers.Entra(tenant, otherID, otherSecret),
//	}
//
// Each function returns data: the discovery address, the issuer where the document alone does not say it, and what the provider does
// differently. Change the fields that you need, such as Scopes or Label. Nothing is checked or fetched here; core.New checks it. They
// were made from the documentation of the providers and tested against documents of that shape; docs/providers says what was not tried
// at the real service.
//
// domain is a host name, without scheme and path; base is an address with scheme and without a slash at the end.
package providers
