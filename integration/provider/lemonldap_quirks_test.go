package provider

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

func TestLemonLDAPQuirks(t *testing.T) {
	version := parts.LemonLDAPVersion(t)
	for framework, mode := range map[string]string{"echo": passthrough, "gin": brokered} {
		t.Run(framework+", "+mode, func(t *testing.T) {
			t.Parallel()
			checks := compat.New(t, "LemonLDAP::NG", version, framework, mode)
			checks.Lacks("a client secret with + / = or another character that is encoded (RFC 6749 section 2.3.1): it does not decode client_secret_basic")
			checks.Lacks("invalid_grant for a refresh token that it does not know: it says invalid_request, which is not the user's fault, so that the answer is 502")
			checks.Lacks("a code that comes twice ends what came of it: the refresh token stays good (RFC 6749 section 4.1.2)")
			checks.Run("a secret with characters that are encoded: refused, with 502", func(t *testing.T) {
				s := lemonClient(t, framework, mode, "odd", parts.Shape{}).open(t)
				if got := s.Login(t, app.NewAgent(), "dwho", "dwho"); got.Status != http.StatusBadGateway {
					t.Errorf("the odd secret: %d %s", got.Status, got.Body)
				}
			})
			checks.Run("aud is a list in the ID token, azp this client", func(t *testing.T) { lemonIDToken(t, framework, mode) })
			if mode == passthrough {
				checks.Run("refresh tokens: one that nobody knows, one whose code came twice", func(t *testing.T) { lemonRefresh(t, framework) })
			}
		})
	}
}

// lemonIDToken looks at the caller of a login: in passthrough mode that is the ID token.
func lemonIDToken(t *testing.T, framework, mode string) {
	var caller *core.IDToken
	j := lemonClient(t, framework, mode, "web", parts.Shape{})
	configure := j.config
	j.config = func(t *testing.T, publicURL string) core.Config {
		cfg := configure(t, publicURL)
		cfg.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
			caller = token.Caller()
			return nil
		}
		return cfg
	}
	s := j.open(t)
	app.JSON[core.Token](t, s.Login(t, app.NewAgent(), "dwho", "dwho"))
	claims := caller.Claims()
	if mode == brokered { // where the ID token has become an own one
		if caller.Subject() != "dwho" || caller.Username() != "dwho" || caller.Email() == "" {
			t.Errorf("the caller is %v", claims)
		}
		return
	}
	audience, _ := claims["aud"].([]any)
	if !slices.Equal(audience, []any{"web", parts.API}) || claims["azp"] != "web" {
		t.Errorf("aud %v, azp %v", claims["aud"], claims["azp"])
	}
}

func lemonRefresh(t *testing.T, framework string) {
	s := lemonClient(t, framework, passthrough, "web", parts.Shape{}).open(t)
	s.refused(t, "a refresh token that nobody knows", "0123456789abcdef", http.StatusBadGateway, core.CodeServerError)
	form := s.ProgramLogin(t, app.NewAgent(), "dwho", "dwho")
	token := s.Token(t, form)
	if again := s.Post(t, "/auth/v2/token", form); again.Status != http.StatusBadRequest {
		t.Errorf("the same code again: %d %s", again.Status, again.Body)
	}
	if next := s.Refresh(t, token.RefreshToken); next.RefreshToken != token.RefreshToken {
		t.Error("the refresh token is another one now")
	}
}
