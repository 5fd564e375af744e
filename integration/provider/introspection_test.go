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
	checks.Run("opaque access tokens by introspection", func(t *testing.T) {
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

func TestZitadelIntrospection(t *testing.T) {
	zitadelClient("echo", passthrough, "web", parts.Shape{}).introspection(t, false, &core.IntrospectionConfig{Unmarked: true})
}

func TestLemonLDAPIntrospection(t *testing.T) {
	lemonClient(t, "chi", passthrough, "web", parts.Shape{}).introspection(t, false, &core.IntrospectionConfig{Unmarked: true})
}
