package contract

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The cookies of a browser's login: of the session, set and deleted, and the count of logins.
const (
	newSession = "Set-Cookie: " + cookieName + "=…; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax"
	noSession  = "Set-Cookie: " + cookieName + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	counted    = "Set-Cookie: " + cookieName + "-logins=…; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"
)

// sentToLogin is a guard's answer to a person without a session.
func sentToLogin(returnTo string, headers ...string) string {
	return moved(loginURL+"?return_to="+url.QueryEscape(returnTo), append(headers, varies)...)
}

// sentToProvider is the answer of the login route to a browser.
func (w *web) sentToProvider(headers ...string) string {
	return moved(w.idp.URL(oidctest.Authorization)+"?client_id=app&code_challenge=…&code_challenge_method=S256&nonce=…&redirect_uri="+
		url.QueryEscape(ownCallback)+"&response_type=code&scope=openid+profile+email&state=…", append(headers, newCookie)...)
}

// landed is the answer of the callback to a browser whose login ends well.
func landed(target string, headers ...string) string {
	return moved(origin+target, append(headers, noReferrer, noCookie, newSession, counted)...)
}

func testWebLogin(t *testing.T, a setup) {
	t.Run("there and back", func(t *testing.T) { thereAndBack(t, a) })
	t.Run("without redirect_uri", func(t *testing.T) { loginHome(t, a) })
	t.Run("stripped prefix", func(t *testing.T) { strippedPrefix(t, a) })
	t.Run("return_to", func(t *testing.T) { returnTo(t, a) })
	t.Run("tabs", func(t *testing.T) { tabs(t, a) })
	t.Run("five tabs", func(t *testing.T) { fiveTabs(t, a) })
	t.Run("another login", func(t *testing.T) { anotherLogin(t, a) })
	t.Run("another browser", func(t *testing.T) { anotherBrowser(t, a) })
	t.Run("history", func(t *testing.T) { history(t, a) })
	t.Run("silent", func(t *testing.T) { silentLogin(t, a) })
	t.Run("loop", func(t *testing.T) { loginLoop(t, a) })
	t.Run("cookie", func(t *testing.T) { cookieNames(t, a) })
	t.Run("OnLogin", func(t *testing.T) { webOnLogin(t, a) })
}

// thereAndBack: a person opens a page, logs in and is on that page, with its query, in a group and under the path of PublicURL.
func thereAndBack(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	const there = page + "?a=b%20c&a=d&e=%2F"
	b.do(http.MethodGet, there, visiting...).is(sentToLogin(there))
	start := b.do(http.MethodGet, loginQuery("return_to", there), visiting...)
	start.is(w.sentToProvider())
	back := strings.TrimPrefix(b.approve(start.location(), "alice"), origin)
	b.do(http.MethodGet, back, linked...).is(landed(there))
	if len(b.session()) != 64 || len(b.jar) != 2 {
		t.Errorf("the browser has %v", b.jar)
	}
	id := sessionIn(b.do(http.MethodGet, there, linked...))
	if len(id) != 43 {
		t.Errorf("the session is called %q", id)
	}
	b.do(http.MethodGet, there, visiting...).is(seenBy("alice", id))
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
	b.do(http.MethodGet, open).is(seenBy("alice", id))
}

// loginHome: a login without a page to return to ends at Home.
func loginHome(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	for _, query := range [][]string{{}, {"redirect_uri", ownCallback}, {"return_to", ""}} {
		b := w.browser()
		b.do(http.MethodGet, b.setOut("alice", query...), linked...).is(landed("/"))
		b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
	}
	w = a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.Sessions.Home = "/api/home?tab=1" }})
	b := w.browser()
	b.do(http.MethodGet, b.setOut("alice"), linked...).is(landed("/api/home?tab=1"))
	// A program's login is as it was.
	w.alive(w.tokens(w.codeForm("alice")))
}

// strippedPrefix: a proxy cuts off what browsers see before the paths of this process.
func strippedPrefix(t *testing.T, a setup) {
	w := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.Sessions.StrippedPrefix = "/api" }}, func(w *web, app App) {
		mount(t, app, core.Paths{})
		app.Any("/page", w.whose, Required())
	})
	w.browser().do(http.MethodGet, "/page?a=b", visiting...).is(sentToLogin("/api/page?a=b"))
}

