package providers

import (
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core"
)

const wellKnown = "/.well-known/openid-configuration"

func settings(name, label, base, clientID, clientSecret string) core.Provider {
	return core.Provider{Name: name, Label: label, DiscoveryURL: base + wellKnown, ClientID: clientID, ClientSecret: clientSecret}
}

// Google is for Google accounts. Its tokens have one of two spellings of the issuer. Its access tokens are opaque: use sessions or broker
// mode, or set Tokens to core.GoogleTokenInfo for guards that get them. People of one organization have its domain in the claim hd: require
// core.Claim("hd", "example.org").
func Google(clientID, clientSecret string) core.Provider {
	p := settings("google", "Google", "https://accounts.google.com", clientID, clientSecret)
	p.Issuer, p.IssuerAliases = "https://accounts.google.com", []string{"accounts.google.com"}
	return p
}

const (
	entra   = "https://login.microsoftonline.com/"
	entraV1 = "https://sts.windows.net/"
	tenants = "{tenantid}"
)

// Entra is for the people of one tenant of Microsoft Entra; tenant is its ID, a GUID in lower case. Access tokens for this registration are
// accepted in both versions: version 1 has another issuer, and the address api:// with the client id as audience.
func Entra(tenant, clientID, clientSecret string) core.Provider {
	p := settings("entra", "Microsoft", entra+tenant+"/v2.0", clientID, clientSecret)
	p.Issuer, p.IssuerAliases = entra+tenant+"/v2.0", []string{entraV1 + tenant + "/"}
	p.Audience = []string{clientID, "api://" + clientID}
	return p
}

// PersonalTenant is the tenant of personal Microsoft accounts, for [EntraTenants].
const PersonalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// EntraTenants is for the people of several tenants of Microsoft Entra, at an application that is registered for all tenants. People of other
// tenants can begin a login and are refused. Each tenant is an issuer of its own. Otherwise it is [Entra].
func EntraTenants(clientID, clientSecret string, allowed ...string) core.Provider {
	p := settings("entra", "Microsoft", entra+"common/v2.0", clientID, clientSecret)
	p.Issuer, p.IssuerAliases, p.Tenants = entra+tenants+"/v2.0", []string{entraV1 + tenants + "/"}, allowed
	p.Audience = []string{clientID, "api://" + clientID}
	return p
}

// Auth0 is for a tenant of Auth0. audience is the identifier of an API there: then access tokens are JWTs for it. Empty: access tokens are
// opaque, and only sessions and broker mode work, unless the tenant has a default audience.
func Auth0(domain, clientID, clientSecret, audience string) core.Provider {
	p := settings("auth0", "Auth0", "https://"+domain, clientID, clientSecret)
	if audience != "" {
		p.Audience, p.AuthParams = []string{audience}, url.Values{"audience": {audience}}
	}
	return p
}

// Okta is for a custom authorization server of Okta: server is its ID ("default"), audience the one in its settings ("api://default"). With an
// empty server it is the org authorization server, whose access tokens are for Okta alone: use sessions or broker mode.
func Okta(domain, server, audience, clientID, clientSecret string) core.Provider {
	base := "https://" + domain
	if server != "" {
		base += "/oauth2/" + url.PathEscape(server)
	}
	p := settings("okta", "Okta", base, clientID, clientSecret)
	if audience != "" {
		p.Audience = []string{audience}
	}
	return p
}

// Keycloak is for a realm of Keycloak. Its access tokens are JWTs. Audience stays empty, see docs/providers.md.
func Keycloak(base, realm, clientID, clientSecret string) core.Provider {
	return settings("keycloak", "Keycloak", base+"/realms/"+url.PathEscape(realm), clientID, clientSecret)
}

// GitLab is for GitLab; base is https://gitlab.com or that of an own instance. Its access tokens are opaque: use sessions or broker mode.
func GitLab(base, clientID, clientSecret string) core.Provider {
	return settings("gitlab", "GitLab", base, clientID, clientSecret)
}

// Cognito is for a user pool of Amazon Cognito. Its access tokens are JWTs without aud; client_id and token_use say what they are, and
// an empty Audience accepts those of this client.
func Cognito(region, pool, clientID, clientSecret string) core.Provider {
	return settings("cognito", "Amazon Cognito", "https://cognito-idp."+region+".amazonaws.com/"+url.PathEscape(pool), clientID, clientSecret)
}

// Zitadel is for an instance of ZITADEL. Access tokens are JWTs if the application there says so, and opaque otherwise.
func Zitadel(base, clientID, clientSecret string) core.Provider {
	return settings("zitadel", "ZITADEL", base, clientID, clientSecret)
}

// Authentik is for one application of authentik, each of which is an issuer of its own; slug is that of the application. Its access
// tokens are JWTs that nothing distinguishes from ID tokens, so guards refuse them: use sessions or broker mode.
func Authentik(base, slug, clientID, clientSecret string) core.Provider {
	return settings("authentik", "authentik", base+"/application/o/"+url.PathEscape(slug), clientID, clientSecret)
}

// Apple is for Sign in with Apple. clientID is the Services ID. clientSecret is a JWT that you sign with the key from Apple and renew within six
// months. Apple posts its answer, so PublicURL must be https. Its access tokens are of no use here: use sessions or broker mode.
func Apple(clientID, clientSecret string) core.Provider {
	p := settings("apple", "Apple", "https://appleid.apple.com", clientID, clientSecret)
	p.Scopes, p.ResponseMode, p.TokenEndpointAuthMethod = []string{"name", "email"}, "form_post", "client_secret_post"
	return p
}
