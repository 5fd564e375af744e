package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// web switches browser sessions on.
func web(cfg *core.Config) {
	cfg.Sessions = &core.SessionConfig{Home: app.Prefix + "/feed"}
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
}

// TestBrowserSessions opens a page, logs a person in, and checks that the person stays logged in and what other sites can do meanwhile.
func TestBrowserSessions(t *testing.T) {
	for _, framework := range app.Frameworks {
		mode := map[string]string{"gin": brokered, "fiber": brokered}[framework]
		if mode == "" {
			mode = passthrough
		}
		t.Run(framework+", "+mode, func(t *testing.T) {
			s := open(t, framework, mode, web)
			browser := chromium.New(t)
			tab := newTab(t, browser)
			checks := compat.New(t, part, chromium.Version, framework, mode)
			checks.Run("browser session: login, and its cookie", func(t *testing.T) { s.getsCookie(t, browser, tab) })
			checks.Run("browser session: back to the provider's page and on", func(t *testing.T) { s.goesOn(t, browser, tab) })
			checks.Run("browser session: own forms, scripts and WebSockets pass", func(t *testing.T) { s.ownRequests(t, tab) })
			checks.Run("browser session: forms, scripts and WebSockets of other origins are refused", func(t *testing.T) { s.foreignRequests(t, browser) })
			checks.Run("browser session: the library's pages are not framed", func(t *testing.T) { s.frames(t, browser) })
			checks.Lacks("the back button after a logout: the browser may show a page of the application that it kept in memory, unless that said no-store")
			checks.Run("browser session: two tabs, and a logout in one of them", func(t *testing.T) { s.logsOutInOne(t, browser, tab) })
			checks.Run("browser session: it outlives the browser", func(t *testing.T) { s.outlives(t, browser, tab) })
		})
	}
}

