package oidctest_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// shop is the router of an application.
func shop() (http.Handler, error) {
	auth, err := core.New(core.Config{
		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration", ClientID: "shop", PublicURL: "https://shop.example.org",
	})
	if err != nil {
		return nil, err
	}
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", auth.Required(core.Scopes("orders")).Middleware(page))
	mux.Handle("DELETE /orders/{id}", auth.Required(core.AnyRole("admin", "clerk")).Middleware(page))
	mux.Handle("GET /offers", auth.Optional().Middleware(page))
	mux.Handle("GET /healthz", page)
	mux.Handle("POST /import", page) // somebody forgot the guard
	return mux, nil
}

// Who may call which route. In a test, compare the report with a file.
func ExampleAccess() {
	router, err := shop()
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := oidctest.Access(context.Background(), oidctest.App{
		Patterns: oidctest.Patterns("GET /orders/{id}", "DELETE /orders/{id}", "GET /offers", "GET /healthz", "POST /import"),
		Open:     []string{"GET /healthz"},
		Send:     oidctest.SendTo(router),
	})
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// GET /healthz  everybody
	// POST /import  NO GUARD
	// GET /offers  guests too; bearer token
	// DELETE /orders/{id}  AnyRole admin, clerk; bearer token
	// GET /orders/{id}  Scopes orders; bearer token
	// POST /import: no guard, the answer is 200: add a guard, or name the route in App.Open
}

// A pattern without a method is for every method.
func ExamplePatterns() {
	for _, pattern := range oidctest.Patterns("GET /orders/{id}", "/files/") {
		fmt.Printf("%q %q\n", pattern.Method, pattern.Path)
	}
	// Output:
	// "GET" "/orders/{id}"
	// "" "/files/"
}

// Requests go to the handler, in this process.
func ExampleSendTo() {
	send := oidctest.SendTo(http.NotFoundHandler())
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(send(request))
	// Output: 404 <nil>
}
