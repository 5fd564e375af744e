package provider

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// lookedUp makes the guards of a journey look opaque tokens up. Not every provider says whom they are for, but to whom they were issued.
func (j journey) lookedUp(more *core.IntrospectionConfig) journey {
	config := j.config
	j.config = func(t *testing.T, publicURL string) core.Config {
		cfg := config(t, publicURL)
		cfg.Tokens, cfg.Audience, cfg.Introspection = core.Opaque, []string{core.IssuedToUs}, more
		return cfg
	}
	return j
}

// introspection walks a login, a refresh and a logout with opaque tokens; ends says that the provider revokes them.
func (j journey) introspection(t *testing.T, ends bool, more *core.IntrospectionConfig) {
	s := j.lookedUp(more).open(t)
	checks := compat.New(t, j.part, j.version, j.framework, j.mode)
	what := "opaque access tokens by introspection"
	if more != nil && more.Signed {
		what += ", with signed answers"
	}
	checks.Run(what, func(t *testing.T) {
		agent := app.NewAgent()
		token := app.JSON[core.Token](t, s.Login(t, agent, j.user, j.password))
		for range 2 {
			if me := s.Me(t, token.AccessToken); me.Subject != j.subject {
				t.Errorf("the guard says %+v", me)
			}
		}
		for what, bad := range map[string]string{"another text": token.AccessToken + "x", "the refresh token": token.RefreshToken} {
			if got := s.Get(t, "/me", bad); got.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", what, got.Status, got.Body)
			}
		}
		next := s.Refresh(t, token.RefreshToken)
		s.Me(t, next.AccessToken)
		s.Get(t, "/auth/v2/logout", next.AccessToken)
		if got := s.Get(t, "/me", next.AccessToken); ends && got.Status != http.StatusUnauthorized {
			t.Errorf("after a logout: %d %s", got.Status, got.Body)
		}
	})
}

func TestNodeProviderIntrospection(t *testing.T) {
	nodeClient("gin", passthrough, "web", parts.Shape{}).introspection(t, true, nil)
}

// The provider signs its answers (RFC 9701), with the algorithm of each client; an answer that is not signed is refused.
func TestNodeProviderSignedIntrospection(t *testing.T) {
	signed := &core.IntrospectionConfig{Signed: true}
	for framework, client := range map[string]string{"gin": "web", "echo": "web-es256", "fiber": "web-eddsa"} {
		t.Run(client, func(t *testing.T) {
			nodeClient(framework, passthrough, client, parts.Shape{Signed: true}).introspection(t, true, signed)
		})
	}
	s := nodeClient("chi", passthrough, "web", parts.Shape{}).lookedUp(signed).open(t)
	token := app.JSON[core.Token](t, s.Login(t, app.NewAgent(), "alice", "x"))
	if got := s.Get(t, "/me", token.AccessToken); got.Status != http.StatusBadGateway {
		t.Errorf("without signatures: %d %s", got.Status, got.Body)
	}
}

// Keycloak is asked about its tokens by another client than that of the logins. Lightweight tokens say nothing about a person, the
// answers do.
func TestKeycloakIntrospection(t *testing.T) {
	k := parts.NewKeycloak(t)
	checks := compat.New(t, "Keycloak", parts.KeycloakVersion, "gin", passthrough)
	asking := func(client, secret string) *keycloakSite { // the tokens are for app, where their user has roles
		return newKeycloakSite(t, k, "gin", passthrough, "light", nil, func(cfg *core.Config) {
			cfg.Tokens, cfg.Audience = core.Opaque, []string{"app"}
			cfg.Introspection = &core.IntrospectionConfig{ClientID: client, ClientSecret: secret, TTL: -1}
		})
	}
	s := asking("app", parts.KeycloakSecret("app"))
	token := s.token(t, "alice")
	checks.Run("lightweight access tokens by introspection, with the credentials of another client", func(t *testing.T) {
		if me := s.Me(t, token.AccessToken); me.Subject != k.User(t, "alice") || me.Username != "alice" {
			t.Errorf("the guard says %+v", me)
		}
		for what, bad := range map[string]string{"a changed token": token.AccessToken + "x", "the refresh token": token.RefreshToken, "another text": "2YotnFZFEjr1zCsicMWpAA"} {
			s.status(t, what, "/me", bad, http.StatusUnauthorized)
		}
	})
	checks.Run("a client that the token is not for learns nothing about it", func(t *testing.T) {
		asking("api", parts.KeycloakSecret("api")).status(t, "another audience", "/me", token.AccessToken, http.StatusUnauthorized)
	})
	checks.Run("a client that may not ask gets a 503", func(t *testing.T) {
		asking("app", "wrong").status(t, "wrong credentials", "/me", token.AccessToken, http.StatusServiceUnavailable)
	})
	checks.Run("a logout at the provider ends access tokens that are looked up", func(t *testing.T) {
		online := s.signIn(t, app.NewAgent(), "alice") // of an offline session, tokens of the logout's own second would be good
		s.status(t, "before a logout", "/me", online.AccessToken, http.StatusOK)
		k.Admin(t, http.MethodPost, "/users/"+k.User(t, "alice")+"/logout", nil, nil)
		s.status(t, "after a logout", "/me", online.AccessToken, http.StatusUnauthorized)
	})
}

func TestZitadelIntrospection(t *testing.T) {
	zitadelClient("echo", passthrough, "web", parts.Shape{}).introspection(t, false, &core.IntrospectionConfig{Unmarked: true})
}

func TestLemonLDAPIntrospection(t *testing.T) {
	lemonClient(t, "chi", passthrough, "web", parts.Shape{}).introspection(t, false, &core.IntrospectionConfig{Unmarked: true})
}
