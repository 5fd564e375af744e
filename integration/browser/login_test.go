package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// TestLogin logs a person in through the callback route of the application, which responds with the token.
func TestLogin(t *testing.T) {
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				s := open(t, framework, mode, nil)
				browser := chromium.New(t)
				checks := compat.New(t, part, chromium.Version, framework, mode)
				checks.Run("login, and a cookie that ends with it", func(t *testing.T) { s.logsIn(t, browser) })
				checks.Run("reload of the callback is refused", func(t *testing.T) { s.reloads(t, browser) })
				checks.Run("back button logs nobody else in", func(t *testing.T) { s.goesBack(t, browser) })
				checks.Lacks("back and forward: the page with the callback's JSON may come back from the browser's memory, though the answer says no-store; with OnLogin no token is ever on a page")
				checks.Run("the callback's answer is not kept in the cache", func(t *testing.T) { s.isNotKept(t, browser) })
				checks.Run("two tabs log in at once", func(t *testing.T) { s.twoTabs(t, browser) })
				checks.Run("a callback of another browser is refused", func(t *testing.T) { s.foreign(t, browser) })
				checks.Run("a login that has ended, or never was, is refused", func(t *testing.T) { s.ended(t, browser) })
				checks.Run("deny at the provider", func(t *testing.T) { s.denies(t, browser) })
				checks.Run("logout and back to the application", func(t *testing.T) { s.logsOut(t, browser, mode) })
			})
		}
	}
}

func (s *site) logsIn(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	cookies := loginCookies(t, browser)
	if len(cookies) != 1 {
		t.Fatalf("cookies of the login: %d", len(cookies))
	}
	cookie := cookies[0]
	if !cookie.HTTPOnly || cookie.SameSite != "Lax" || cookie.Secure || cookie.Path != "/" || cookie.Domain != "127.0.0.1" || cookie.Session {
		t.Errorf("the login's cookie: %+v", cookie)
	}
	if life := time.Until(time.Unix(int64(cookie.Expires), 0)); life < 9*time.Minute || life > 10*time.Minute {
		t.Errorf("the login's cookie lives %s", life)
	}
	if seen := script[string](t, tab, "document.cookie"); seen != "" {
		t.Errorf("a script sees %q", seen)
	}
	page := tab.Click(t, as("alice"))
	token := s.token(t, page, "alice")
	if token.RefreshToken == "" || token.TokenType != "Bearer" {
		t.Errorf("the token is a %q, refresh token %t", token.TokenType, token.RefreshToken != "")
	}
	if page.Header["cache-control"] != "no-store" || page.Header["referrer-policy"] != "no-referrer" || page.Header["content-type"] != "application/json" {
		t.Errorf("the callback's header: %v", page.Header)
	}
	if left := loginCookies(t, browser); len(left) != 0 {
		t.Errorf("after the callback: %d cookies", len(left))
	}
	quiet(t, tab)
}

// spent is what a callback is told whose state is none of a login under way in this browser.
const spent = "The login state is not valid: begin the login again."

// badRequest is in the console after a document with this status.
const badRequest = "status of 400"

func (s *site) reloads(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	s.token(t, tab.Click(t, as("alice")), "alice")
	redeemed := s.provider.Hits(oidctest.Token)
	refused(t, tab.Reload(t), 400, spent)
	refused(t, tab.Reload(t), 400, spent)
	if now := s.provider.Hits(oidctest.Token); now != redeemed {
		t.Errorf("the code was redeemed %d times more", now-redeemed)
	}
	quiet(t, tab, badRequest)
}

// goesBack is somebody who leaves the machine to somebody else: on the provider's page, which belongs to the spent state,
// bob's click logs nobody in.
func (s *site) goesBack(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	token := s.token(t, tab.Click(t, as("alice")), "alice")
	redeemed, issued := s.provider.Hits(oidctest.Token), len(tab.Asked())
	back := tab.Back(t)
	if !strings.HasPrefix(back.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("back is %s", back.URL)
	}
	forward := tab.Forward(t)
	if forward.Status == 0 { // nothing was asked for; it is the page that was there
		if !strings.Contains(forward.Text, token.AccessToken) || len(tab.Asked()) != issued+fromServer(back) {
			t.Errorf("forward is another page: %s", forward.Text)
		}
	} else {
		refused(t, forward, 400, spent)
	}
	tab.Back(t)
	refused(t, tab.Click(t, as("bob")), 400, spent)
	if now := s.provider.Hits(oidctest.Token); now != redeemed {
		t.Errorf("a code was redeemed %d times more", now-redeemed)
	}
	quiet(t, tab, badRequest)
}

// fromServer is how many requests a page of the history took.
func fromServer(page View) int {
	if page.Status == 0 {
		return 0
	}
	return 1
}

