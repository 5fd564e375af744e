package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func testWebLogout(t *testing.T, a setup) {
	t.Run("there and back", func(t *testing.T) { logoutAndBack(t, a) })
	t.Run("who may", func(t *testing.T) { whoMayLogOut(t, a) })
	t.Run("other instances", func(t *testing.T) { logoutElsewhere(t, a) })
	t.Run("outage", func(t *testing.T) { logoutOutage(t, a) })
}

// toEndSession is where the provider ends its own session: the hint is the one token that a browser sees, and the state is opened when
// the provider sends it back.
func (w *web) toEndSession() string {
	return w.idp.URL(oidctest.EndSession) + "?client_id=app&id_token_hint=…&post_logout_redirect_uri=" + url.QueryEscape(publicURL+"/auth/v2/logout") + "&state=…"
}

// leaves lets the provider answer a logout, and returns the target at which it sends the browser back.
func (b *browser) leaves(location string) string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, location, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = response.Body.Close() // it has none
	back, own := strings.CutPrefix(response.Header.Get("Location"), origin)
	if !own {
		b.t.Fatalf("the provider sends the browser to %q", response.Header.Get("Location"))
	}
	return back
}

// logoutAndBack: the session ends here first, then at the provider, and the browser ends at an address of the application.
func logoutAndBack(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	for target, end := range map[string]string{
		"": origin + "/", afterLogout: afterLogout, afterLogout + "&state=a b": afterLogout + "?state=a+b", "https://evil.example/": origin + "/",
	} {
		form := url.Values{}
		if target != "" {
			uri, state, _ := strings.Cut(target, "&state=")
			form.Set("post_logout_redirect_uri", uri)
			form.Set("state", state)
		}
		b := w.browser()
		b.logIn("alice")
		copied := b.copied()
		revoked := w.idp.Hits(oidctest.Revocation)
		start := b.submit(logout, form, submitted...)
		start.is(moved(w.toEndSession(), noSession))
		if to, err := url.Parse(start.location()); err != nil || len(to.Query().Get("state")) < 16 {
			t.Errorf("the state is %q: %v", to.Query().Get("state"), err)
		}
		copied.do(http.MethodGet, page, scripted...).is(sessionOver())
		if w.idp.Hits(oidctest.Revocation) == revoked {
			t.Error("nothing is revoked at the provider")
		}
		b.do(http.MethodGet, b.leaves(start.location()), linked...).is(moved(end))
	}
	// A state that this service did not make leads nowhere.
	b := w.browser()
	for _, forged := range []string{"x", strings.TrimPrefix(b.setOut("alice"), callback+"?")} {
		got := b.do(http.MethodGet, logout+"?state="+url.QueryEscape(forged), linked...)
		if !strings.HasPrefix(got.location(), w.idp.URL(oidctest.EndSession)) {
			t.Errorf("a forged state leads to %s", got.text())
		}
	}
}

// whoMayLogOut: the application itself may; a link of another site shows a button, and a form of another site nothing.
func whoMayLogOut(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	for _, test := range []struct {
		method  string
		headers []string
	}{
		{http.MethodGet, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin"}},
		{http.MethodGet, visiting},
		{http.MethodPost, submitted},
		{http.MethodPost, append(slices.Clone(oldBrowser), "Origin: "+origin)},
	} {
		b := w.browser()
		b.logIn("alice")
		b.do(test.method, logout, test.headers...).is(moved(w.toEndSession(), noSession))
		if b.session() != "" {
			t.Error("the cookie is still there")
		}
	}
	b := w.browser()
	b.logIn("alice")
	jsonEnd := strings.ReplaceAll(w.toEndSession(), "&", `\u0026`)
	got := b.do(http.MethodPost, logout, scripted...)
	if got.status != http.StatusOK || !strings.HasPrefix(got.body, `{"logout_url":"`+jsonEnd[:strings.Index(jsonEnd, "…")]) || b.session() != "" {
		t.Errorf("a script gets %s", got.text())
	}
	b.do(http.MethodGet, page, scripted...).is(notLoggedIn())

	id := b.logIn("alice")
	const heading = "Log out?"
	for _, headers := range [][]string{linked, oldBrowser, nil, {"Sec-Fetch-Site: same-site"}, scripted[:2]} {
		got := b.do(http.MethodGet, logout+"?"+url.Values{"post_logout_redirect_uri": {afterLogout}, "state": {`"><script>`}}.Encode(), headers...)
		got.isPage(http.StatusOK, heading)
		if strings.Count(got.body, "<button") != 1 || !strings.Contains(got.body, `<form method="post" action="`+publicURL+`/auth/v2/logout">`) || !strings.Contains(got.body, `value="`+afterLogout+`"`) {
			t.Errorf("the page is %s", got.body)
		}
	}
	b.submit(logout, nil, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, logout, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
	start := b.submit(logout, url.Values{"post_logout_redirect_uri": {afterLogout}, "state": {"s"}}, submitted...)
	b.do(http.MethodGet, b.leaves(start.location()), linked...).is(moved(afterLogout + "?state=s"))

	// Nobody is logged in: as ever.
	b.do(http.MethodGet, logout, linked...).is(moved(w.idp.URL(oidctest.EndSession) + "?client_id=app"))
	w.with("x").do(http.MethodGet, logout, linked...).is(moved(w.idp.URL(oidctest.EndSession) + "?client_id=app"))

	// A bearer token is logged out in its own way, and the browser's session lives.
	id = b.logIn("alice")
	b.do(http.MethodGet, logout, "Authorization: Bearer "+w.tokens(w.codeForm("bob")).AccessToken).hasStatus(http.StatusFound)
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
}

// logoutElsewhere: an instance that knows the session learns of its end.
func logoutElsewhere(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	other := a.openWeb(t, plan{beside: w.site})
	b := w.browser()
	id := b.logIn("alice")
	copied := b.copied().at(other)
	copied.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
	b.do(http.MethodPost, logout, submitted...).is(moved(w.toEndSession(), noSession))
	a.openWeb(t, plan{beside: w.site}).with(copied.session()).do(http.MethodGet, page, scripted...).is(sessionOver()) // it reads the row
	for start := time.Now(); ; {
		got := copied.copied().do(http.MethodGet, page, scripted...)
		if got.status == http.StatusUnauthorized {
			got.is(sessionOver())
			return
		}
		got.is(seenBy("alice", id))
		if time.Since(start) > patience {
			t.Fatal("the other instance never learns of the logout")
		}
	}
}

// logoutOutage: a logout counts here, whatever is out of reach.
func logoutOutage(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	b.logIn("alice")
	copied := b.copied()
	w.idp.Fault(oidctest.Revocation, oidctest.Refused())
	b.do(http.MethodPost, logout, submitted...).is(moved(w.toEndSession(), noSession))
	copied.do(http.MethodGet, page, scripted...).is(sessionOver())

	navigating, asking := w.browser(), w.browser()
	navigating.logIn("alice")
	asking.logIn("bob")
	both := []*browser{navigating.copied(), asking.copied()}
	w.store.goDown()
	if got := navigating.do(http.MethodPost, logout, submitted...); got.status != http.StatusFound || navigating.session() != "" {
		t.Errorf("a person gets %s", got.text())
	}
	asking.do(http.MethodPost, logout, scripted...).is(storeDown(noSession))
	for _, b := range both {
		b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusUnauthorized)
	}
	w.store.comeBack()
	for _, b := range both {
		b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusUnauthorized)
	}
}
