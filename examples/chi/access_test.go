package main

import (
	"net/http"
	"os"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Who may call which route is in testdata/access.txt. A route without a guard fails the test.
func TestAccess(t *testing.T) {
	router, err := newRouter(oidctest.NewProvider(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	var patterns []oidctest.Pattern
	err = chi.Walk(router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		patterns = append(patterns, oidctest.Pattern{Method: method, Path: path})
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
