package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
)

// withSessions adds browser sessions. What the provider said is old after a second where a test waits for the next answer, and
// else is never old in a test.
func withSessions(cfg *core.Config, refreshAfter time.Duration) {
	cfg.Sessions = &core.SessionConfig{RefreshAfter: refreshAfter, Home: app.Prefix + "/feed"}
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
}

// often is how old the provider's last word gets in a test of freshness.
const often = time.Second

// visitor is a person with a browser at an application.
type visitor struct {
	*app.App
	agent          *app.Agent
	user, password string
}

// visit opens a guarded page in a new browser, logs in and comes back to it.
func visit(t *testing.T, a *app.App, user, password string) *visitor {
	t.Helper()
	v := &visitor{App: a, agent: app.NewAgent(), user: user, password: password}
	v.signIn(t)
	return v
}

// signIn logs in with the browser as it is.
func (v *visitor) signIn(t *testing.T) {
	t.Helper()
	wanted, callback := v.at("/me?from=here"), v.at("/auth/v2/callback?")
	back := v.agent.SignIn(t, wanted, callback, v.user, v.password)
	page := v.agent.Open(t, back.URL.String(), "")
	if page.Status != http.StatusOK || page.URL.String() != wanted {
		t.Fatalf("the login ends at %s: %d %.300s", page.URL, page.Status, page.Body)
	}
	for _, cookie := range v.agent.Cookies(t, v.URL) {
		if strings.HasPrefix(cookie.Name, "oidc-") && strings.Contains(cookie.Value, "eyJ") {
			t.Errorf("a token in the cookie %s", cookie.Name)
		}
	}
	session := app.JSON[map[string]any](t, v.agent.Open(t, v.at("/auth/v2/session"), "").Answer)
	if session["sub"] == "" || session["logout_url"] != v.at("/auth/v2/logout") {
		t.Errorf("the session route says %v", session)
	}
}

func (v *visitor) at(path string) string { return v.URL + app.Prefix + path }

// isIn reports whether the browser is logged in at the application.
func (v *visitor) isIn(t *testing.T) bool {
	t.Helper()
	page := v.agent.Open(t, v.at("/me"), v.at("/auth/v2/login"))
	if page.Status != http.StatusOK && page.Status != http.StatusFound {
		t.Errorf("the guard answers %d %s", page.Status, page.Body)
	}
	return page.Status == http.StatusOK
}

// me is what the guard knows.
func (v *visitor) me(t *testing.T) app.Me {
	t.Helper()
	return app.JSON[app.Me](t, v.agent.Open(t, v.at("/me"), v.at("/auth/v2/login")).Answer)
}

// isOut waits until the browser is logged out, and returns how long that took.
func (v *visitor) isOut(t *testing.T, what string) time.Duration {
	t.Helper()
	begin := time.Now()
	eventually(t, what+" ends the session", func() bool { return !v.isIn(t) })
	return time.Since(begin)
}

// logout presses the button, and yes where the provider asks. The provider sends the browser back with the state, and the logout route
// leads it home. Then nobody is logged in, here or there.
func (v *visitor) logout(t *testing.T) {
	t.Helper()
	address := v.at("/auth/v2/logout")
	page := v.agent.Submit(t, address, url.Values{}, address)
	if !strings.HasPrefix(page.URL.String(), address) { // the provider shows a page
		page = v.agent.SignIn(t, page.URL.String(), address, v.user, v.password)
	}
	if len(page.URL.Query().Get("state")) < 16 {
		t.Errorf("the provider sends the browser to %s", page.URL)
	}
	if home := v.agent.Open(t, page.URL.String(), ""); home.URL.String() != v.at("/feed") || strings.TrimSpace(home.Body) != "null" {
		t.Errorf("the logout ends at %s: %d %.300s", home.URL, home.Status, home.Body)
	}
	if v.isIn(t) {
		t.Error("the session goes on")
	}
	if page := v.agent.Open(t, v.at("/me"), v.at("/auth/v2/callback")); page.Status != http.StatusOK || strings.HasPrefix(page.URL.String(), v.URL) {
		t.Errorf("the provider shows no form at the next login: %d %s", page.Status, page.URL)
	}
}
