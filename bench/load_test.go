package main

import (
	"net/http"
	"slices"
	"testing"
)

// wrk and the own load generator send the same headers.
func TestRequestHeaders(t *testing.T) {
	header := http.Header{"Cookie": {"a=b"}, "Sec-Fetch-Site": {"same-origin"}}
	raw := string(rawRequest("app.example.org", "/hit", header))
	if raw != "GET /hit HTTP/1.1\r\nHost: app.example.org\r\nCookie: a=b\r\nSec-Fetch-Site: same-origin\r\n\r\n" {
		t.Errorf("sent: %q", raw)
	}
	arguments := wrkArguments(order{Address: "127.0.0.1:80", Path: "/hit", Header: header})
	for _, want := range []string{"Cookie: a=b", "Sec-Fetch-Site: same-origin"} {
		if i := slices.Index(arguments, want); i < 1 || arguments[i-1] != "-H" {
			t.Errorf("no %q in %q", want, arguments)
		}
	}
	if last := arguments[len(arguments)-1]; last != "http://127.0.0.1:80/hit" {
		t.Errorf("wrk calls %s", last)
	}
}
