package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// newApp starts a provider and the application that uses it.
func newApp(t *testing.T, options ...oidctest.Option) (*oidctest.Provider, core.Config, http.Handler) {
	t.Helper()
	idp := oidctest.NewProvider(t, options...) // on loopback, gone when the test ends
	cfg := idp.Config()
	cfg.PublicURL = "http://localhost:8080"
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory() // no database
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))        // shown if the test fails
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return idp, cfg, router
}

// get sends a request with headers, each a name and a value.
func get(router http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, request)
	return answer
}
