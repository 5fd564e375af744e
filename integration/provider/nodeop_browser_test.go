package provider

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// nodeBrowser is a person with a browser at node-oidc-provider, which spends its refresh tokens.
func nodeBrowser(framework, mode string) func(*testing.T) {
	return func(t *testing.T) {
		checks := compat.New(t, "node-oidc-provider", parts.NodeVersion, framework, mode)
		shape := parts.Shape{Sessions: true}
		open := func(t *testing.T, refreshAfter time.Duration) *site {
			return journey{framework: framework, mode: mode, config: func(t *testing.T, publicURL string) core.Config {
				cfg := nodeConfig(parts.NewNodeProvider(t, publicURL, shape), "web", shape)
				withSessions(&cfg, refreshAfter)
				return cfg
			}}.open(t)
		}
		web := open(t, time.Hour)
		checks.Run("browser session: login, and logout with state", func(t *testing.T) {
			alice := visit(t, web.App, "alice", "x")
			if me := alice.me(t); me.Subject != "alice" || me.Email != "alice@example.test" {
				t.Errorf("the guard says %+v", me)
			}
			alice.logout(t)
		})
		checks.Run("browser session: back-channel logout when the browser logs out at the provider", func(t *testing.T) {
			alice, bob := visit(t, web.App, "alice", "x"), visit(t, web.App, "bob", "x")
			alice.agent.SignIn(t, web.issuer(t)+"/session/end", "", "alice", "x")
			t.Logf("ended after %s", alice.isOut(t, "the logout at the provider"))
			if !bob.isIn(t) {
				t.Error("bob was logged out, too")
			}
		})
		checks.Run("browser session: freshness with refresh tokens that are good once", func(t *testing.T) {
			fresh := open(t, often)
			alice := visit(t, fresh.App, "alice", "x")
			for range 3 {
				asked := fresh.calls.at("/token")
				eventually(t, "the provider is asked again", func() bool {
					if !alice.isIn(t) {
						t.Fatal("the session has ended")
					}
					return fresh.calls.at("/token") > asked
				})
			}
		})
	}
}

// issuer is the provider's, from where its login is.
func (s *site) issuer(t *testing.T) string {
	t.Helper()
	page := app.NewAgent().Open(t, s.URL+app.Prefix+"/auth/v2/login", "http://127.0.0.1")
	return page.URL.Scheme + "://" + page.URL.Host
}

func TestNodeBrowserSessions(t *testing.T) {
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) { t.Parallel(); nodeBrowser(framework, mode)(t) })
		}
	}
}
