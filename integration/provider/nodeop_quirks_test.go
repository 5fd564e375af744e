package provider

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// refused holds a refresh against a status and a code.
func (s *site) refused(t *testing.T, what, refresh string, status int, code string) {
	t.Helper()
	got := s.Post(t, "/auth/v2/token", url.Values{"refresh-token": {refresh}})
	var body struct{ Error string }
	if got.Status == status {
		body = app.JSON[struct{ Error string }](t, app.Answer{Status: http.StatusOK, Body: got.Body})
	}
	if got.Status != status || body.Error != code {
		t.Errorf("%s: %d %s", what, got.Status, got.Body)
	}
}

// atOnce makes five refreshes with the same token at the same moment and returns what they answered.
func (s *site) atOnce(t *testing.T, refresh string) []core.Token {
	t.Helper()
	answers, wait := make([]app.Answer, 5), sync.WaitGroup{}
	for i := range answers {
		wait.Go(func() { answers[i] = s.Post(t, "/auth/v2/token", url.Values{"refresh-token": {refresh}}) })
	}
	wait.Wait()
	tokens := make([]core.Token, len(answers))
	for i, answer := range answers {
		tokens[i] = app.JSON[core.Token](t, answer)
	}
	return tokens
}

// node-oidc-provider revokes the whole grant if it gets a refresh token twice.
func TestNodeProviderReuse(t *testing.T) {
	open := func(t *testing.T, framework, mode string, shape parts.Shape) (*site, core.Token, *compat.Checks) {
		t.Helper()
		s := nodeClient(framework, mode, "web", shape).open(t)
		token := app.JSON[core.Token](t, s.Login(t, app.NewAgent(), "alice", "x"))
		return s, token, compat.New(t, "node-oidc-provider", parts.NodeVersion, framework, mode)
	}
	t.Run("passthrough", func(t *testing.T) {
		s, first, checks := open(t, "echo", passthrough, parts.Shape{JWT: true})
		checks.Run("a refresh token that comes twice ends the session", func(t *testing.T) {
			second := s.Refresh(t, first.RefreshToken)
			s.refused(t, "the spent one", first.RefreshToken, http.StatusBadRequest, core.CodeInvalidGrant)
			s.refused(t, "the one after it", second.RefreshToken, http.StatusBadRequest, core.CodeInvalidGrant)
		})
	})
	t.Run("broker", func(t *testing.T) {
		s, first, checks := open(t, "chi", brokered, parts.Shape{})
		checks.Run("refreshes of one token at once, and a lost answer, are one refresh at the provider", func(t *testing.T) {
			before := s.calls.at("/token")
			tokens := append(s.atOnce(t, first.RefreshToken), s.Refresh(t, first.RefreshToken))
			for _, token := range tokens {
				if token.AccessToken != tokens[0].AccessToken || token.RefreshToken != tokens[0].RefreshToken {
					t.Error("two answers for one refresh token")
				}
			}
			if n := s.calls.at("/token") - before; n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
			s.Me(t, s.Refresh(t, tokens[0].RefreshToken).AccessToken)
		})
	})
}

// A JWT access token cannot be revoked at node-oidc-provider: the logout goes on, and the token is good until it expires.
func TestNodeProviderJWTRevocation(t *testing.T) {
	s := nodeClient("fiber", passthrough, "web", parts.Shape{JWT: true}).open(t)
	checks := compat.New(t, "node-oidc-provider", parts.NodeVersion, "fiber", passthrough)
	checks.Lacks("revocation of JWT access tokens: it refuses that (unsupported_token_type), and they are good until they expire")
	checks.Run("a logout with a token that cannot be revoked", func(t *testing.T) {
		token := app.JSON[core.Token](t, s.Login(t, app.NewAgent(), "alice", "x"))
		if answer := s.Get(t, "/auth/v2/logout", token.AccessToken); answer.Status != http.StatusFound {
			t.Errorf("logout: %d %s", answer.Status, answer.Body)
		}
		if s.calls.at("/token/revocation") != 1 || s.calls.count(http.MethodPost, http.StatusBadRequest) != 1 {
			t.Errorf("the provider was asked %+v", s.calls.list)
		}
		s.Me(t, token.AccessToken)
	})
}
