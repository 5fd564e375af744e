package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func TestPages(t *testing.T) {
	gin.SetMode(gin.TestMode)
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.StoreURL, cfg.Sessions = "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite")), &core.SessionConfig{}
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := ginauth.New(cfg) // another instance: sessions are in the file
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	alice, bob := idp.Session(auth.Auth, "alice"), idp.Session(auth.Auth, "bob")
	reader, clerk := idp.Bearer("bob", nil), idp.Bearer("bob", oidctest.Claims{"scope": "openid orders"})
	for _, c := range []struct {
		method, path string
		cookie       *http.Cookie
		headers      string
		status       int
		body         string
	}{
		{"GET", "/", nil, "", http.StatusOK, "Log in"},
		{"GET", "/", alice, "", http.StatusOK, "Hello Alice"},
		{"GET", "/dashboard", nil, "navigate", http.StatusFound, ""},
		{"GET", "/dashboard", nil, "cors", http.StatusUnauthorized, "login_url"},
		{"GET", "/dashboard", bob, "navigate", http.StatusOK, "bob"},
		{"GET", "/admin", alice, "navigate", http.StatusOK, "alice"},
		{"GET", "/admin", bob, "navigate", http.StatusForbidden, "No access"},
		{"POST", "/orders", bob, "cors", http.StatusCreated, "bob"},
		{"POST", "/orders", bob, "foreign", http.StatusForbidden, ""},
		{"GET", "/api/orders", nil, "Bearer nonsense", http.StatusUnauthorized, "Invalid token"},
		{"GET", "/api/orders", nil, reader, http.StatusForbidden, "missing required scopes: orders"},
		{"GET", "/api/orders", nil, clerk, http.StatusOK, "bob"},
	} {
		request := httptest.NewRequest(c.method, c.path, nil)
		switch c.headers {
		case "navigate":
			request.Header.Set("Sec-Fetch-Mode", "navigate")
			request.Header.Set("Sec-Fetch-Dest", "document")
			request.Header.Set("Sec-Fetch-Site", "none")
		case "cors":
			request.Header.Set("Sec-Fetch-Site", "same-origin")
		case "foreign":
			request.Header.Set("Sec-Fetch-Site", "cross-site")
		case "":
		default:
			request.Header.Set("Authorization", c.headers)
		}
		if c.cookie != nil {
			request.AddCookie(c.cookie)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s %s (%s): %d %s, want %d with %q", c.method, c.path, c.headers, answer.Code, answer.Body, c.status, c.body)
		}
	}
}
