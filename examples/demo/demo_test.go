package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// onEvery runs a test on every framework, each with its own demo.
func onEvery(t *testing.T, test func(*testing.T, *demo)) {
	t.Helper()
	for framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, newDemo(t, anywhere(t, framework)))
		})
	}
}

// anywhere returns options of a demo on free ports with its own folder.
func anywhere(t *testing.T, framework string) options {
	t.Helper()
	return options{framework: framework, addr: "127.0.0.1:0", provider: "127.0.0.1:0", data: t.TempDir(), peers: 1}
}

// newDemo starts a demo that is closed at the end of the test, or earlier.
func newDemo(t *testing.T, o options) *demo {
	t.Helper()
	d, err := start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestLoginRefreshLogout(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		if guest := b.session(); guest.Token != nil || guest.Caller != nil {
			t.Fatalf("somebody is logged in already: %v", guest)
		}
		login := b.login("alice")
		if c := login.Caller; c.Username != "alice" || c.Name != "Alice Adams" || c.Email != "alice@example.org" || !slices.Contains(c.Roles, adminRole) || !slices.Contains(c.Scopes, "email") {
			t.Errorf("the page sees %+v", c)
		}
		if again := b.session(); again.Token.AccessToken != login.Token.AccessToken {
			t.Error("a reload has other tokens")
		}
		refreshed := b.post("/api/auth/v2/token", url.Values{"refresh_token": {login.Token.RefreshToken}})
		next := readAs[core.Token](t, refreshed)
		if next.AccessToken == "" || next.AccessToken == login.Token.AccessToken || next.RefreshToken == login.Token.RefreshToken {
			t.Fatalf("refresh: %d, the tokens have not changed", refreshed.status)
		}
		if kept := b.keep(next); kept.status != http.StatusOK {
			t.Fatalf("the session does not take the new token: %d %s", kept.status, kept.body)
		}
		if now := b.session(); now.Token.AccessToken != next.AccessToken || now.Caller.Username != "alice" {
			t.Error("the session has not the new token")
		}
		back := b.get("/api/auth/v2/logout?"+url.Values{"post_logout_redirect_uri": {b.base + "/"}}.Encode(), "Authorization", "Bearer "+next.AccessToken)
		if back.status != http.StatusOK || back.url.String() != b.base+"/" {
			t.Errorf("the logout ends at %s with %d", back.url, back.status)
		}
		if answer := b.get("/api/me", "Authorization", "Bearer "+next.AccessToken); answer.status != http.StatusUnauthorized {
			t.Errorf("the token of a session that has ended: %d", answer.status)
		}
		if answer := b.post("/api/auth/v2/token", url.Values{"refresh_token": {next.RefreshToken}}); answer.status != http.StatusUnauthorized || !strings.Contains(answer.body, "invalid_grant") {
			t.Errorf("refresh after the logout: %d %s", answer.status, answer.body)
		}
		if gone := b.send(http.MethodDelete, "/session", ""); gone.status != http.StatusNoContent {
			t.Errorf("DELETE /session: %d", gone.status)
		}
		if guest := b.session(); guest.Token != nil {
			t.Error("still logged in after the logout")
		}
	})
}

func TestGuardedRoutes(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		for _, c := range []struct {
			path, user string
			status     int
			body       string
		}{
			{"/api/me", "", http.StatusUnauthorized, "Not authenticated"},
			{"/api/me", "bob", http.StatusOK, `"username":"bob"`},
			{"/api/feed", "", http.StatusOK, `"reader":"guest"`},
			{"/api/feed", "bob", http.StatusOK, "what bob alone may read"},
			{"/api/admin", "", http.StatusUnauthorized, "Not authenticated"},
			{"/api/admin", "bob", http.StatusForbidden, "insufficient_scope"},
			{"/api/admin", "alice", http.StatusOK, `"asked_by":"alice"`},
			{"/api/admin", "alice openid", http.StatusForbidden, "Token missing required scopes: email"},
		} {
			b := newBrowser(t, d)
			headers := []string{}
			if user, scope, only := strings.Cut(c.user, " "); only {
				headers = b.bearer(d, user, oidctest.Claims{"scope": scope})
			} else if user != "" {
				headers = b.bearer(d, user)
			}
			answer := b.get(c.path, headers...)
			refused := c.status >= http.StatusBadRequest
			if answer.status != c.status || !strings.Contains(answer.body, c.body) || refused != (answer.header.Get("WWW-Authenticate") != "") {
				t.Errorf("GET %s as %q: %d %v %s", c.path, c.user, answer.status, answer.header, answer.body)
			}
		}
	})
}

