package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/gofiber/fiber/v3"
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
		if status, body := send(t, router, request); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("GET %s as %.12q: %d %s, want %d with %q", c.path, c.authorization, status, body, c.status, c.body)
		}
	}
}

// Tests only a handler: its caller is made from claims, without a provider.
func TestHandlers(t *testing.T) {
	caller := oidctest.IDToken(oidctest.Claims{"sub": "1", "preferred_username": "carol", "email": "carol@example.org"})
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		c.SetContext(core.WithIDToken(c.Context(), caller))
		return c.Next()
	})
	app.Get("/me", func(c fiber.Ctx) error { return me(c, caller) })
	app.Get("/users", users)
	for path, want := range map[string]string{"/me": "carol@example.org", "/users": "carol"} {
		if _, body := send(t, app, httptest.NewRequest(http.MethodGet, path, nil)); !strings.Contains(body, want) {
			t.Errorf("GET %s: %s", path, body)
		}
	}
}

func send(t *testing.T, app *fiber.App, request *http.Request) (int, string) {
	t.Helper()
	answer, err := app.Test(request, fiber.TestConfig{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