// returnTo: what is not plainly a path of this origin ends at Home.
func returnTo(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	for _, address := range []string{
		"https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/%2fevil.example", "/%2Fevil.example", "/%5cevil.example",
		"/%252fevil.example", "/%25252525252fevil.example", "/a//evil.example", "/a/%2f/b", "/..//evil.example", "/a/../b", "/./a", "/a/..", "/%2e%2e/a", "/%2e/a", "/a/%252e%252e/b",
		"/\t/evil.example", "/%09/evil.example", "/%0a/evil.example", "/a%0d%0aSet-Cookie:x=y", "/a\r\nSet-Cookie:x=y", "/%00", "/a%7f", "/%e2%80%a8", "/%c2%85", "/%ff", "/%zz",
		"javascript:alert(1)", "data:text/html,x", "evil.example", "evil.example/", "@evil.example", "user:pw@evil.example/", ".evil.example", ":80/a", "?a=b", "#a", " /a", "",
		origin + page, "http://app.example.org/", login, login + "?return_to=/", "/" + strings.Repeat("a", 1<<10), "/" + strings.Repeat("a", 8<<10),
	} {
		b := w.browser()
		b.do(http.MethodGet, b.setOut("alice", "return_to", address), linked...).is(landed("/"))
	}
	for _, address := range []string{"/", "/a", "/a/b/?c=d", "/a?next=https://other.example//c&x=..", "/a%20b?c=%C3%BC", "/a#b", "/" + strings.Repeat("a", 1<<10-1)} {
		b := w.browser()
		b.do(http.MethodGet, b.setOut("alice", "return_to", address), linked...).is(landed(address))
	}
	w.browser().do(http.MethodGet, loginQuery("return_to", "/a", "return_to", "/b"), scripted...).is(invalid("Parameter return_to is given more than once."))
	w.browser().do(http.MethodGet, page+"?"+strings.Repeat("a", 1<<10), visiting...).is(moved(loginURL, varies)) // too long to come back to
}

// tabs: each tab lands on its own page, and the last login stands.
func tabs(t *testing.T, a setup) {
	b := a.openWeb(t, plan{}).browser()
	first, second, third := b.setOut("alice", "return_to", page+"?tab=1"), b.setOut("alice", "return_to", page+"?tab=2"), b.setOut("alice", "return_to", page+"?tab=3")
	for i, back := range []string{second, first, third} {
		before := b.copied()
		got := b.do(http.MethodGet, back, linked...)
		got.is(landed(page + "?tab=" + []string{"2", "1", "3"}[i]))
		b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
		if i > 0 {
			before.do(http.MethodGet, page, scripted...).is(sessionOver())
		}
	}
}

// fiveTabs: so many logins may be under way in one browser, whatever its other cookies are called.
func fiveTabs(t *testing.T, a setup) {
	for _, address := range []string{publicURL, origin} {
		b := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.PublicURL = address }}).browser()
		for i := range 5 {
			b.setOut("alice")
			if len(b.jar) != i+1 {
				t.Errorf("%d logins of %s have left %v", i+1, address, b.jar)
			}
		}
	}
}

// anotherLogin: a login makes a new session, and ends the one that the browser had, whoever's that was.
func anotherLogin(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	id := b.logIn("alice")
	for _, user := range []string{"alice", "bob"} {
		old := b.copied()
		b.do(http.MethodGet, b.setOut(user, "return_to", page), linked...).is(landed(page))
		next := sessionIn(b.do(http.MethodGet, page, scripted...))
		if next == "" || next == id || b.session() == old.session() {
			t.Errorf("the session is %q again", next)
		}
		b.do(http.MethodGet, page, scripted...).is(seenBy(user, next))
		old.do(http.MethodGet, page, scripted...).is(sessionOver())
		id = next
	}
	// What a browser presents is never made a session.
	for _, planted := range []string{strings.Repeat("A", 64), "x", b.session()} {
		other := w.browser()
		other.jar[cookieName] = planted
		other.do(http.MethodGet, other.setOut("carol", "return_to", page), linked...).is(landed(page))
		if other.session() == planted {
			t.Errorf("the planted %s became a session", planted)
		}
		other.jar[cookieName] = planted
		other.do(http.MethodGet, page, scripted...).is(sessionOver())
	}
}

// anotherBrowser: a login ends in the browser where it began, and nowhere else.
func anotherBrowser(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	attacker, victim := w.browser(), w.browser()
	back := attacker.setOut("alice", "return_to", page)
	victim.do(http.MethodGet, back, linked...).isPage(http.StatusBadRequest, "The login did not work", noReferrer, noCookie)
	victim.do(http.MethodGet, back, scripted...).is(notThisLogin(noCookie))
	victim.setOut("bob")
	victim.do(http.MethodGet, back, scripted...).is(notThisLogin(noCookie))
	victim.do(http.MethodGet, page, scripted...).is(notLoggedIn())
	attacker.do(http.MethodGet, back, linked...).is(landed(page)) // a stranger's try does not spend it
}

