package main

import (
	"os"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/labstack/echo/v5"
)

// Who may call which route is in testdata/access.txt. A route without a guard fails the test.
func TestAccess(t *testing.T) {
	router, err := newRouter(oidctest.NewProvider(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	var patterns []oidctest.Pattern
	for _, route := range router.Router().Routes() {
		if route.Method == echo.RouteNotFound { // a group with middleware has them
			continue
		}
		patterns = append(patterns, oidctest.Pattern{Method: route.Method, Path: route.Path})
	}
	report, err := oidctest.Access(t.Context(), oidctest.App{
		Patterns: patterns,
		Open:     []string{"GET /ready"},
		Send:     oidctest.SendTo(router),
	})
	if err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile("testdata/access.txt")
	if err != nil || report.String() != string(want) {
		t.Errorf("access has changed: %v\n%s", err, report)
	}
}
