package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/labstack/echo/v5"
)

func TestRoutes(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	router, err := newRouter(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	bob := idp.Bearer("bob", oidctest.Claims{"email": "bob@example.net"}) // a signed-in user, in one line
	alice := idp.Bearer("alice", oidctest.Claims{"scope": "openid admin"})
	for _, c := range []struct {
		path, authorization string
		status              int
		body                string
	}{
		{"/me", "", http.StatusUnauthorized, "Not authenticated"},
		{"/me", "Bearer nonsense", http.StatusUnauthorized, "Invalid token"},
		{"/me", bob, http.StatusOK, "bob@example.net"},
		{"/ready", "", http.StatusOK, ""},
		{"/feed", "", http.StatusOK, "guest"},
		{"/feed", bob, http.StatusOK, "bob"},
		{"/admin/users", "", http.StatusUnauthorized, "Not authenticated"},
		{"/admin/users", bob, http.StatusForbidden, "missing required scopes: admin"},
		{"/admin/users", alice, http.StatusOK, "alice"},
	} {
		request := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.authorization != "" {
			request.Header.Set("Authorization", c.authorization)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("GET %s as %.12q: %d %s, want %d with %q", c.path, c.authorization, answer.Code, answer.Body, c.status, c.body)
		}
	}
}

// Tests only a handler: its caller is made from claims, without a provider.
func TestHandlers(t *testing.T) {
	caller := oidctest.IDToken(oidctest.Claims{"sub": "1", "preferred_username": "carol", "email": "carol@example.org"})
	request := httptest.NewRequest(http.MethodGet, "/", nil)

	answer := httptest.NewRecorder()
	if err := me(echo.New().NewContext(request, answer), caller); err != nil || !strings.Contains(answer.Body.String(), "carol@example.org") {
		t.Errorf("me: %s %v", answer.Body, err)
	}

	answer = httptest.NewRecorder()
	request = request.WithContext(core.WithIDToken(request.Context(), caller))
	if err := users(echo.New().NewContext(request, answer)); err != nil || !strings.Contains(answer.Body.String(), "carol") {
		t.Errorf("users: %s %v", answer.Body, err)
	}
}
