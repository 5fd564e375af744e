package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestPages(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.StoreURL, cfg.Sessions = "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite")), &core.SessionConfig{}
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := chiauth.New(cfg) // another instance: sessions are in the file
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	alice, bob := idp.Session(auth.Auth, "alice"), idp.Session(auth.Auth, "bob")
	for _, c := range []struct {
		method, path  string
		cookie        *http.Cookie
		authorization string
		site          string // of the page that sends the request; "": a person goes to the address
		status        int
		body          string
	}{
		{"GET", "/", nil, "", "", http.StatusOK, "Log in"},
		{"GET", "/", alice, "", "", http.StatusOK, "Hello Alice"},
		{"GET", "/dashboard", nil, "", "", http.StatusFound, ""},
		{"GET", "/dashboard", nil, "", "same-origin", http.StatusUnauthorized, "login_url"},
		{"GET", "/dashboard", bob, "", "", http.StatusOK, "bob"},
		{"GET", "/admin", alice, "", "", http.StatusOK, "alice"},
		{"GET", "/admin", bob, "", "", http.StatusForbidden, "No access"},
		{"POST", "/orders", bob, "", "same-origin", http.StatusCreated, "bob"},
		{"POST", "/orders", bob, "", "cross-site", http.StatusForbidden, ""},
		{"GET", "/api/orders", nil, idp.Bearer("bob"), "", http.StatusForbidden, "orders"},
		{"GET", "/api/orders", nil, idp.Bearer("bob", oidctest.Claims{"scope": "openid orders"}), "", http.StatusOK, "bob"},
	} {
		request := httptest.NewRequest(c.method, c.path, nil)
		if c.cookie != nil {
			request.AddCookie(c.cookie)
		}
		switch {
		case c.authorization != "": // a program
			request.Header.Set("Authorization", c.authorization)
		case c.site != "":
			request.Header.Set("Sec-Fetch-Site", c.site)
		default:
			request.Header.Set("Sec-Fetch-Mode", "navigate")
			request.Header.Set("Sec-Fetch-Dest", "document")
			request.Header.Set("Sec-Fetch-Site", "none")
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		status, body := answer.Code, answer.Body.String()
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s from %q: %d %s, want %d with %q", c.method, c.path, c.site, status, body, c.status, c.body)
		}
	}
}
