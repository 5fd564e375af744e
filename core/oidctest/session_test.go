package oidctest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A logged-in browser and an own token in one line each, with the claims that the test is about.
func TestSession(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	cfg := idp.Config()
	cfg.Store, cfg.Sessions, cfg.Broker = store.NewMemory(), &core.SessionConfig{}, &core.BrokerConfig{}
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	handler := auth.Required(core.Roles("auditor")).Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(core.IDTokenFrom(r.Context()).Subject()))
	}))
	auditor := oidctest.Claims{"realm_access": oidctest.Claims{"roles": []string{"auditor"}}}
	ask := func(change func(*http.Request)) string {
		request, recorder := httptest.NewRequest(http.MethodGet, "/audit", nil), httptest.NewRecorder()
		change(request)
		handler.ServeHTTP(recorder, request)
		return recorder.Body.String()
	}
	if got := ask(func(r *http.Request) { r.AddCookie(idp.Session(auth, "bob", auditor)) }); got != "bob" {
		t.Errorf("with a session: %s", got)
	}
	if got := ask(func(r *http.Request) { r.Header.Set("Authorization", idp.BrokerBearer(auth, "carol", auditor)) }); got != "carol" {
		t.Errorf("with a token: %s", got)
	}
}
