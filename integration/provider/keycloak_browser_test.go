package provider

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// newKeycloakWeb starts an application with browser sessions, and registers where logout tokens and people after a logout go.
func newKeycloakWeb(t *testing.T, k *parts.Keycloak, framework, mode, client string, refreshAfter time.Duration) *app.App {
	t.Helper()
	s := newKeycloakSite(t, k, framework, mode, client, nil, func(cfg *core.Config) {
		cfg.PostLogoutURIs = nil
		cfg.NoOfflineAccess = true // an offline session outlives the one of the browser
		withSessions(cfg, refreshAfter)
	})
	out := s.URL + app.Prefix + "/auth/v2/"
	k.Admin(t, http.MethodPut, "/clients/"+k.Client(t, client), map[string]any{"attributes": map[string]string{
		"post.logout.redirect.uris": out + "logout", "backchannel.logout.url": out + "backchannel-logout", "backchannel.logout.session.required": "true",
	}}, nil)
	return s.App
}

// A person with a browser at Keycloak: the session is as fresh as RefreshAfter says, and ends wherever it is ended.
func TestKeycloakBrowserSessions(t *testing.T) {
	k := parts.NewKeycloak(t)
	keycloakEach(t, app.Frameworks, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		web := newKeycloakWeb(t, k, framework, mode, "app", time.Hour)
		checks.Run("browser session: login, and logout with state", func(t *testing.T) {
			alice := visit(t, web, "alice", "alice")
			if me := alice.me(t); me.Subject != k.User(t, "alice") || me.Username != "alice" || me.Email != "alice@example.test" || !slices.Contains(me.Roles, "/staff/dev") {
				t.Errorf("the guard says %+v", me)
			}
			alice.logout(t)
		})
		checks.Run("browser session: back-channel logout by the administrator", func(t *testing.T) {
			desk, phone, bob := visit(t, web, "alice", "alice"), visit(t, web, "alice", "alice"), visit(t, web, "bob", "bob")
			k.Admin(t, http.MethodPost, "/users/"+k.User(t, "alice")+"/logout", nil, nil)
			t.Logf("ended after %s and %s", desk.isOut(t, "the administrator"), phone.isOut(t, "the administrator"))
			if !bob.isIn(t) {
				t.Error("bob was logged out, too")
			}
		})
		other := newKeycloakWeb(t, k, framework, mode, "other", time.Hour)
		checks.Run("browser session: a logout at another application reaches this one", func(t *testing.T) {
			here := visit(t, web, "alice", "alice")
			there := &visitor{App: other, agent: here.agent, user: "alice", password: "alice"}
			there.signIn(t) // without a form: the browser is known at Keycloak
			there.logout(t)
			t.Logf("ended after %s", here.isOut(t, "the logout elsewhere"))
		})
		if framework != "gin" && framework != "fiber" { // what follows waits, and no adapter has a part in it
			return
		}
		fresh := newKeycloakWeb(t, k, framework, mode, "app-es256", often)
		checks.Run("browser session: roles follow within RefreshAfter", func(t *testing.T) {
			alice := visit(t, fresh, "alice", "alice")
			has := func() bool { return slices.Contains(alice.me(t).Roles, "user") }
			if has() {
				t.Fatal("alice has the role before she gets it")
			}
			var role map[string]any
			k.Admin(t, http.MethodGet, "/roles/user", nil, &role)
			path := "/users/" + k.User(t, "alice") + "/role-mappings/realm"
			k.Admin(t, http.MethodPost, path, []any{role}, nil)
			begin := time.Now()
			eventually(t, "the new role is there", has)
			given := time.Since(begin)
			k.Admin(t, http.MethodDelete, path, []any{role}, nil)
			begin = time.Now()
			eventually(t, "the role is gone", func() bool { return !has() })
			t.Logf("a role came after %s and went after %s", given, time.Since(begin))
		})
		checks.Run("browser session: a user who is disabled is logged out within RefreshAfter", func(t *testing.T) {
			bob := visit(t, fresh, "bob", "bob")
			k.Admin(t, http.MethodPut, "/users/"+k.User(t, "bob"), map[string]any{"enabled": false}, nil)
			defer k.Admin(t, http.MethodPut, "/users/"+k.User(t, "bob"), map[string]any{"enabled": true}, nil)
			t.Logf("ended after %s", bob.isOut(t, "the next freshness"))
		})
	})
}
