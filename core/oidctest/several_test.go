package oidctest_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// One service of two providers without a network, which differ in nothing but their issuer and their keys: each token is the own
// provider's, and a login at the second one returns to its own callback.
func TestSeveralProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithKeyID("k"), oidctest.WithoutNetwork(faraway))
		partner := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithKeyID("k"), oidctest.WithoutNetwork("https://partner.example"))
		cfg := main.Config()
		cfg.Providers, cfg.HTTPClient = []core.Provider{partner.Entry("partner")}, oidctest.HTTPClient(main, partner)
		auth, err := core.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = auth.Close() }()
		for _, p := range []*oidctest.Provider{main, partner} {
			decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {p.Bearer("alice")}}})
			if decision.Caller.Issuer() != p.Issuer() {
				t.Errorf("a token of %s: %v", p.Issuer(), decision.Err)
			}
		}
		query := url.Values{"provider": {"partner"}, "redirect_uri": {cfg.PublicURL + "/auth/v2/callback/partner"}}
		routes, err := auth.Routes(core.Paths{})
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range routes {
			if route.Method != http.MethodGet || route.Path != "/auth/v2/login" {
				continue
			}
			answer := route.Serve(t.Context(), &core.Request{Method: route.Method, Query: query})
			back, err := partner.Approve(answer.Header.Get("Location"), "alice")
			if err != nil || back.Path != "/api/auth/v2/callback/partner" {
				t.Errorf("the login returns to %v, %v: %d %s", back, err, answer.Status, answer.Body)
			}
			return
		}
		t.Error("there is no login route")
	})
}

// The client of several providers calls nobody else.
func TestSeveralProvidersElsewhere(t *testing.T) {
	main := oidctest.NewProvider(t, oidctest.WithoutNetwork(faraway))
	partner := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://partner.example"))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://partner.example.evil.example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := oidctest.HTTPClient(main, partner).Do(request); err == nil {
		_ = answer.Body.Close()
		t.Error("another host answers")
	}
	if main.Hits(oidctest.Elsewhere) != 1 {
		t.Error("the call is not counted")
	}
}