// A user who refuses at the provider gets a refusal and is not logged in.
func TestDeniedLogin(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		address := "/api/auth/v2/login?" + url.Values{"redirect_uri": {b.base + "/api/auth/v2/callback"}}.Encode()
		answer := b.press(b.get(address), "deny", "1")
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "access_denied") || b.session().Token != nil {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
}

func TestDeviceLogin(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		device, person := newBrowser(t, d), newBrowser(t, d)
		begin := func() core.DeviceStart { return readAs[core.DeviceStart](t, device.post("/api/auth/v2/device", nil)) }
		poll := func(started core.DeviceStart) seen {
			return device.post("/api/auth/v2/token", url.Values{"device_code": {started.DeviceCode}})
		}
		wants := func(answer seen, code string) {
			t.Helper()
			if answer.status != http.StatusBadRequest || !strings.Contains(answer.body, `"error":"`+code+`"`) {
				t.Errorf("%d %s, want %s", answer.status, answer.body, code)
			}
		}
		started := begin()
		wants(poll(started), "authorization_pending")
		wants(poll(started), "slow_down")
		if done := person.press(person.get(*started.VerificationURIComplete), "user", "carol"); done.status != http.StatusOK {
			t.Fatalf("the provider's page: %d %s", done.status, done.body)
		}
		token := readAs[core.Token](t, poll(started))
		kept := device.keep(token)
		if kept.status != http.StatusOK || device.session().Caller.Username != "carol" {
			t.Errorf("the session after a device login: %d %s", kept.status, kept.body)
		}

		refused := begin()
		person.press(person.get(*refused.VerificationURIComplete), "deny", "1")
		wants(poll(refused), "access_denied")

		late := begin()
		d.provider.Advance(24 * time.Hour)
		wants(poll(late), "expired_token")
	})
}

// A token that the guards refuse does not become a session.
func TestTheSessionTakesOnlyGoodTokens(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		provider := `{"access_token":"` + d.provider.AccessToken("bob") + `"}` // good for an exchange alone
		for _, body := range []string{"", "{", "null", `{"access_token":"nonsense"}`, provider} {
			answer := b.send(http.MethodPut, "/session", body, "Content-Type", "application/json")
			if answer.status != http.StatusBadRequest && answer.status != http.StatusForbidden || b.session().Token != nil {
				t.Errorf("PUT /session %q: %d", body, answer.status)
			}
		}
	})
}

func TestTheCookieIsNotForScripts(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		bearer := b.bearer(d, "bob")[1]
		kept := b.keep(core.Token{AccessToken: strings.TrimPrefix(bearer, "Bearer "), RefreshExpires: 1 << 40})
		for _, want := range []string{"oidcauth-demo-", "HttpOnly", "SameSite=Strict", "Path=/"} {
			if got := kept.header.Get("Set-Cookie"); !strings.Contains(got, want) {
				t.Errorf("Set-Cookie %q has no %s", got, want)
			}
		}
	})
}

// The unmodified Python client starts a login with a loopback port and posts the state that it gets as code_verifier.
func TestLoopbackClient(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		redirect := "http://localhost:53100/callback"
		login := b.get("/api/auth/v2/login?" + url.Values{"redirect_uri": {redirect}, "offline_access": {"true"}, "prompt": {"consent"}}.Encode())
		back, err := d.provider.Approve(login.header.Get("Location"), "bob")
		if err != nil {
			t.Fatal(err)
		}
		answer := b.post("/api/auth/v2/token", url.Values{
			"code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "grant_type": {"authorization_code"},
			"code_verifier": {back.Query().Get("state")},
		})
		if token := readAs[core.Token](t, answer); answer.status != http.StatusOK || token.RefreshToken == "" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
}
