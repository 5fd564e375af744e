package client

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
)

const (
	passthrough = "passthrough"
	brokered    = "broker"
)

// site is an application on one of the adapters, and the provider behind it.
type site struct {
	*app.App
	idp  *oidctest.Provider
	mode string
}

func (s *site) publicURL() string { return s.URL + app.Prefix }

func newSite(t *testing.T, framework, mode string, change func(*core.Config), options ...oidctest.Option) *site {
	t.Helper()
	options = append(options, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second}))
	s := &site{mode: mode, idp: oidctest.NewProvider(t, options...)}
	s.App = app.Start(t, framework, nil, func(publicURL string) core.Config {
		cfg := s.idp.Config()
		cfg.PublicURL = publicURL
		if mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		if change != nil {
			change(&cfg)
		}
		return cfg
	})
	return s
}

// everywhere runs a test on every adapter, in both modes.
func everywhere(t *testing.T, test func(t *testing.T, s *site, framework string)) {
	for _, mode := range []string{brokered, passthrough} {
		for _, framework := range app.Frameworks {
			t.Run(mode+" "+framework, func(t *testing.T) { test(t, newSite(t, framework, mode, nil), framework) })
		}
	}
}

// What a client has to know that takes the application for the authorization server.
var lacks = []string{
	"application as issuer in the code flow: the browser comes back from the provider, so the iss in the callback (RFC 9207) is the provider's; a client that checks it has to name the provider as issuer",
	"application as OpenID provider: there is no discovery document, the token answer has no ID token, and the userinfo answer, the Python library's, no sub",
}

// openid-client, which follows RFC 6749, 7636, 8628 and 8693 strictly, works with the routes.
func TestOpenIDClientAtTheRoutes(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site, framework string) {
		checks := compat.New(t, openIDClient, openIDClientVersion(t), framework, s.mode)
		for _, what := range lacks {
			checks.Lacks(what)
		}
		environment := map[string]string{
			"RP_PUBLIC_URL": s.publicURL(), "RP_ISSUER": s.idp.Issuer(), "RP_MODE": s.mode, "RP_SUBJECT": s.idp.AccessToken("alice"),
			"RP_CONTROL": controls(t, s.orders(t)),
		}
		if framework == app.Frameworks[0] {
			environment["RP_PATIENT"] = "1"
		}
		judged(t, checks, "rp-routes.mjs", environment)
	})
}

// orders are what rp-routes.mjs asks of the provider.
func (s *site) orders(t *testing.T) map[string]func() {
	device := func(change func(oidctest.Claims)) func() {
		return func() { s.idp.Tamper(oidctest.DeviceAnswers, change) }
	}
	return map[string]func(){
		"no-refresh": func() {
			s.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { delete(answer, "refresh_token") })
		},
		"bare-device": device(func(answer oidctest.Claims) {
			delete(answer, "verification_uri_complete")
			delete(answer, "interval")
		}),
		"zero-interval": device(func(answer oidctest.Claims) { answer["interval"] = 0 }),
		"cut-token":     func() { s.idp.Fault(oidctest.Token, oidctest.Times(1, oidctest.Refused())) },
		"heal": func() {
			s.idp.Tamper(oidctest.TokenAnswers, nil)
			s.idp.Tamper(oidctest.DeviceAnswers, nil)
		},
		"advance": func() { s.idp.Advance(time.Hour) },
		"rotate": func() {
			if err := s.Auth.RotateKey(t.Context()); err != nil {
				t.Error(err)
			}
		},
	}
}
