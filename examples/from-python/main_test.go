package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

func TestRoutes(t *testing.T) {
	idp := oidctest.NewProvider(t)
	cfg := idp.Config()
	cfg.Store, cfg.Broker = store.NewMemory(), &core.BrokerConfig{Audience: "shop"}
	router, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := chiauth.New(cfg) // another instance with the same store
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	clerk := idp.BrokerBearer(auth.Auth, "carol", oidctest.Claims{"roles": []string{"clerk"}})
	bob := idp.BrokerBearer(auth.Auth, "bob")
	for _, c := range []struct {
		path, authorization string
		status              int
		body                string
	}{
		{"/api/orders", "", http.StatusUnauthorized, `"detail"`},
		{"/api/orders", idp.Bearer("carol"), http.StatusUnauthorized, `"detail"`}, // the provider's tokens are not accepted
		{"/api/orders", bob, http.StatusForbidden, `"detail"`},
		{"/api/orders", clerk, http.StatusOK, `"for":"carol"`},
		{"/api/hello", "", http.StatusOK, "guest"},
		{"/api/hello", bob, http.StatusOK, "bob"},
		{"/api/auth/v2/.well-known/jwks.json", "", http.StatusOK, `"keys"`},
	} {
		request := httptest.NewRequest(http.MethodGet, c.path, nil)
		request.Header.Set("Authorization", c.authorization)
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: %d %s, want %d with %q", c.path, answer.Code, answer.Body, c.status, c.body)
		}
	}
}
