package contract

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// testNames: the Authorization header counts however its name is written, and two of them are refused.
func testNames(t *testing.T, a setup, _ *atomic.Int64) {
	s := a.open(t, plan{})
	value := strings.TrimPrefix(s.bearer("alice"), "Authorization")
	for _, test := range []struct {
		names  []string
		value  string
		status int
	}{
		{[]string{"Authorization"}, value, 200},
		{[]string{"authorization"}, value, 200},
		{[]string{"AUTHORIZATION"}, value, 200},
		{[]string{"Authorization", "authorization"}, value, 400},
		{[]string{"authorization", "aUTHORIZATION"}, value, 400},
		{slices.Repeat([]string{"authorization"}, 20), ": Bearer short", 400},
		{[]string{"x-authorization"}, value, 401},
		{nil, "", 401},
	} {
		lines := []string{"GET /me HTTP/1.1"}
		for _, name := range test.names {
			lines = append(lines, name+test.value)
		}
		if got := s.raw(append(lines, "", "")...); got.status != test.status {
			t.Errorf("%v: got %d, want %d", test.names, got.status, test.status)
		}
	}
}

// testForeignNames: what says that another site made a browser send a request counts however its name is written; so does the cookie.
func testForeignNames(t *testing.T, a setup, _ *atomic.Int64) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	b.logIn("alice")
	cookie := strings.TrimPrefix(b.cookieLine()[0], "Cookie: ")
	for name, test := range map[string]struct {
		line   string
		lines  []string
		status int
	}{
		"own":                      {"POST " + page, []string{"cookie: " + cookie, "sec-fetch-site: same-origin", "origin: " + origin}, 200},
		"upper case":               {"GET " + page, []string{"COOKIE: " + cookie}, 200},
		"cross-site":               {"POST " + page, []string{"Cookie: " + cookie, "sec-fetch-site: cross-site"}, 403},
		"cross-site, all in lower": {"POST " + page, []string{"cookie: " + cookie, "sec-fetch-site: cross-site"}, 403},
		"same site":                {"DELETE " + page, []string{"cookie: " + cookie, "SEC-FETCH-SITE: same-site"}, 403},
		"origin":                   {"POST " + page, []string{"cookie: " + cookie, "origin: https://evil.example"}, 403},
		"origin of a GET":          {"GET " + page, []string{"Cookie: " + cookie, "ORIGIN: https://evil.example"}, 403},
		"origin twice":             {"POST " + page, []string{"cookie: " + cookie, "Origin: " + origin, "origin: " + origin}, 403},
		"websocket":                {"GET " + page, []string{"cookie: " + cookie, "sec-fetch-site: cross-site", "upgrade: WebSocket"}, 403},
		"route":                    {"POST " + logout, []string{"cookie: " + cookie, "sec-fetch-site: cross-site", "content-length: 0"}, 403},
		"two cookies":              {"GET " + page, []string{"cookie: " + cookie, "Cookie: " + cookie}, 401},
		"none":                     {"GET " + page, nil, 401},
	} {
		if got := w.raw(slices.Concat([]string{test.line + " HTTP/1.1"}, test.lines, []string{"", ""})...); got.status != test.status {
			t.Errorf("%s: got %d, want %d", name, got.status, test.status)
		}
	}
	if got := b.do(http.MethodGet, page); got.status != http.StatusOK {
		t.Errorf("the session has ended: %s", got.text())
	}
}
