package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestOperations(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	router, err := newRouter(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	bob := idp.Bearer("bob", oidctest.Claims{"scope": "orders"})
	clerk := idp.Bearer("carol", oidctest.Claims{"scope": "orders", "roles": []string{"clerk"}})
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		body                        string
	}{
		{http.MethodGet, "/orders", "", http.StatusUnauthorized, "Not authenticated"},
		{http.MethodGet, "/orders", idp.Bearer("bob"), http.StatusForbidden, "missing required scopes: orders"},
		{http.MethodGet, "/orders", bob, http.StatusOK, `"of":"bob"`},
		{http.MethodDelete, "/orders/7", bob, http.StatusForbidden, "Insufficient permissions"},
		{http.MethodDelete, "/orders/7", clerk, http.StatusNoContent, ""},
		{http.MethodGet, "/openapi.json", "", http.StatusOK, `"security":[{`},
		{http.MethodGet, "/openapi.json", "", http.StatusOK, `"503"`},
		{http.MethodGet, "/auth/v2/userinfo", bob, http.StatusOK, "bob"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %s: %d %s, want %d with %q", c.method, c.path, w.Code, w.Body, c.status, c.body)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); (challenge == "") != (c.status < 400) {
			t.Errorf("%s %s: the challenge is %q", c.method, c.path, challenge)
		}
	}
}