// history: the back button on the callback leads on who is logged in.
func history(t *testing.T, a setup) {
	b := a.openWeb(t, plan{}).browser()
	back := b.setOut("alice", "return_to", page+"?a=b")
	b.do(http.MethodGet, back, linked...).is(landed(page + "?a=b"))
	for range 2 {
		b.do(http.MethodGet, back, visiting...).is(moved(origin+page+"?a=b", noReferrer, noCookie))
	}
	b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
	delete(b.jar, cookieName)
	b.do(http.MethodGet, back, visiting...).isPage(http.StatusBadRequest, "The login did not work", noReferrer, noCookie)
}

// silentLogin: the provider is asked without showing anything; who is not logged in there comes back as a guest.
func silentLogin(t *testing.T, a setup) {
	b := a.openWeb(t, plan{}).browser()
	start := b.do(http.MethodGet, loginQuery("prompt", "none", "return_to", open), visiting...)
	asked, err := url.Parse(start.location())
	if err != nil || asked.Query().Get("prompt") != "none" {
		t.Fatalf("the provider is asked at %s: %v", asked, err)
	}
	answer := func(fault string) string {
		return callback + "?" + url.Values{"error": {fault}, "state": {asked.Query().Get("state")}, "iss": {b.idp.Issuer()}}.Encode()
	}
	b.copied().do(http.MethodGet, answer("access_denied"), linked...).isPage(http.StatusBadRequest, "The login did not work", noReferrer, noCookie)
	start = b.do(http.MethodGet, loginQuery("prompt", "none", "return_to", open), visiting...)
	if asked, err = url.Parse(start.location()); err != nil {
		t.Fatal(err)
	}
	b.do(http.MethodGet, answer("login_required"), linked...).is(moved(origin+open, noReferrer, noCookie))
	b.do(http.MethodGet, open, visiting...).is(seenGuest())
}

// loginLoop: a browser that has logged in five times within a minute sees why it is not sent to the login again.
func loginLoop(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	for range 5 {
		b.do(http.MethodGet, b.setOut("alice", "return_to", page), linked...).is(landed(page))
	}
	const heading = "The login goes round in circles"
	b.do(http.MethodGet, loginQuery("return_to", page), visiting...).isPage(http.StatusTooManyRequests, heading, "Retry-After: 60")
	b.do(http.MethodGet, login, visiting...).isPage(http.StatusTooManyRequests, heading, "Retry-After: 60")
	w.browser().logIn("alice")
	for _, forged := range []string{"x", "5", "5.", "5.x", "-1.1", "99999999999999999999.1", "5.1", "5.99999999999"} {
		other := w.browser()
		other.jar[cookieName+"-logins"] = forged
		other.logIn("alice")
	}
}

// cookieNames: the cookie is bound to the host where https allows that, and kept apart from those of other ports and paths.
func cookieNames(t *testing.T, a setup) {
	for _, test := range []struct{ url, name, want string }{
		{"https://app.example.org", "", "__Host-oidc-session=…; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax"},
		{"https://app.example.org", "sid", "__Host-sid=…; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax"},
		{"http://127.0.0.1:8080", "", "oidc-session-d30a576c=…; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"},
		{"http://127.0.0.1:8080/api", "sid", "sid=…; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"},
	} {
		w := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.PublicURL, cfg.Sessions.CookieName = test.url, test.name }})
		start := w.get(login)
		back, err := w.idp.Approve(start.location(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		got := w.get(callback+"?"+back.RawQuery, "Cookie: "+start.cookies())
		host, _ := url.Parse(test.url)
		dropped := noCookie
		if host.Scheme == "http" {
			dropped = "Set-Cookie: oidc-…=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
		}
		host.Path = "/"
		got.is(moved(host.String(), noReferrer, dropped, "Set-Cookie: "+test.want, "Set-Cookie: "+strings.NewReplacer("=…", "-logins=…", "604800", "60").Replace(test.want)))
		w.get(page, "Cookie: "+got.cookies()).hasStatus(http.StatusOK)
	}
}

// webOnLogin: the application's answer to a login gets the session's cookie, and it sees no token.
func webOnLogin(t *testing.T, a setup) {
	b := a.openWeb(t, plan{config: func(cfg *core.Config) {
		cfg.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
			if token.AccessToken != "" || token.RefreshToken != "" || token.Caller().Subject() != "alice" || token.Caller().Raw() != "" {
				t.Errorf("OnLogin got %q and %q of %v", token.AccessToken, token.RefreshToken, token.Caller())
			}
			return sessionAnswer
		}
	}}).browser()
	b.do(http.MethodGet, b.setOut("alice"), linked...).is(sessionWant(noReferrer, noCookie, newSession, counted))
	b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
}
