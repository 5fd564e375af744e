package main

import (
	"net/http"
	"os"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/gofiber/fiber/v3"
)

// Who may call which route is in testdata/access.txt. A route without a guard fails the test.
func TestAccess(t *testing.T) {
	app, err := newRouter(oidctest.NewProvider(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	var patterns []oidctest.Pattern
	for _, route := range app.GetRoutes(true) {
		if route.Method != fiber.MethodHead { // fiber adds one to each GET
			patterns = append(patterns, oidctest.Pattern{Method: route.Method, Path: route.Path})
		}
	}
	report, err := oidctest.Access(t.Context(), oidctest.App{
		Patterns: patterns,
		Open:     []string{"GET /ready"},
		Send:     sendTo(app),
	})
	if err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile("testdata/access.txt")
	if err != nil || report.String() != string(want) {
		t.Errorf("access has changed: %v\n%s", err, report)
	}
}

// sendTo sends requests to the app, from a second one around it that gives it the context: fiber's Test does not.
func sendTo(app *fiber.App) func(*http.Request) (int, error) {
	return func(request *http.Request) (int, error) {
		around := fiber.New(app.Config())
		around.Use(func(c fiber.Ctx) error {
			c.SetContext(request.Context())
			return c.Next()
		})
		around.Use("/", app)
		answer, err := around.Test(request, fiber.TestConfig{Timeout: 0})
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
}
