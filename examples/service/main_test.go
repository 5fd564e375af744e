package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// newOrders is the other service: it takes tokens whose audience is orders, and not those of this one.
func newOrders(t *testing.T, idp *oidctest.Provider) *httptest.Server {
	t.Helper()
	cfg := idp.Config()
	cfg.Audience = []string{"orders"}
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	server := httptest.NewServer(auth.Handle(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
		_, _ = fmt.Fprintf(w, "%s of %s through %v", r.URL.Path, caller.Subject(), caller.Claim("act.sub"))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestService(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, Targets: []string{"orders"}})
	auth, err := httpauth.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	orders := newOrders(t, idp)
	router := newRouter(auth, "orders", orders.URL)
	ask := func(method, path, authorization string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(method, path, nil)
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		return answer
	}
	for _, c := range []struct {
		who, method, path, authorization string
		status                           int
		body                             string
	}{
		{"bob", http.MethodGet, "/orders", idp.Bearer("bob"), http.StatusOK, "/mine of bob through app"},
		{"alice's report", http.MethodPost, "/report", idp.Bearer("alice"), http.StatusOK, "/all of app through <nil>"},
		{"bob's report", http.MethodPost, "/report", idp.Bearer("bob"), http.StatusForbidden, ""},
		{"a guest", http.MethodGet, "/orders", "", http.StatusUnauthorized, ""},
	} {
		if answer := ask(c.method, c.path, c.authorization); answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: %d %s, want %d with %q", c.who, answer.Code, answer.Body, c.status, c.body)
		}
	}
	carol := idp.Bearer("carol")
	idp.Fault(oidctest.Token, oidctest.Status(http.StatusServiceUnavailable))
	if answer := ask(http.MethodGet, "/orders", carol); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("the provider is down: %d %s", answer.Code, answer.Body)
	}
	idp.Heal()
	orders.Close()
	if answer := ask(http.MethodGet, "/orders", carol); answer.Code != http.StatusBadGateway {
		t.Errorf("the other service is down: %d %s", answer.Code, answer.Body)
	}
}
