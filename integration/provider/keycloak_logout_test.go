package provider

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

func TestKeycloakLogout(t *testing.T) {
	k := parts.SharedKeycloak(t)
	keycloakEach(t, app.Frameworks, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
		// alive asks Keycloak itself whether a refresh token is still good.
		alive := func(t *testing.T, refresh string) bool {
			t.Helper()
			status, answer := k.Token(t, "app", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
			if status != http.StatusOK && answer["error"] != "invalid_grant" {
				t.Errorf("Keycloak says %d %v", status, answer)
			}
			return status == http.StatusOK
		}
		bye := s.URL + app.Prefix + "/bye"
		leave := func(t *testing.T, token core.Token, hint string) string {
			t.Helper()
			query := url.Values{"post_logout_redirect_uri": {bye}, "state": {"s1"}}
			if hint != "" {
				query.Set("id_token_hint", hint)
			}
			answer := s.Get(t, "/auth/v2/logout?"+query.Encode(), token.AccessToken)
			if answer.Status != http.StatusFound {
				t.Fatalf("logout: %d %s", answer.Status, answer.Body)
			}
			return answer.Header.Get("Location")
		}
		signedOut := func(t *testing.T, agent *app.Agent) {
			t.Helper()
			callback := s.URL + app.Prefix + "/auth/v2/callback"
			if page := agent.Open(t, s.URL+app.Prefix+"/auth/v2/login?redirect_uri="+callback, callback); page.Status != http.StatusOK {
				t.Errorf("the browser is still signed in: %s", page.URL)
			}
		}
		checks.Run("logout with id_token_hint asks nobody", func(t *testing.T) {
			agent := app.NewAgent()
			token := s.signIn(t, agent, "alice")
			refresh, hint := s.provider.text("refresh_token"), s.provider.text("id_token")
			if mode == brokered { // the application has the hint, and takes no other
				hint = ""
			}
			if page := agent.Open(t, leave(t, token, hint), bye); page.URL.String() != bye+"?state=s1" {
				t.Errorf("the browser ends at %s: %.500s", page.URL, page.Body)
			}
			if alive(t, refresh) {
				t.Error("the refresh token goes on")
			}
			signedOut(t, agent)
		})
		checks.Run("logout without id_token_hint asks the user", func(t *testing.T) {
			agent := app.NewAgent()
			token := s.signIn(t, agent, "alice")
			if mode == brokered { // a logout without the own token does not know the session
				token.AccessToken = ""
			}
			address := leave(t, token, "")
			if page := agent.Open(t, address, bye); page.Status != http.StatusOK || page.URL.Path == app.Prefix+"/bye" {
				t.Fatalf("nobody was asked: %d %s", page.Status, page.URL)
			}
			if page := agent.SignIn(t, address, bye, "alice", "alice"); page.URL.String() != bye+"?state=s1" {
				t.Errorf("the browser ends at %s", page.URL)
			}
			signedOut(t, agent)
		})
		checks.Run("offline tokens after a logout", func(t *testing.T) {
			agent := app.NewAgent()
			token := app.JSON[core.Token](t, s.Login(t, agent, "alice", "alice"))
			refresh := s.provider.text("refresh_token")
			agent.SignIn(t, leave(t, token, ""), bye, "alice", "alice")
			signedOut(t, agent)
			if got := alive(t, refresh); got != (mode == passthrough) { // which never holds it
				t.Errorf("the offline token is alive: %v", got)
			}
			want := http.StatusUnauthorized
			if mode == passthrough { // the guard asks nobody: until its end
				want = http.StatusOK
			}
			s.status(t, "the access token after the logout", "/me", token.AccessToken, want)
		})
	})
}
