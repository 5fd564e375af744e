package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// keycloakEach runs a test with the adapters and modes that are named, a row of the table for each.
func keycloakEach(t *testing.T, frameworks []string, test func(t *testing.T, checks *compat.Checks, framework, mode string)) {
	t.Helper()
	for _, framework := range frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				test(t, compat.New(t, "Keycloak", parts.KeycloakVersion, framework, mode), framework, mode)
			})
		}
	}
}

// Keycloak says 0 of a refresh token without end, and of none. The Python client takes 0 as expired, and signs in again
// instead of refreshing.
func TestKeycloakOffline(t *testing.T) {
	k := parts.SharedKeycloak(t)
	keycloakEach(t, []string{"gin", "echo"}, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		checks.Run("offline tokens", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
			token := s.token(t, "alice")
			for range 2 {
				if ends := s.provider.number("refresh_expires_in"); ends != 0 {
					t.Errorf("Keycloak says refresh_expires_in %v", ends)
				}
				if typ := claimsOf(t, s.provider.text("refresh_token"))["typ"]; typ != "Offline" {
					t.Errorf("the refresh token is of type %v", typ)
				}
				if left := time.Until(time.Unix(token.RefreshExpires, 0)); left < 29*24*time.Hour {
					t.Errorf("the refresh token is said to end in %v", left)
				}
				token = s.Refresh(t, token.RefreshToken)
			}
		})
		checks.Run("sessions with an end", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
			token := s.signIn(t, app.NewAgent(), "alice")
			if left := time.Until(time.Unix(token.RefreshExpires, 0)).Seconds(); left < 1700 || left > 1800 {
				t.Errorf("the refresh token is said to end in %v s, the session's 1800", left)
			}
		})
		checks.Run("a client without refresh tokens", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "plain", nil, nil)
			token := s.signIn(t, app.NewAgent(), "alice")
			if token.RefreshToken != "" || token.RefreshExpires != token.Expires {
				t.Errorf("a refresh token %.10q that ends at %d, the access token at %d", token.RefreshToken, token.RefreshExpires, token.Expires)
			}
			s.status(t, "the access token", "/me", token.AccessToken, http.StatusOK)
		})
		checks.Run("a user who may not have offline tokens", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
			if got := s.Login(t, app.NewAgent(), "carol", "carol"); got.Status != http.StatusBadRequest || errorCode(got) != "access_denied" {
				t.Errorf("with offline_access: %d %s", got.Status, got.Body)
			}
			s = newKeycloakSite(t, k, framework, mode, "app", nil, func(cfg *core.Config) { cfg.NoOfflineAccess = true })
			if me := s.Me(t, s.token(t, "carol").AccessToken); me.Subject != k.User(t, "carol") {
				t.Errorf("without: the guard says %+v", me)
			}
		})
		checks.Run("a client that may not ask for offline tokens", func(t *testing.T) {
			// A pushed login is refused before the browser leaves, and not at the callback.
			s := newKeycloakSite(t, k, framework, mode, "no-offline", nil, func(cfg *core.Config) { cfg.PushedRequests = core.PushNever })
			if got := s.Login(t, app.NewAgent(), "alice", "alice"); got.Status != http.StatusBadRequest || errorCode(got) != "invalid_scope" {
				t.Errorf("with offline_access: %d %s", got.Status, got.Body)
			}
			s = newKeycloakSite(t, k, framework, mode, "no-offline", nil, func(cfg *core.Config) { cfg.NoOfflineAccess = true })
			if me := s.Me(t, s.token(t, "alice").AccessToken); me.Subject != k.User(t, "alice") {
				t.Errorf("without: the guard says %+v", me)
			}
		})
	})
}

// What the administrator ends is over at the next refresh; until then access tokens go on.
func TestKeycloakEnded(t *testing.T) {
	k := parts.NewKeycloak(t)
	keycloakEach(t, []string{"fiber", "chi"}, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
		over := func(t *testing.T, token core.Token) {
			t.Helper()
			if mode == passthrough {
				s.refused(t, "refresh", "refresh-token", token.RefreshToken, http.StatusBadRequest, "invalid_grant")
				return
			}
			s.status(t, "before the refresh", "/me", token.AccessToken, http.StatusOK)
			s.refused(t, "refresh", "refresh-token", token.RefreshToken, http.StatusUnauthorized, "invalid_grant")
			// Every instance reads the list of ended sessions from the store every two seconds.
			eventually(t, "the access token of an ended session is refused", func() bool {
				return s.Get(t, "/me", token.AccessToken).Status == http.StatusUnauthorized
			})
		}
		checks.Run("a session that the administrator has ended", func(t *testing.T) {
			token := s.signIn(t, app.NewAgent(), "bob")
			k.Admin(t, http.MethodPost, "/users/"+k.User(t, "bob")+"/logout", nil, nil)
			over(t, token)
		})
		checks.Run("an offline session that the administrator has ended", func(t *testing.T) {
			token := s.token(t, "bob")
			k.Admin(t, http.MethodDelete, "/users/"+k.User(t, "bob")+"/consents/app", nil, nil)
			over(t, token)
		})
		checks.Run("a user who is disabled", func(t *testing.T) {
			token := s.token(t, "bob")
			k.Admin(t, http.MethodPut, "/users/"+k.User(t, "bob"), map[string]any{"enabled": false}, nil)
			defer k.Admin(t, http.MethodPut, "/users/"+k.User(t, "bob"), map[string]any{"enabled": true}, nil)
			over(t, token)
		})
	})
}

// With "Revoke Refresh Token" a refresh token is good once. A client that lost the answer has to sign in again, unless broker
// mode stands between.
func TestKeycloakRevokeRefreshToken(t *testing.T) {
	k := parts.NewKeycloak(t)
	k.Admin(t, http.MethodPut, "", map[string]any{"revokeRefreshToken": true, "refreshTokenMaxReuse": 0}, nil)
	keycloakEach(t, []string{"gin", "echo"}, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		checks.Run("refresh tokens that are good once", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
			first := s.signIn(t, app.NewAgent(), "alice")
			second := s.Refresh(t, first.RefreshToken)
			s.status(t, "refreshed", "/me", second.AccessToken, http.StatusOK)
			third := s.Refresh(t, second.RefreshToken)
			s.status(t, "refreshed again", "/me", third.AccessToken, http.StatusOK)
			if mode == passthrough {
				s.refused(t, "a spent token", "refresh-token", second.RefreshToken, http.StatusBadRequest, "invalid_grant")
			} else if again := s.Refresh(t, second.RefreshToken); again.AccessToken != third.AccessToken || again.RefreshToken != third.RefreshToken {
				t.Error("whoever lost the answer gets another one")
			}
		})
	})
}
