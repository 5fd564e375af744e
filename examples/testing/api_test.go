package main

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestWhoMayRead(t *testing.T) {
	idp, _, router := newApp(t)
	for _, c := range []struct {
		name, authorization string
		status              int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"without the scope", idp.Bearer("bob"), http.StatusForbidden},
		{"with the scope", idp.Bearer("bob", oidctest.Claims{"scope": "orders:read"}), http.StatusOK},
		{"for another service", idp.Bearer("bob", oidctest.Claims{"scope": "orders:read", "aud": "wiki"}), http.StatusUnauthorized},
		{"expired", idp.Bearer("bob", oidctest.Claims{"scope": "orders:read", "exp": 1}), http.StatusUnauthorized},
		{"an ID token", "Bearer " + idp.IDToken("bob"), http.StatusUnauthorized},
		{"signed by somebody else", "Bearer " + idp.SignForeign("at+jwt", idp.AccessClaims("bob")), http.StatusUnauthorized},
	} {
		if answer := get(router, "/orders", "Authorization", c.authorization); answer.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, answer.Code, answer.Body, c.status)
		}
	}
}

func TestOwnUser(t *testing.T) {
	idp, _, router := newApp(t)
	idp.AddUser(oidctest.User{Name: "dora", Claims: oidctest.Claims{
		"name": "Dora", "department": "finance", "realm_access": map[string]any{"roles": []string{"admin"}},
	}})
	if answer := get(router, "/admin", "Authorization", idp.Bearer("dora")); answer.Body.String() != "Hello Dora of finance" {
		t.Errorf("dora: %d %s", answer.Code, answer.Body)
	}
}
