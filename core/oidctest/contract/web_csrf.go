package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

const partner = "https://shop.example.org" // a trusted origin

// testForeign: a request with the cookie that another site makes the browser send is refused before the handler.
func testForeign(t *testing.T, a setup) {
	w := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.Sessions.TrustedOrigins = []string{partner} }})
	b := w.browser()
	id := b.logIn("alice")
	t.Run("unsafe", func(t *testing.T) { unsafeMethods(b.in(t), id) })
	t.Run("safe", func(t *testing.T) { safeMethods(b.in(t), id) })
	t.Run("methods in disguise", func(t *testing.T) { disguised(b.in(t), id) })
	t.Run("websocket", func(t *testing.T) { webSocket(b.in(t)) })
	t.Run("guests", func(t *testing.T) { foreignGuests(b.in(t)) })
	t.Run("routes", func(t *testing.T) { foreignRoutes(b.in(t), id) })
}

// sites are what a browser may say of where a request comes from, and whether an unsafe one passes.
var sites = []struct {
	headers []string
	passes  bool
}{
	{[]string{"Sec-Fetch-Site: cross-site"}, false},
	{[]string{"Sec-Fetch-Site: same-site"}, false},
	{[]string{"Sec-Fetch-Site: elsewhere"}, false},
	{[]string{"Sec-Fetch-Site: SAME-ORIGIN"}, false},
	{[]string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, false},
	{[]string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false},
	{[]string{"Sec-Fetch-Site: cross-site", "Origin: " + origin}, false},
	{[]string{"Sec-Fetch-Site: same-origin", "Origin: https://evil.example"}, false},
	{[]string{"Sec-Fetch-Site: none", "Origin: null"}, false},
	{[]string{"Origin: https://evil.example"}, false},
	{[]string{"Origin: null"}, false},
	{[]string{"Origin: " + origin + ".evil.example"}, false},
	{[]string{"Origin: http://app.example.org"}, false},
	{[]string{"Origin: " + origin + ":8443"}, false},
	{[]string{"Origin: " + publicURL}, false},
	{[]string{"Origin: " + origin, "Origin: https://evil.example"}, false},
	{[]string{"Origin: https://shop.example.org.evil.example"}, false},
	{[]string{"Origin: https://evil.example", "Referer: " + origin + "/", "Host: app.example.org", "X-Forwarded-Host: evil.example"}, false},
	{[]string{"Sec-Fetch-Site: same-origin"}, true},
	{[]string{"Sec-Fetch-Site: same-origin", "Origin: " + origin}, true},
	{[]string{"Sec-Fetch-Site: none"}, true},
	{[]string{"Origin: " + origin}, true},
	{[]string{"Sec-Fetch-Site: same-site", "Origin: " + partner}, true},
	{[]string{"Sec-Fetch-Site: cross-site", "Origin: " + partner}, true},
	{[]string{"Origin: " + partner}, true},
	{nil, true}, // no browser
}

func unsafeMethods(b *browser, id string) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodTrace} {
		for _, site := range sites {
			before := b.runs.Load()
			got := b.do(method, page, site.headers...)
			got.what += " with " + strings.Join(site.headers, ", ")
			if site.passes {
				got.is(seenBy("alice", id))
				continue
			}
			got.is(foreignRequest())
			if b.runs.Load() != before {
				b.t.Errorf("a handler ran for %s with %v", method, site.headers)
			}
		}
	}
}

// safeMethods: a link from anywhere leads to a page; an Origin that is not ours does not, since it comes with what changes something.
func safeMethods(b *browser, id string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		b.do(method, page, "Sec-Fetch-Site: cross-site").hasStatus(http.StatusOK)
		b.do(method, page, "Sec-Fetch-Site: same-site").hasStatus(http.StatusOK)
		b.do(method, page, "Sec-Fetch-Site: cross-site", "Origin: "+partner).hasStatus(http.StatusOK)
		b.do(method, page, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example").hasStatus(http.StatusForbidden)
		b.do(method, page, "Origin: null").hasStatus(http.StatusForbidden)
	}
	b.do(http.MethodGet, page, linked...).is(seenBy("alice", id))
	b.do(http.MethodGet, page, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, page, append(slices.Clone(linked), "Origin: https://evil.example")...).isPage(http.StatusForbidden, "This did not work", varies)
}

// disguised: what asks a framework to take one method for another changes nothing.
func disguised(b *browser, id string) {
	for _, header := range []string{"X-HTTP-Method-Override: GET", "X-HTTP-Method: GET", "X-Method-Override: GET"} {
		b.do(http.MethodPost, page+"?_method=GET", append(slices.Clone(crossSite), header)...).is(foreignRequest())
		b.do(http.MethodPost, page, "Sec-Fetch-Site: cross-site", header).is(foreignRequest())
	}
	b.do(http.MethodGet, page+"?_method=POST", "Sec-Fetch-Site: cross-site", "X-HTTP-Method-Override: POST").is(seenBy("alice", id))
}

// webSocket: an upgrade is a GET that opens a way to do anything.
func webSocket(b *browser) {
	for _, upgrade := range []string{"websocket", "WebSocket", "h2c, websocket"} {
		for _, site := range sites {
			lines := slices.Concat([]string{"GET " + page + " HTTP/1.1", "Connection: Upgrade", "Upgrade: " + upgrade, "Sec-WebSocket-Version: 13"}, site.headers, b.cookieLine())
			lines = slices.DeleteFunc(lines, func(line string) bool { return line == "Host: app.example.org" }) // raw has one
			got := b.raw(lines...)
			if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[site.passes]; got.status != want {
				b.t.Errorf("%v: got %d, want %d", site.headers, got.status, want)
			}
		}
	}
}

// foreignGuests: where guests pass, another site's request is a guest's; and without the cookie there is nothing to protect.
func foreignGuests(b *browser) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b.do(method, open, crossSite...).is(seenGuest())
		b.do(method, group+"/strict", crossSite...).is(foreignRequest())
		b.web.browser().do(method, open, crossSite...).is(seenGuest())
		b.web.browser().do(method, group+"/strict", crossSite...).is(seenGuest())
		b.web.browser().do(method, page, crossSite...).is(notLoggedIn())
	}
}

// foreignRoutes: the rule holds for the own routes too.
func foreignRoutes(b *browser, id string) {
	b.submit(logout, nil, crossSite...).is(foreignRequest())
	b.submit(logout, nil, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site").isPage(http.StatusForbidden, "This did not work")
	for _, query := range []string{"?all=true", "?others=true", "?id=" + id} {
		b.do(http.MethodDelete, sessions+query, crossSite...).is(foreignRequest())
	}
	b.do(http.MethodGet, sessions, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, session, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, userInfo, crossSite...).is(foreignRequest())
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
}
