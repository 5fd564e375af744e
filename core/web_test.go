package core_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A person opens a page, logs in, comes back, stays logged in and logs out.
func TestBrowserSession(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		b := w.browser()
		b.logIn("alice")
		if name, value := b.sessionCookie(); name != "__Host-oidc-session" || len(value) != 64 {
			t.Errorf("the cookie is %s=%s", name, value)
		}
		first := body(b.do(http.MethodGet, "/page", script...))
		if id := strings.TrimPrefix(first, "alice "); len(id) != 43 {
			t.Errorf("/page says %q", first)
		}
		var shown map[string]any
		answer := b.do(http.MethodGet, "/auth/v2/session", script...)
		if err := json.NewDecoder(answer.Body).Decode(&shown); err != nil || shown["sub"] != "alice" || shown["expires"] == nil || shown["logout_url"] != webURL+"/auth/v2/logout" {
			t.Errorf("session: %d %v, %v", answer.StatusCode, shown, err)
		}
		out := b.do(http.MethodPost, "/auth/v2/logout", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Origin: "+webURL)
		if location := out.Header.Get("Location"); out.StatusCode != http.StatusFound || !strings.Contains(location, "state=") || !strings.Contains(location, "id_token_hint=") {
			t.Errorf("logout: %d %s", out.StatusCode, location)
		}
		if _, value := b.sessionCookie(); value != "" {
			t.Error("the cookie is still there")
		}
		if again := b.do(http.MethodGet, "/page", script...); again.StatusCode != http.StatusUnauthorized {
			t.Errorf("after the logout: %d", again.StatusCode)
		}
	})
}

// Guards count what becomes of sessions with the same words as for tokens.
func TestSessionEvents(t *testing.T) {
	var c tally
	w := newWeb(t, func(cfg *core.Config) { cfg.Observe = core.ObserveFunc(c.count) })
	b := w.browser()
	b.logIn("alice")
	c.want(t, "a login", "verification", map[string]int{"no_token": 1, "cached": 1})
	b.do(http.MethodPost, "/page", "Sec-Fetch-Site: cross-site")
	c.want(t, "another site", "verification", map[string]int{"foreign": 1})
	if _, err := w.auth.EndSessions(t.Context(), w.idp.Issuer(), "alice"); err != nil {
		t.Fatal(err)
	}
	b.do(http.MethodGet, "/page", script...)
	c.want(t, "the end", "verification", map[string]int{"revoked": 1})
	b.do(http.MethodGet, "/open", script...)
	c.want(t, "a guest", "verification", map[string]int{"revoked": 1})
}
