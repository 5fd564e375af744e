package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// onEvery runs a test on every framework. Others use the same demos at the same time.
func onEvery(t *testing.T, test func(*testing.T, *demo)) {
	t.Helper()
	for framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, shared.on(t, framework))
		})
	}
}

// onEveryAlone is onEvery with a demo for each test.
func onEveryAlone(t *testing.T, test func(*testing.T, *demo)) {
	t.Helper()
	for framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, newDemo(t, anywhere(t, framework)))
		})
	}
}

// anywhere returns options of a demo on free ports with its own folder, whose services soon ask the provider again.
func anywhere(t *testing.T, framework string) options {
	t.Helper()
	return options{framework: framework, addr: "127.0.0.1:0", provider: "127.0.0.1:0", data: t.TempDir(), peers: 2, fresh: time.Second}
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

func TestLoginAndLogout(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		if who := b.who("/shop"); who != nil {
			t.Fatalf("somebody is logged in already: %+v", who)
		}
		who := b.login("/shop", "alice")
		if who.Name != "Alice Adams" || who.Email != "alice@example.org" || !slices.Contains(who.Roles, adminRole) {
			t.Errorf("the page sees %+v", who)
		}
		if there := b.who("/office"); there != nil {
			t.Errorf("the other service has a cookie of its own, and sees %+v", there)
		}
		b.login("/office", "alice")
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		left := b.send(http.MethodPost, "/shop/auth/v2/logout", "", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		b.http.CheckRedirect = nil
		if left.status != http.StatusFound || !strings.HasPrefix(left.header.Get("Location"), d.provider.Issuer()+"/logout?") {
			t.Errorf("the logout answers %d %s", left.status, left.header.Get("Location"))
		}
		if back := b.get(left.header.Get("Location")); back.status != http.StatusOK || back.url.String() != b.base+"/" {
			t.Errorf("the logout ends at %s with %d", back.url, back.status)
		}
		if who := b.who("/shop"); who != nil {
			t.Errorf("after the logout: %+v", who)
		}
	})
}

func TestGuardedRoutes(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		guest, bob, alice := newBrowser(t, d), newBrowser(t, d), newBrowser(t, d)
		bob.login("/shop", "bob")
		alice.login("/shop", "alice")
		for _, c := range []struct {
			who          *browser
			method, path string
			header       string
			status       int
			body         string
		}{
			{guest, "GET", "/shop/me", "", http.StatusUnauthorized, "login_url"},
			{guest, "GET", "/shop/feed", "", http.StatusOK, `"reader":null`},
			{guest, "GET", "/shop/admin", "", http.StatusUnauthorized, "login_url"},
			{guest, "POST", "/shop/orders", "", http.StatusUnauthorized, "login_url"},
			{guest, "GET", "/shop/events", "", http.StatusUnauthorized, "login_url"},
			{bob, "GET", "/shop/me", "", http.StatusOK, `"username":"bob"`},
			{bob, "GET", "/shop/feed", "", http.StatusOK, "what bob alone may read"},
			{bob, "GET", "/shop/admin", "", http.StatusForbidden, "insufficient_scope"},
			{bob, "POST", "/shop/orders", "", http.StatusCreated, `"ordered_by":"bob"`},
			{bob, "POST", "/shop/orders", "cross-site", http.StatusForbidden, ""},
			{alice, "GET", "/shop/admin", "", http.StatusOK, `"asked_by":"alice"`},
			{alice, "GET", "/office/admin", "", http.StatusUnauthorized, "login_url"},
		} {
			headers := []string{}
			if c.header != "" {
				headers = []string{"Sec-Fetch-Site", c.header}
			}
			if answer := c.who.send(c.method, c.path, "", headers...); answer.status != c.status || !strings.Contains(answer.body, c.body) {
				t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.header, answer.status, answer.body, c.status)
			}
		}
	})
}

// A user who refuses at the provider is not logged in.
func TestDeniedLogin(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		answer := b.press(b.get("/shop/auth/v2/login"), "deny", "1")
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "access_denied") || b.who("/shop") != nil {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
}

// The unmodified Python client starts a login with a loopback port and posts the state that it gets as code_verifier.
func TestLoopbackClient(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		redirect := "http://localhost:53100/callback"
		login := b.get("/shop/auth/v2/login?" + url.Values{"redirect_uri": {redirect}, "offline_access": {"true"}, "prompt": {"consent"}}.Encode())
		back, err := d.provider.Approve(login.header.Get("Location"), "bob")
		if err != nil {
			t.Fatal(err)
		}
		answer := b.post("/shop/auth/v2/token", url.Values{
			"code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "grant_type": {"authorization_code"},
			"code_verifier": {back.Query().Get("state")},
		})
		if token := readAs[core.Token](t, answer); answer.status != http.StatusOK || token.RefreshToken == "" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
}

// A demo with one service has one pane, and nothing at the paths of the other.
func TestADemoAlone(t *testing.T) {
	o := anywhere(t, "gin")
	o.peers = 1
	b := newBrowser(t, newDemo(t, o))
	text := b.get("/").body
	if strings.Count(text, `class="card pane"`) != 1 || strings.Contains(text, "Office") || b.get("/office/feed").status != http.StatusNotFound {
		t.Error("there is a second service")
	}
	b.login("/shop", "carol")
}
