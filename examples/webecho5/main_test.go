package main

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/examples/internal/webtest"
)

func TestPages(t *testing.T) {
	webtest.Run(t, func(cfg core.Config) (func(*http.Request) (int, string), error) {
		router, err := newRouter(cfg)
		return webtest.Handler(router), err
	})
}
