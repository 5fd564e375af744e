package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// landing is where a browser ends up that logs in with this return_to, as an address that a browser would resolve.
func landing(t *testing.T, w *web, returnTo string) *url.URL {
	t.Helper()
	b := w.browser()
	target := "/auth/v2/login?" + url.Values{"return_to": {returnTo}}.Encode()
	answer := b.do(http.MethodGet, target, navigation...)
	if answer.StatusCode != http.StatusFound {
		t.Fatalf("login: %d %s", answer.StatusCode, body(answer))
	}
	back, err := w.idp.Approve(answer.Header.Get("Location"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	landed := b.do(http.MethodGet, back.RequestURI(), navigation...)
	if landed.StatusCode != http.StatusFound {
		t.Fatalf("callback: %d %s", landed.StatusCode, body(landed))
	}
	at, err := url.Parse(landed.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// An address to return to is a path of this origin, in whatever spelling; anything else ends at Home.
func TestReturnTo(t *testing.T) {
	w := newWeb(t, func(c *core.Config) { c.Sessions.Home = "/home" })
	for _, good := range []string{"/", "/page", "/page?a=1&b=%20x", "/p/a.b/..c?next=https://other.example/x//y", "/ä/ö?ü=1", "/page#part", "/a%2fb", "/page?q=100%25", "/sale/50%25off"} {
		if at := landing(t, w, good); at.String() != webURL+good && at.String() != webURL+(&url.URL{Path: "/ä/ö", RawQuery: "ü=1"}).String() {
			t.Errorf("%q ends at %s", good, at)
		}
	}
	for _, bad := range []string{
		"https://evil.example/", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `/\/evil.example`, "/%2fevil.example", "/%5cevil.example",
		"/%09/evil.example", "/\t/evil.example", "/%252fevil.example", "/%25252fevil.example", "/..//evil.example", "/%252fevil.example/%25zz", "/a/../..//evil.example", "/%2e%2e//evil.example", "/./page",
		"page", "", "?a", "javascript:alert(1)", "/\n", "/%0d%0aSet-Cookie:x=1", "/%00", "/\u2028", "/" + strings.Repeat("a", 1024), "/%zz", "/a%",
		"/auth/v2/login", "/auth/v2/login?return_to=/auth/v2/login", "@evil.example", "/\xff",
	} {
		if at := landing(t, w, bad); at.String() != webURL+"/home" {
			t.Errorf("%q ends at %s", bad, at)
		}
	}
}

// Whatever is asked for, the browser stays at the own origin.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/page", "//evil.example", `/\evil`, "/%5c%5cevil", "/..//evil", "https://evil.example", "/a?b=//c", "/%09/x", "/ä"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if !core.IsReturnTo(address) {
			return
		}
		base, _ := url.Parse(webURL + "/some/page")
		for range 3 {
			at, err := base.Parse(address)
			if err != nil || at.Scheme != "https" || at.Host != "app.example.org" || at.User != nil || strings.HasPrefix(at.Path, "//") || strings.Contains(at.Path, `\`) {
				t.Fatalf("%q leads to %v, %v", address, at, err)
			}
			if strings.ContainsAny(address, "\r\n\t\x00") {
				t.Fatalf("%q has control characters", address)
			}
			decoded, err := url.PathUnescape(address)
			if err != nil {
				return // no decoder goes further
			}
			address = decoded
		}
	})
}
