package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestFields(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	router, err := newRouter(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	bob := idp.Bearer("bob", oidctest.Claims{"scope": "orders"})
	clerk := idp.Bearer("carol", oidctest.Claims{"scope": "orders", "roles": []string{"clerk"}})
	for _, c := range []struct {
		query, authorization string
		status               int
		want                 string
	}{
		{"{ orders }", bob, http.StatusOK, `{"data":{"orders":3}}`},
		{"{ orders }", "", http.StatusOK, `"extensions":{"code":"invalid_request","status":401}`},
		{"{ orders }", idp.Bearer("bob"), http.StatusOK, `"extensions":{"code":"insufficient_scope","status":403}`},
		{"{ orders }", "Bearer x.y.z", http.StatusUnauthorized, "Invalid token"},
		{"{ __typename }", "", http.StatusOK, `{"data":{"__typename":"Query"}}`},
		{"mutation { cancel(id: 7) }", bob, http.StatusOK, "Insufficient permissions"},
		{"mutation { cancel(id: 7) }", clerk, http.StatusOK, `{"data":{"cancel":true}}`},
	} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(fmt.Sprintf(`{"query":%q}`, c.query)))
		r.Header.Set("Content-Type", "application/json")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d with %s", c.query, w.Code, w.Body, c.status, c.want)
		}
	}
}
