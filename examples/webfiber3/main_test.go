package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/examples/internal/webtest"
	"github.com/gofiber/fiber/v3"
)

func TestPages(t *testing.T) {
	webtest.Run(t, func(cfg core.Config) (func(*http.Request) (int, string), error) {
		router, err := newRouter(cfg)
		return func(request *http.Request) (int, string) {
			answer, err := router.Test(request, fiber.TestConfig{})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.StatusCode, string(body)
		}, err
	})
}
