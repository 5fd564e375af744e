package oidctest

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Entry returns the settings of this provider as one of several (core.Config.Providers): the confidential client "app" with its secret,
// and the name, which the chooser shows too. The callback address of a service on loopback is registered, as for [Provider.Config];
// register any other with [Provider.AddClient].
//
//	cfg := idp.Config()
//	cfg.Providers = []core.Provider{partner.Entry("partner")}
//
// If one of the providers has no network, set HTTPClient to that of [HTTPClient].
func (p *Provider) Entry(name string) core.Provider {
	return core.Provider{Name: name, DiscoveryURL: p.DiscoveryURL(), ClientID: ConfidentialClient, ClientSecret: ClientSecret}
}

// HTTPClient returns an HTTP client that calls each of these providers in memory, as [Provider.Client] does for one, whether it listens or
// not. A request to another host returns an error and counts as a hit of [Elsewhere] at the first of them. There must be at least one.
// Safe for concurrent use.
func HTTPClient(first *Provider, others ...*Provider) *http.Client {
	return &http.Client{Transport: transports{transport{first}, others}}
}

type transports struct {
	first  transport
	others []*Provider
}

// RoundTrip asks the provider whose issuer the address begins with.
func (t transports) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, p := range t.others {
		if p.isAt(r) {
			return transport{p}.RoundTrip(r)
		}
	}
	return t.first.RoundTrip(r)
}

// isAt reports whether a request is for this provider.
func (p *Provider) isAt(r *http.Request) bool {
	return r.URL.Scheme+"://"+r.URL.Host+p.set.path == p.issuer
}
