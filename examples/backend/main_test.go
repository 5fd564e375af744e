package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// newOrders is the other API: a service of its own that accepts tokens of the same provider.
func newOrders(t *testing.T, idp *oidctest.Provider) *httptest.Server {
	t.Helper()
	auth, err := httpauth.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	server := httptest.NewServer(auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
		_, _ = fmt.Fprint(w, "orders of ", caller.Username())
	}))
	t.Cleanup(server.Close)
	return server
}

func TestOrders(t *testing.T) {
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	cfg := idp.Config()
	cfg.Sessions = &core.SessionConfig{}
	cfg.StoreURL = "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "sessions.sqlite"))
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	orders := newOrders(t, idp)
	router, err := newRouter(auth, orders.URL)
	if err != nil {
		t.Fatal(err)
	}
	bob := idp.Session(auth.Auth, "bob")
	ask := func(cookie *http.Cookie, authorization string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodGet, "/orders", nil)
		if cookie != nil {
			request.AddCookie(cookie)
		}
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, request)
		return answer
	}
	for _, c := range []struct {
		who           string
		cookie        *http.Cookie
		authorization string
		status        int
		body          string
	}{
		{"a session", bob, "", http.StatusOK, "orders of bob"},
		{"a bearer token", nil, idp.Bearer("alice"), http.StatusOK, "orders of alice"},
		{"a guest", nil, "", http.StatusUnauthorized, "login_url"},
	} {
		if answer := ask(c.cookie, c.authorization); answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: %d %s, want %d with %q", c.who, answer.Code, answer.Body, c.status, c.body)
		}
	}
	orders.Close()
	if answer := ask(bob, ""); answer.Code != http.StatusBadGateway {
		t.Errorf("the other API is down: %d %s", answer.Code, answer.Body)
	}
}
