package provider

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// LemonLDAP::NG has no back-channel logout, and its refresh answers have no refresh token.
func TestLemonLDAPBrowserSessions(t *testing.T) {
	for framework, mode := range map[string]string{"gin": passthrough, "fiber": brokered} {
		t.Run(framework+", "+mode, func(t *testing.T) {
			t.Parallel()
			checks := compat.New(t, "LemonLDAP::NG", parts.LemonLDAPVersion(t), framework, mode)
			web := journey{framework: framework, mode: mode, config: func(t *testing.T, publicURL string) core.Config {
				cfg := lemonConfig(parts.NewLemonLDAP(t, publicURL, parts.Shape{}), "web")
				withSessions(&cfg, often)
				return cfg
			}}.open(t)
			checks.Run("browser session: login, freshness, and logout with state", func(t *testing.T) {
				dwho := visit(t, web.App, "dwho", "dwho")
				for range 2 {
					asked := web.calls.at("/oauth2/token")
					eventually(t, "the provider is asked again", func() bool {
						if !dwho.isIn(t) {
							t.Fatal("the session has ended")
						}
						return web.calls.at("/oauth2/token") > asked
					})
				}
				dwho.logout(t)
			})
		})
	}
}
