package core_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// through goes to an address of the application, and by way of the provider, whose browser is at, back to it. user presses the button
// of the login page; "" fails there. It returns the last answer, its target, and whether the page was shown.
func (b *browser) through(at *oidctest.Browser, target, user string, more ...string) (last *http.Response, end string, asked bool) {
	b.t.Helper()
	for range 10 {
		answer := b.do(http.MethodGet, target, navigation...)
		location := answer.Header.Get("Location")
		if strings.HasPrefix(location, b.idp.URL(oidctest.Authorization)) {
			location += strings.Join(more, "")
			back, err := at.Open(location)
			if err == nil && back == nil && user != "" {
				asked = true
				back, err = at.Approve(location, user)
			}
			if err != nil || back == nil {
				b.t.Fatalf("the provider shows a page: %v", err)
			}
			location = back.String()
		}
		own, found := strings.CutPrefix(location, webURL)
		if !found {
			return answer, target, asked
		}
		target = own
	}
	b.t.Fatal("the browser goes round in circles")
	return nil, "", false
}

// A silent login asks the provider without showing anything: who is logged in there gets a session here, anybody else comes back as a guest.
func TestSilentLogin(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		b, at := w.browser(), w.idp.Browser()
		const silently = "/auth/v2/login?prompt=none&return_to=/open"
		opens := func(want string) {
			t.Helper()
			answer, end, _ := b.through(at, silently, "")
			if text := body(answer); end != "/open" || !strings.HasPrefix(text, want+" ") {
				t.Errorf("want %q at /open, got %q at %s", want, text, end)
			}
		}
		opens("") // nobody is logged in
		if _, _, asked := b.through(at, "/page", "alice"); !asked {
			t.Error("the first login showed no page")
		}
		first, _ := b.sessionCookie()
		delete(b.jar, first)
		opens("alice")
		if status := b.status("/page"); status != http.StatusOK {
			t.Errorf("after the silent login: %d", status)
		}
		// Another application of the browser: a login that is not silent shows no page either.
		other := &browser{web: w, jar: map[string]string{}}
		if answer, _, asked := other.through(at, "/page", ""); asked || !strings.HasPrefix(body(answer), "alice ") {
			t.Errorf("a second login: page %t, status %d", asked, answer.StatusCode)
		}
		// After a logout at the provider it is a guest again.
		out := b.do(http.MethodPost, "/auth/v2/logout", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin")
		if _, err := at.Open(out.Header.Get("Location")); err != nil {
			t.Fatal(err)
		}
		opens("")
	})
}

// A login with max_age shows the login page when the last one is older, and the ID token has the new auth_time.
func TestMaxAge(t *testing.T) {
	w := newWeb(t, nil)
	var authTime any
	w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { authTime = claims["auth_time"] })
	b, at := w.browser(), w.idp.Browser()
	b.through(at, "/page", "alice")
	w.idp.Advance(15 * time.Second)
	for _, test := range []struct {
		maxAge string
		asked  bool
	}{{"", false}, {"&max_age=3600", false}, {"&max_age=10", true}, {"&max_age=0", true}} {
		w.idp.Advance(2 * time.Second) // a new login has another auth_time; all of it is less than the leeway
		before := authTime
		_, end, asked := b.through(at, "/auth/v2/login?return_to=/page", "alice", test.maxAge)
		if end != "/page" || asked != test.asked || (authTime != before) != test.asked {
			t.Errorf("%s: page %t, at %s, auth_time %v, before %v", test.maxAge, asked, end, authTime, before)
		}
	}
}
