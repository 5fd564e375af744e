package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func TestPages(t *testing.T) {
	idp := oidctest.NewProvider(t)
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	cfg.PublicURL = "http://localhost:8080"
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := httpauth.New(cfg) // another instance with the same store
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	alice := idp.Session(auth.Auth, "alice").String()
	for _, c := range []struct {
		path, cookie string
		status       int
		body         string
	}{
		{"/", "", http.StatusOK, "Log in"},
		{"/", alice, http.StatusOK, "Alice"},
		{"/profile", "", http.StatusFound, ""},
		{"/profile", alice, http.StatusOK, "alice@example.org"},
		{"/other", alice, http.StatusNotFound, ""},
	} {
		request := httptest.NewRequest(http.MethodGet, c.path, nil)
		request.Header.Set("Cookie", c.cookie)
		request.Header.Set("Sec-Fetch-Mode", "navigate")
		request.Header.Set("Sec-Fetch-Dest", "document")
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: %d %s, want %d with %q", c.path, answer.Code, answer.Body, c.status, c.body)
		}
	}
}
