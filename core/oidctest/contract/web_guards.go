package contract

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

func testWebGuards(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	t.Run("nobody", func(t *testing.T) { nobody(w.in(t)) })
	t.Run("ended", func(t *testing.T) { endedSession(w.in(t)) })
	t.Run("bearer and cookie", func(t *testing.T) { bearerAndCookie(w.in(t)) })
	t.Run("one kind alone", func(t *testing.T) { oneKind(w.in(t)) })
	t.Run("lacking", func(t *testing.T) { lacking(w.in(t)) })
	t.Run("other middlewares", func(t *testing.T) { webMiddlewares(t, a) })
	t.Run("OnError", func(t *testing.T) { webOnError(t, a) })
	t.Run("outage", func(t *testing.T) { webOutage(t, a) })
}

// pleaseLogIn is the heading of the page for a person who sends a form without a session.
const pleaseLogIn = "Please log in"

// nobody: a person without a session is sent to the login, a program is told where it is.
func nobody(w *web) {
	b := w.browser()
	json := []string{"Accept: application/json"}
	toLogin := sentToLogin(page + "?a=b")
	for _, test := range []struct {
		method  string
		headers []string
		want    string
	}{
		{http.MethodGet, visiting, toLogin},
		{http.MethodHead, visiting, toLogin},
		{http.MethodGet, linked, toLogin},
		{http.MethodGet, oldBrowser, toLogin},
		{http.MethodGet, []string{"Accept: application/json;q=0.5, text/html"}, toLogin},
		{http.MethodGet, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Accept: text/html"}, notLoggedIn()},
		{http.MethodGet, []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: text/html"}, notLoggedIn()},
		{http.MethodGet, []string{"Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: document", "Accept: text/html"}, notLoggedIn()},
		{http.MethodGet, []string{"Sec-Fetch-Mode: navigate", "Accept: text/html"}, notLoggedIn()},
		{http.MethodGet, slices.Concat(oldBrowser, []string{"X-Requested-With: XMLHttpRequest"}), notLoggedIn()},
		{http.MethodGet, scripted, notLoggedIn()},
		{http.MethodGet, json, notLoggedIn()},
		{http.MethodGet, nil, notLoggedIn()},
		{http.MethodPost, submitted, pleaseLogIn},
		{http.MethodPost, oldBrowser, notLoggedIn()},
		{http.MethodDelete, visiting, pleaseLogIn},
		{http.MethodPut, scripted, notLoggedIn()},
	} {
		got := b.do(test.method, page+"?a=b", test.headers...)
		got.what += " " + test.method
		switch {
		case test.method == http.MethodHead:
			got.hasStatus(http.StatusFound)
		case test.want == pleaseLogIn:
			got.isPage(http.StatusUnauthorized, pleaseLogIn, challenge, varies)
		default:
			got.is(test.want)
		}
	}
	for current, returnTo := range map[string]string{
		origin + "/api/list?x=1#top":   "?return_to=%2Fapi%2Flist%3Fx%3D1",
		"https://evil.example/api/x":   "",
		origin + ".evil.example/x":     "",
		"/api/x":                       "",
		origin + "//evil.example/path": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			b.do(method, page, append(slices.Clone(scripted), "HX-Request: true", "HX-Current-URL: "+current)...).is(notLoggedIn("Hx-Redirect: " + loginURL + returnTo))
		}
	}
	b.do(http.MethodGet, page, append(slices.Clone(scripted), "HX-Request: true")...).is(notLoggedIn("Hx-Redirect: " + loginURL + "?return_to=%2Fapi%2Fpage"))
	b.do(http.MethodGet, group+"/quiet", visiting...).is(notLoggedIn())
	b.do(http.MethodGet, group+"/admin", visiting...).is(sentToLogin(group + "/admin"))
	for _, headers := range [][]string{visiting, scripted, nil} {
		b.do(http.MethodGet, open, headers...).is(seenGuest())
		b.do(http.MethodGet, group+"/strict", headers...).is(seenGuest())
		b.do(http.MethodGet, group+"/bearer", headers...).is(noCredentials())
	}
	// In absolute form a target names no page.
	w.raw("GET "+publicURL+"/page HTTP/1.1", visiting[0], visiting[1]).is(moved(loginURL, varies))
}

// endedSession: a session that has ended counts as none.
func endedSession(w *web) {
	b := w.browser()
	if err := w.auth.EndSession(w.t.Context(), b.logIn("alice")); err != nil {
		w.t.Fatal(err)
	}
	old := b.copied
	old().do(http.MethodGet, page, scripted...).is(sessionOver())
	old().do(http.MethodGet, page, visiting...).is(sentToLogin(page))
	old().do(http.MethodPost, page, submitted...).isPage(http.StatusUnauthorized, pleaseLogIn, challenge, varies)
	old().do(http.MethodGet, open, visiting...).is(seenGuest())
	old().do(http.MethodGet, group+"/strict", scripted...).is(sessionOver())
	old().do(http.MethodGet, group+"/strict", visiting...).is(sentToLogin(group + "/strict"))
}

// bearerAndCookie: a bearer token wins, good or bad, and what another scheme says does not count.
func bearerAndCookie(w *web) {
	b := w.browser()
	id, bob := b.logIn("alice"), w.bearer("bob")
	b.do(http.MethodGet, page, bob).is(seenBearer("bob"))
	b.do(http.MethodPost, page, append(slices.Clone(crossSite), bob)...).is(seenBearer("bob")) // no cookie, no rule for cookies
	b.do(http.MethodGet, page, "Authorization: Bearer x.y.z").is(badToken())
	b.do(http.MethodGet, open, "Authorization: Bearer x.y.z").is(seenGuest())
	b.do(http.MethodGet, group+"/strict", "Authorization: Bearer x.y.z").is(badToken())
	for _, other := range []string{"Basic YTpi", "Bearer", "Digest x", ""} {
		b.do(http.MethodGet, page, "Authorization: "+other).is(seenBy("alice", id))
	}
	b.do(http.MethodGet, page, "Authorization: Basic YTpi", "Authorization: "+"Basic YTpi").is(manyHeaders())
	b.do(http.MethodGet, userInfo, scripted...).is(jsonWith(http.StatusOK, aliceInfo))
}

// oneKind: a guard may take bearer tokens alone, or sessions alone.
func oneKind(w *web) {
	b := w.browser()
	id := b.logIn("alice")
	b.do(http.MethodGet, group+"/bearer", scripted...).is(noCredentials())
	b.do(http.MethodGet, group+"/bearer", visiting...).is(noCredentials())
	b.do(http.MethodGet, group+"/bearer", w.bearer("bob")).is(seenBearer("bob"))
	b.do(http.MethodGet, group+"/cookie", w.bearer("bob")).is(seenBy("alice", id))
	w.browser().do(http.MethodGet, group+"/cookie", w.bearer("bob")).is(notLoggedIn())
	w.browser().do(http.MethodGet, group+"/cookie", append(slices.Clone(visiting), w.bearer("bob"))...).is(sentToLogin(group + "/cookie"))
}

// lacking: who is logged in and may not pass is told so, and never sent to the login again.
func lacking(w *web) {
	alice, bob := w.browser(), w.browser()
	id := alice.logIn("alice")
	bob.logIn("bob")
	const admin = group + "/admin"
	alice.do(http.MethodGet, admin, visiting...).is(seenBy("alice", id))
	before := w.runs.Load()
	bob.do(http.MethodGet, admin, scripted...).is(lacksClaims())
	const detail = "Insufficient permissions based on token claims."
	lacks := challenge + `, error="insufficient_scope", error_description="` + detail + `"`
	for _, headers := range [][]string{visiting, linked, oldBrowser} {
		bob.do(http.MethodGet, admin, headers...).isPage(http.StatusForbidden, "No access", lacks, varies)
	}
	bob.do(http.MethodPost, admin, submitted...).isPage(http.StatusForbidden, "No access", lacks, varies)
	if w.runs.Load() != before {
		w.t.Error("a refused handler ran")
	}
	bob.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
}

// webMiddlewares: what says that an answer is private is added to what the application says, and a refusal is whole.
func webMiddlewares(t *testing.T, a setup) {
	w := a.openWeb(t, plan{}, func(w *web, app App) {
		app.Before(http.Header{"Vary": {"Origin"}, "Set-Cookie": {"app=1"}})
		in := app.Group(group)
		mount(t, in, core.Paths{})
		in.Any("/page", w.whose, Required())
		in.Group("/in", Optional(), Required()).Any("/page", w.whose, Required())
	})
	b := w.browser()
	b.do(http.MethodGet, page, visiting...).is(sentToLogin(page, "Set-Cookie: app=1"))
	b.do(http.MethodGet, b.setOut("alice"), linked...).is(landed("/", "Set-Cookie: app=1", "Vary: Origin"))
	got := b.do(http.MethodGet, page, scripted...)
	got.is(whole(http.StatusOK, got.body, "Content-Type: application/json", "Cache-Control: private", "Vary: Origin", "Vary: Cookie", "Set-Cookie: app=1"))
	b.do(http.MethodGet, group+"/in/page?a=b", scripted...).is(got.text()) // however many guards it passes
	w.browser().do(http.MethodGet, group+"/in/page?a=b", visiting...).is(sentToLogin(group+"/in/page?a=b", "Set-Cookie: app=1"))
}

// webOnError: the application has the first word on what a browser sees.
func webOnError(t *testing.T, a setup) {
	w := a.openWeb(t, plan{config: func(cfg *core.Config) {
		cfg.OnError = func(context.Context, *core.Request, *core.Error) *core.Response { return sessionAnswer }
	}})
	b := w.browser()
	for _, headers := range [][]string{visiting, scripted} {
		b.do(http.MethodGet, page, headers...).is(sessionWant())
		b.do(http.MethodGet, session, headers...).is(sessionWant())
		b.do(http.MethodGet, callback, headers...).is(sessionWant(noReferrer))
	}
}

// webOutage: while the store is out of reach known sessions go on, and nobody is logged out.
func webOutage(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	known, unknown := w.browser(), a.openWeb(t, plan{beside: w.site}).browser()
	id := known.logIn("alice")
	unknown.logIn("bob")
	back := w.browser()
	target := back.setOut("carol")
	w.store.goDown()
	known.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
	unknown = unknown.at(w)
	unknown.do(http.MethodGet, page, scripted...).is(storeDown())
	unknown.do(http.MethodGet, page, visiting...).isPage(http.StatusServiceUnavailable, "Please try again in a moment", "Retry-After: 2", varies)
	unknown.do(http.MethodGet, open, scripted...).is(seenGuest())
	w.browser().do(http.MethodGet, page, scripted...).is(notLoggedIn())
	back.do(http.MethodGet, target, scripted...).is(storeDown(noReferrer, noCookie))
	w.store.comeBack()
	for start := time.Now(); unknown.do(http.MethodGet, page, scripted...).status != http.StatusOK; {
		if time.Since(start) > patience {
			t.Fatal("the store is back, and the session is not")
		}
	}
}
