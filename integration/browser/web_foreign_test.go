package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// serves counts the requests that a step brings to the application's handlers.
func (s *site) serves(t *testing.T, what string, want int64, step func()) {
	t.Helper()
	before := s.Served()
	step()
	if got := s.Served() - before; got != want {
		t.Errorf("%s: %d requests reached the handler, want %d", what, got, want)
	}
}

// form is a page's form that posts to an address, and a button for it.
func form(address string) string {
	return fmt.Sprintf(`<form method="post" action=%q><input name="amount" value="7"><button id="send">Send</button></form>`, address)
}

const (
	posts = `fetch(%q, {method: "POST", credentials: "include", mode: %q}).then((answer) => answer.type + " " + answer.status, () => "failed")`
	// dials ends with what became of a handshake.
	dials = `new Promise((done) => { const s = new WebSocket(%q); s.onopen = () => done("open"); s.onerror = () => done("failed"); })`
)

func (s *site) ownRequests(t *testing.T, tab *Tab) {
	me := s.URL + app.Prefix + "/me"
	tab.Open(t, s.URL+app.Prefix+"/feed")
	s.serves(t, "own fetch", 1, func() {
		if got := script[string](t, tab, fmt.Sprintf(posts, me, "cors")); got != "basic 200" {
			t.Errorf("own fetch: %s", got)
		}
	})
	s.serves(t, "own WebSocket", 1, func() { // the handler is no WebSocket's: it was asked, which is enough
		script[string](t, tab, fmt.Sprintf(dials, strings.Replace(me, "http:", "ws:", 1)))
	})
	script[bool](t, tab, fmt.Sprintf("document.body.innerHTML = %q, true", form(me)))
	s.serves(t, "own form", 1, func() {
		if page := tab.Click(t, "#send"); page.Status != 200 || !strings.Contains(page.Text, `"username":"alice"`) {
			t.Errorf("own form: %d %s", page.Status, page.Text)
		}
	})
}

// elsewhere serves a page of another origin. The browser knows it by two names: 127.0.0.1 with another port is the same site as the
// application, and gets its cookie; localhost is another site.
func elsewhere(t *testing.T, body string) (sameSite, crossSite string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><title>elsewhere</title><body>%s</body>", body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/", strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/"
}

func (s *site) foreignRequests(t *testing.T, browser *chromium.Browser) {
	me := s.URL + app.Prefix + "/me"
	sameSite, crossSite := elsewhere(t, form(me))
	for name, c := range map[string]struct {
		address string
		status  int // of a form: with the cookie 403, without it 401
		heading string
	}{"another port": {sameSite, 403, "This did not work"}, "another site": {crossSite, 401, "Please log in"}} {
		tab := newTab(t, browser)
		tab.Open(t, c.address)
		s.serves(t, name, 0, func() {
			for _, mode := range []string{"no-cors", "cors"} {
				if got := script[string](t, tab, fmt.Sprintf(posts, me, mode)); got == "basic 200" || got == "cors 200" {
					t.Errorf("%s: fetch with %s: %s", name, mode, got)
				}
			}
			if got := script[string](t, tab, fmt.Sprintf(`fetch(%q, {credentials: "include"}).then(() => "read", () => "failed")`, me)); got != "failed" {
				t.Errorf("%s: a script reads: %s", name, got)
			}
			if got := script[string](t, tab, fmt.Sprintf(dials, strings.Replace(me, "http:", "ws:", 1))); got != "failed" {
				t.Errorf("%s: WebSocket: %s", name, got)
			}
			if page := tab.Click(t, "#send"); page.Status != c.status || page.URL.String() != me || !strings.HasPrefix(page.Text, c.heading) {
				t.Errorf("%s: the form gets %d at %s: %s", name, page.Status, page.URL, page.Text)
			}
		})
	}
	if sessionCookie(t, browser).Value == "" {
		t.Error("the session's cookie is gone")
	}
}

// frames are pages of the library in another origin's page: the one that asks before a logout, and the login.
func (s *site) frames(t *testing.T, browser *chromium.Browser) {
	logout := s.URL + app.Prefix + "/auth/v2/logout"
	sameSite, _ := elsewhere(t, fmt.Sprintf(`<a href=%q id="link">there</a><iframe src=%q></iframe>`, logout, logout))
	tab := newTab(t, browser)
	tab.Open(t, sameSite)
	blocked := func() bool {
		for _, fault := range tab.Faults() {
			if strings.Contains(fault, "frame-ancestors") {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(10 * time.Second); !blocked() && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	if !blocked() {
		t.Errorf("the frame shows the page: %v", tab.Faults())
	}
	// As a page of its own it asks, and ends nothing by itself.
	if page := tab.Click(t, "#link"); page.Status != 200 || page.URL.String() != logout || !strings.Contains(page.Text, "Log out") {
		t.Errorf("a link to the logout shows %s: %d %s", page.URL, page.Status, page.Text)
	}
	if page := newTab(t, browser).Open(t, s.URL+app.Prefix+"/me"); page.Status != 200 {
		t.Errorf("afterwards: %d %s", page.Status, page.Text)
	}
	// Its button does, by way of the provider, which is another origin.
	if page := tab.Click(t, "button"); page.Status != 200 || page.URL.String() != s.URL+app.Prefix+"/feed" || sessionCookie(t, browser).Value != "" {
		t.Errorf("the button leads to %s: %d %s", page.URL, page.Status, page.Text)
	}
	s.signsIn(t, tab)
}
