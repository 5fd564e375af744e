package main

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

func TestPages(t *testing.T) {
	idp, cfg, router := newApp(t)
	auth, err := core.New(cfg) // a second instance with the same store: its sessions are valid at both
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	alice, bob := idp.Session(auth, "alice").String(), idp.Session(auth, "bob").String() // logged in, in one line
	for _, c := range []struct {
		name, path, cookie, mode string
		status                   int
	}{
		{"a guest goes to the login", "/dashboard", "", "navigate", http.StatusFound},
		{"a guest's script is told", "/dashboard", "", "cors", http.StatusUnauthorized},
		{"bob sees his page", "/dashboard", bob, "navigate", http.StatusOK},
		{"bob is no administrator", "/admin", bob, "navigate", http.StatusForbidden},
		{"alice is one", "/admin", alice, "navigate", http.StatusOK},
	} {
		answer := get(router, c.path, "Cookie", c.cookie, "Sec-Fetch-Mode", c.mode, "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin")
		if answer.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, answer.Code, answer.Body, c.status)
		}
	}
}