// signsIn opens a guarded page, logs in and comes back to it.
func (s *site) signsIn(t *testing.T, tab *Tab) View {
	t.Helper()
	wanted := s.URL + app.Prefix + "/me?from=here"
	page := tab.Open(t, wanted)
	if page.Status != 200 || !strings.HasPrefix(page.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("the page leads to %s: %d %s", page.URL, page.Status, page.Text)
	}
	page = tab.Click(t, as("alice"))
	if page.Status != 200 || page.URL.String() != wanted || !strings.Contains(page.Text, `"username":"alice"`) {
		t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	return page
}

// sessionCookie is the session's.
func sessionCookie(t *testing.T, browser *chromium.Browser) *network.Cookie {
	t.Helper()
	for _, cookie := range browser.Cookies(t) {
		if strings.HasPrefix(strings.TrimPrefix(cookie.Name, "__Host-"), "oidc-session") && !strings.HasSuffix(cookie.Name, "-logins") {
			return cookie
		}
	}
	return &network.Cookie{}
}

func (s *site) getsCookie(t *testing.T, browser *chromium.Browser, tab *Tab) {
	page := s.signsIn(t, tab)
	if page.Header["cache-control"] != "private" || page.Header["vary"] != "Cookie" {
		t.Errorf("the page's header: %v", page.Header)
	}
	c := sessionCookie(t, browser)
	if len(c.Value) != 64 || !c.HTTPOnly || c.Secure || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "127.0.0.1" || c.Session {
		t.Errorf("the session's cookie: %+v", c)
	}
	if life := time.Until(time.Unix(int64(c.Expires), 0)); life < 7*24*time.Hour-time.Minute || life > 7*24*time.Hour+time.Minute {
		t.Errorf("the session's cookie lives %s", life)
	}
	if seen := script[string](t, tab, "document.cookie"); seen != "" {
		t.Errorf("a script sees %q", seen)
	}
	for _, request := range tab.Asked() {
		if strings.Contains(request, "token=") || strings.Contains(request, "eyJhbGciOiJSUzI1NiIs") {
			t.Errorf("a token in an address: %s", request)
		}
	}
	quiet(t, tab)
}

// goesOn is a person who goes back to the provider's page, whose login is spent, and presses the button again.
func (s *site) goesOn(t *testing.T, browser *chromium.Browser, tab *Tab) {
	before := sessionCookie(t, browser).Value
	redeemed := s.provider.Hits(oidctest.Token)
	if back := tab.Back(t); !strings.HasPrefix(back.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("back is %s", back.URL)
	}
	if page := tab.Click(t, as("alice")); page.Status != 200 || page.URL.String() != s.URL+app.Prefix+"/me?from=here" {
		t.Errorf("it leads to %s: %d %s", page.URL, page.Status, page.Text)
	}
	if sessionCookie(t, browser).Value != before || s.provider.Hits(oidctest.Token) != redeemed {
		t.Error("there is another session")
	}
}

const asksSession = `fetch(%q).then((answer) => "" + answer.status)`

// logsOutInOne presses the button in one tab: the other one's scripts know, its page leads to the login, and what the browser kept
// of the application's pages has no session any more.
func (s *site) logsOutInOne(t *testing.T, browser *chromium.Browser, tab *Tab) {
	session := s.URL + app.Prefix + "/auth/v2/session"
	other := newTab(t, browser)
	if page := other.Open(t, s.URL+app.Prefix+"/me"); page.Status != 200 {
		t.Fatalf("another tab: %d %s", page.Status, page.Text)
	}
	if got := script[string](t, other, fmt.Sprintf(asksSession, session)); got != "200" {
		t.Errorf("before the logout: %s", got)
	}
	s.logsOutOf(t, browser, tab, "/me")
	if got := script[string](t, other, fmt.Sprintf(asksSession, session)); got != "401" {
		t.Errorf("the other tab after the logout: %s", got)
	}
	if page := other.Reload(t); !strings.HasPrefix(page.URL.String(), s.provider.Issuer()) {
		t.Errorf("the other tab leads to %s: %d %s", page.URL, page.Status, page.Text)
	}
	if back := tab.Back(t); back.Status == 0 { // else the server has answered
		if got := script[string](t, tab, fmt.Sprintf(asksSession, session)); got != "401" {
			t.Errorf("the page that the browser kept: %s", got)
		}
	}
	// What says no-store is not shown again.
	s.signsIn(t, tab)
	s.logsOutOf(t, browser, tab, "/auth/v2/session")
	if back := tab.Back(t); back.Status != 401 || back.URL.String() != session {
		t.Errorf("back to a page with no-store: %d %s %s", back.Status, back.URL, back.Text)
	}
}

// logsOutOf opens a page of somebody who is logged in, and presses the button there.
func (s *site) logsOutOf(t *testing.T, browser *chromium.Browser, tab *Tab, path string) {
	t.Helper()
	if page := tab.Open(t, s.URL+app.Prefix+path); page.Status != 200 {
		t.Fatalf("%s: %d %s", path, page.Status, page.Text)
	}
	script[bool](t, tab, fmt.Sprintf("document.body.innerHTML = %q, true", form(s.URL+app.Prefix+"/auth/v2/logout")))
	page := tab.Click(t, "#send")
	if page.Status != 200 || page.URL.String() != s.URL+app.Prefix+"/feed" || strings.TrimSpace(page.Text) != "null" {
		t.Errorf("the logout ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	if left := sessionCookie(t, browser); left.Value != "" {
		t.Errorf("the cookie is left: %+v", left)
	}
}

func (s *site) outlives(t *testing.T, browser *chromium.Browser, tab *Tab) {
	s.signsIn(t, tab)
	value := sessionCookie(t, browser).Value
	again := browser.Restart(t)
	if got := sessionCookie(t, again).Value; got != value {
		t.Errorf("after the restart the cookie is %q", got)
	}
	if page := newTab(t, again).Open(t, s.URL+app.Prefix+"/me"); page.Status != 200 || !strings.Contains(page.Text, `"username":"alice"`) {
		t.Errorf("after the restart: %s %d %s", page.URL, page.Status, page.Text)
	}
}

// TestBrowserSessionsHTTPS tests a browser session behind a TLS proxy, as in production.
func TestBrowserSessionsHTTPS(t *testing.T) {
	for _, framework := range app.Frameworks {
		t.Run(framework, func(t *testing.T) {
			front, behind := frontend(t)
			s := open(t, framework, passthrough, func(cfg *core.Config) {
				behind(strings.TrimSuffix(cfg.PublicURL, app.Prefix))
				cfg.PublicURL = front + app.Prefix
				web(cfg)
			})
			s.provider.AddClient(oidctest.Client{
				ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{s.callback}, PostLogoutURIs: []string{front + app.Prefix + "/auth/v2/logout"},
			})
			s.URL = front
			browser := chromium.New(t, "ignore-certificate-errors")
			checks := compat.New(t, part, chromium.Version, framework, passthrough)
			checks.Run("browser session over https with a __Host- cookie", func(t *testing.T) {
				tab := newTab(t, browser)
				s.signsIn(t, tab)
				c := sessionCookie(t, browser)
				if !strings.HasPrefix(c.Name, "__Host-oidc-session") || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "127.0.0.1" {
					t.Errorf("the session's cookie: %+v", c)
				}
				s.ownRequests(t, tab)
				s.logsOutInOne(t, browser, tab)
			})
		})
	}
}