// isNotKept looks for the token in the browser's cache, and opens the callback's address in another tab.
func (s *site) isNotKept(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	page := tab.Click(t, as("alice"))
	s.token(t, page, "alice")
	for _, mode := range []string{"only-if-cached", "force-cache"} {
		kept := script[string](t, tab, fmt.Sprintf(
			`fetch(location.href, {cache: %q, mode: "same-origin"}).then((answer) => "" + answer.status, () => "nothing")`, mode))
		if want := map[string]string{"only-if-cached": "nothing", "force-cache": "400"}[mode]; kept != want {
			t.Errorf("%s: %s, not %s", mode, kept, want)
		}
	}
	other := newTab(t, browser)
	refused(t, other.Open(t, page.URL.String()), 400, spent)
	quiet(t, tab, badRequest, "ERR_CACHE_MISS")
	quiet(t, other, badRequest)
}

func (s *site) twoTabs(t *testing.T, browser *chromium.Browser) {
	first, second := newTab(t, browser), newTab(t, browser)
	s.begins(t, first)
	s.begins(t, second)
	if cookies := loginCookies(t, browser); len(cookies) != 2 || cookies[0].Name == cookies[1].Name {
		t.Errorf("two logins have %d cookies", len(cookies))
	}
	s.token(t, first.Click(t, as("alice")), "alice")
	if cookies := loginCookies(t, browser); len(cookies) != 1 {
		t.Errorf("after the first: %d cookies", len(cookies))
	}
	s.token(t, second.Click(t, as("bob")), "bob")
	if cookies := loginCookies(t, browser); len(cookies) != 0 {
		t.Errorf("after both: %d cookies", len(cookies))
	}
	quiet(t, first)
	quiet(t, second)
}

// foreign is an attacker's callback address: it logs in nobody but the browser that began, which still can.
func (s *site) foreign(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	page := s.begins(t, tab)
	back, err := s.provider.Approve(page.URL.String(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	redeemed := s.provider.Hits(oidctest.Token)
	other := chromium.New(t)
	victim := newTab(t, other)
	refused(t, victim.Open(t, back.String()), 400, spent)
	s.begins(t, victim) // a login of its own changes nothing
	refused(t, victim.Open(t, back.String()), 400, spent)
	if now := s.provider.Hits(oidctest.Token); now != redeemed {
		t.Errorf("the code was redeemed %d times", now-redeemed)
	}
	if cookies := loginCookies(t, other); len(cookies) != 1 {
		t.Errorf("the victim's own login has %d cookies", len(cookies))
	}
	s.token(t, tab.Open(t, back.String()), "alice")
	quiet(t, victim, badRequest)
}

func (s *site) ended(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	browser.DropCookies(t) // what the browser does by itself after ten minutes
	refused(t, tab.Click(t, as("alice")), 400, spent)
	s.begins(t, tab)
	const missing = "Missing code or state"
	for query, detail := range map[string]string{
		"code=x&state=never": spent, "error=access_denied&state=never": spent, "state=never": missing, "code=x": missing, "": missing,
	} {
		refused(t, tab.Open(t, s.callback+"?"+query), 400, detail)
	}
	browser.DropCookies(t)
	quiet(t, tab, badRequest)
}

func (s *site) denies(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	redeemed := s.provider.Hits(oidctest.Token)
	refused(t, tab.Click(t, deny), 400, "access_denied")
	if now := s.provider.Hits(oidctest.Token); now != redeemed {
		t.Error("something was redeemed")
	}
	if cookies := loginCookies(t, browser); len(cookies) != 0 {
		t.Errorf("after the refusal: %d cookies", len(cookies))
	}
	s.begins(t, tab)
	s.token(t, tab.Click(t, as("alice")), "alice")
	quiet(t, tab, badRequest)
}

// logsOut revokes with a call of the page, which alone can send the token, and goes on as a person does.
func (s *site) logsOut(t *testing.T, browser *chromium.Browser, mode string) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	token := s.token(t, tab.Click(t, as("alice")), "alice")
	home := s.URL + app.Prefix + "/feed"
	address := s.URL + app.Prefix + "/auth/v2/logout?" + url.Values{"post_logout_redirect_uri": {home}, "state": {"s 1&"}}.Encode()
	kind := script[string](t, tab, fmt.Sprintf(
		`fetch(%q, {headers: {Authorization: "Bearer " + %q}, redirect: "manual"}).then((answer) => answer.type)`, address, token.AccessToken))
	if kind != "opaqueredirect" {
		t.Errorf("the logout answers with %q", kind)
	}
	page := tab.Open(t, address)
	if page.Status != 200 || page.URL.Path != app.Prefix+"/feed" || page.URL.Query().Get("state") != "s 1&" || strings.TrimSpace(page.Text) != "null" {
		t.Errorf("the logout ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	if mode == brokered {
		if got := s.Get(t, "/me", token.AccessToken); got.Status != 401 {
			t.Errorf("the token after the logout: %d", got.Status)
		}
	}
	elsewhere := tab.Open(t, s.URL+app.Prefix+"/auth/v2/logout?post_logout_redirect_uri="+url.QueryEscape("http://localhost:1/"))
	if elsewhere.Status != 200 || !strings.HasPrefix(elsewhere.URL.String(), s.provider.Issuer()) || !strings.Contains(elsewhere.Text, "You are signed out") {
		t.Errorf("a logout to elsewhere ends at %s: %d %s", elsewhere.URL, elsewhere.Status, elsewhere.Text)
	}
	quiet(t, tab)
}
