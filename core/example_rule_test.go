package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-oidc-auth/oidcauth/core"
)

// What a guard demands, in words and as data.
func ExampleGuard_Rule() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	rule := auth.Required(core.Scopes("read"), core.AnyRole("admin", "editor")).Rule()
	fmt.Println(rule)
	data, err := json.Marshal(rule)
	fmt.Println(string(data), err)
	// Output:
	// Scopes read; AnyRole admin, editor; bearer token
	// {"bearer":true,"scopes":["read"],"conditions":[{"kind":"any_role","values":["admin","editor"]}]} <nil>
}

// The rules of an application, each once.
func ExampleAuth_Rules() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	auth.Required(core.Roles("admin"))
	auth.Required(core.Roles("admin"))
	auth.Optional()
	for _, rule := range auth.Rules() {
		fmt.Println(rule)
	}
	// Output:
	// Roles admin; bearer token
	// guests too; bearer token
}

// The router is asked which guard decides. The handler does not run.
func ExampleProbeGuards() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", auth.Required(core.Scopes("orders")).Middleware(greet))
	ctx, probe := core.ProbeGuards(context.Background())
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/orders/7", nil))
	decider, reached := probe.Decider()
	fmt.Println(decider.Rule, reached)
	// Output: Scopes orders; bearer token true
}
