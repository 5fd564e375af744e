package contract

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The cookie of a login whose answer the provider posts, set and deleted.
var (
	newPosted = strings.Replace(newCookie, "SameSite=Lax", "SameSite=None", 1)
	noPosted  = strings.Replace(noCookie, "SameSite=Lax", "SameSite=None", 1)
)

// fromProvider is what a browser sends with the form of the provider's page.
var fromProvider = []string{"Origin: https://idp.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"}

func posting(cfg *core.Config) { cfg.ResponseMode = "form_post" }

// testPosted: the provider posts its answer to the callback route.
func testPosted(t *testing.T, a setup) {
	s := a.open(t, plan{config: posting})
	query, cookies := s.begin(ownCallback, "alice")
	headers := append([]string{"Cookie: app=1; " + cookies}, fromProvider...)
	missing := refused(http.StatusBadRequest, "invalid_request", "Missing code or state", noReferrer)
	s.post(callback, nil, headers...).is(missing)
	s.post(callback+"?"+query.Encode(), nil, headers...).is(missing)
	s.post(callback, query, fromProvider...).is(notThisLogin(noPosted))
	s.send(http.MethodPost, callback, strings.NewReader("{}"), "Content-Type: application/json", "Cookie: "+cookies).
		is(refused(http.StatusBadRequest, "invalid_request", "The answer of the provider has to be a urlencoded form.", noReferrer))
	s.post(callback, query, headers...).is(tokenAnswer(noReferrer, noPosted))
	s.post(callback, query, headers...).is(notThisLogin(noPosted))
	s.post(token, url.Values{}, fromProvider...).hasStatus(http.StatusForbidden) // no other route takes a form of another site
	query, cookies = s.begin(ownCallback, "alice")
	s.comeBack(query, cookies).is(tokenAnswer(noReferrer, noPosted))
}

// testWebPosted: with browser sessions, the browser makes one more navigation, with the cookies of this site.
func testWebPosted(t *testing.T, a setup) {
	w := a.openWeb(t, plan{config: posting})
	b := w.browser()
	for _, user := range []string{"alice", "bob"} {
		old := b.copied()
		target, err := url.Parse(b.setOut(user, "return_to", page))
		if err != nil {
			t.Fatal(err)
		}
		form := &browser{web: w, jar: map[string]string{}} // with the cookies that are SameSite=None
		for name, value := range b.jar {
			if _, lax := old.jar[name]; !lax {
				form.jar[name] = value
			}
		}
		posted := form.submit(target.Path, target.Query(), fromProvider...)
		posted.hasStatus(http.StatusSeeOther)
		next := strings.TrimPrefix(posted.location(), origin)
		if !strings.HasPrefix(next, callback+"?arrival=") || len(form.jar) != 1 {
			t.Fatalf("%s with %v", next, form.jar)
		}
		b.jar = old.copied().jar
		for name, value := range form.jar {
			b.jar[name] = value
		}
		b.do(http.MethodGet, next, linked...).is(landed(page))
		b.do(http.MethodGet, page, scripted...).is(seenBy(user, sessionIn(b.do(http.MethodGet, page, scripted...))))
		if old.session() != "" {
			old.do(http.MethodGet, page, scripted...).is(sessionOver())
		}
	}
	start := b.do(http.MethodGet, login, linked...)
	start.hasStatus(http.StatusFound)
	if got := start.header.Get("Set-Cookie"); !strings.HasSuffix(got, strings.SplitAfter(newPosted, "600")[1]) {
		t.Errorf("the login's cookie: %s", got)
	}
}
