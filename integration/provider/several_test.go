package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// one is one of the two providers of an application.
type one struct {
	name, part, version string
	issuer, callback    string // callback is a path
	password, subject   string // alice's
}

// Two real providers serve one application, on each adapter and in both modes: each login, token, refresh and logout is at its own.
// Both clients are registered with a callback on loopback without a port, so that one start of each is enough for all applications.
func TestSeveralProviders(t *testing.T) {
	k := parts.SharedKeycloak(t)
	const name = "node"
	op := parts.NewNodeProvider(t, "http://127.0.0.1"+app.Prefix, parts.Shape{JWT: true, Name: name})
	both := []one{
		{"keycloak", "Keycloak", parts.KeycloakVersion, k.Issuer, "/auth/v2/callback", "alice", k.User(t, "alice")},
		{name, "node-oidc-provider", parts.NodeVersion, op.Issuer, "/auth/v2/callback/" + name, "x", "alice"},
	}
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				s := severalSite{app.Start(t, framework, nil, func(string) core.Config {
					cfg := keycloakConfig(k, "app")
					second := nodeConfig(op, "cli", parts.Shape{JWT: true})
					cfg.Name = "keycloak"
					cfg.Providers = []core.Provider{{Name: name, DiscoveryURL: second.DiscoveryURL, ClientID: second.ClientID, Audience: second.Audience}}
					if mode == brokered {
						cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
					}
					return cfg
				}), mode}
				for i, at := range both {
					checks := compat.New(t, at.part, at.version, framework, mode)
					checks.Run("one of two providers of an application", func(t *testing.T) { s.one(t, at, both[1-i]) })
				}
			})
		}
	}
}

type severalSite struct {
	*app.App
	mode string
}

// one is what a person does at one provider while the other is there too.
func (s severalSite) one(t *testing.T, at, other one) {
	agent := app.NewAgent()
	token := app.JSON[core.Token](t, agent.Open(t, s.begin(t, agent, at).String(), "").Answer)
	s.sees(t, at, token)
	if s.mode == passthrough && strings.HasPrefix(token.RefreshToken, "provider:") == (at.callback == "/auth/v2/callback") {
		t.Error("the refresh token does not say whose it is")
	}
	next := s.Refresh(t, token.RefreshToken)
	s.sees(t, at, next)
	wrong := *s.begin(t, agent, at)
	wrong.Path = app.Prefix + other.callback
	if page := agent.Open(t, wrong.String(), ""); page.Status != http.StatusBadRequest {
		t.Errorf("its code at the callback of the other: %d %s", page.Status, page.Body)
	}
	out := s.Get(t, "/auth/v2/logout", next.AccessToken)
	if to := out.Header.Get("Location"); !strings.HasPrefix(to, at.issuer+"/") {
		t.Errorf("the logout leads to %d %s", out.Status, to)
	}
	if me := s.Get(t, "/me", next.AccessToken); s.mode == brokered && me.Status != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", me.Status)
	}
}

// begin logs alice in at a provider, and returns the address of the callback with the code.
func (s severalSite) begin(t *testing.T, agent *app.Agent, at one) *url.URL {
	t.Helper()
	callback := s.URL + app.Prefix + at.callback
	query := url.Values{"redirect_uri": {callback}, "provider": {at.name}, "offline_access": {"true"}}
	return agent.SignIn(t, s.URL+app.Prefix+"/auth/v2/login?"+query.Encode(), callback+"?", "alice", at.password).URL
}

// sees: the guard knows whose token it is.
func (s severalSite) sees(t *testing.T, at one, token core.Token) {
	t.Helper()
	me := s.Me(t, token.AccessToken)
	subject, issuer := at.subject, me.Claims["iss"]
	if s.mode == brokered {
		issuer = me.Claims["idp_iss"]
		if at.name == "node" {
			subject = at.name + "|" + subject
		}
	}
	if me.Subject != subject || issuer != at.issuer {
		t.Errorf("the guard says %s of %v", me.Subject, issuer)
	}
}
