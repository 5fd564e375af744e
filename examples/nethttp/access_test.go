package main

import (
	"os"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Who may call which route is in testdata/access.txt. A route without a guard fails the test.
func TestAccess(t *testing.T) {
	router, err := newRouter(oidctest.NewProvider(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	report, err := oidctest.Access(t.Context(), oidctest.App{
		Patterns: oidctest.Patterns( // a ServeMux has no list of its routes
			"GET /me", "GET /feed", "GET /admin/users", "GET /ready",
			"GET /auth/v2/login", "GET /auth/v2/callback", "POST /auth/v2/token", "POST /auth/v2/device",
			"GET /auth/v2/logout", "POST /auth/v2/logout", "GET /auth/v2/userinfo",
		),
		Open: []string{"GET /ready"},
		Send: oidctest.SendTo(router),
	})
	if err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile("testdata/access.txt")
	if err != nil || report.String() != string(want) {
		t.Errorf("access has changed: %v\n%s", err, report)
	}
}
