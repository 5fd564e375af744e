package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func TestGreet(t *testing.T) {
	caller := oidctest.IDToken(oidctest.Claims{"name": "Zoe", "department": "finance"})
	answer := httptest.NewRecorder()
	greet(answer, httptest.NewRequest(http.MethodGet, "/", nil), caller)
	if got := answer.Body.String(); got != "Hello Zoe of finance" {
		t.Errorf("greet: %s", got)
	}
}

// A handler that reads the caller from the request gets it from the context.
func TestGreetFromContext(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { greet(w, r, core.IDTokenFrom(r.Context())) }
	ctx := core.WithIDToken(t.Context(), oidctest.IDToken(oidctest.Claims{"name": "Zoe"}))
	answer := httptest.NewRecorder()
	handler(answer, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	if got := answer.Body.String(); got != "Hello Zoe of nowhere" {
		t.Errorf("greet: %s", got)
	}
}
