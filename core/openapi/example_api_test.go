package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/openapi"
)

// newService makes the Auth of a service. It is called without a network.
func newService() (*core.Auth, error) {
	return core.New(core.Config{
		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration", ClientID: "shop", PublicURL: "https://shop.example.org",
	})
}

// What a guard demands, in the words of OpenAPI.
func ExampleAPI_Security() {
	auth, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := auth.Required(core.AnyOf(core.Scopes("orders:write"), core.Roles("clerk")))
	data, err := json.Marshal(openapi.New(auth).Security(guard.Rule()))
	fmt.Println(string(data), err)
	// Output: [{"bearer":["orders:write"]},{"bearer":[]}] <nil>
}

// How a guard refuses.
func ExampleAPI_Responses() {
	auth, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	responses := openapi.New(auth).Responses(auth.Required(core.Scopes("orders")).Rule())
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		fmt.Println(status, responses[status].Description)
	}
	// Output:
	// 401 The credentials are missing or invalid.
	// 403 The caller lacks a scope, a role or another permission.
	// 503 The credentials cannot be verified at the moment.
}

// The security scheme of an access token, with the provider's discovery document.
func ExampleAPI_Components() {
	auth, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	api := openapi.New(auth)
	api.DiscoveryURL = "https://idp.example.org/.well-known/openid-configuration"
	scheme := api.Components().SecuritySchemes["bearer"]
	fmt.Println(scheme.Type, scheme.OpenIDConnectURL)
	// Output: openIdConnect https://idp.example.org/.well-known/openid-configuration
}

// A document that exists already gets what the guards demand. An operation that it does not have is an error.
func ExampleAPI_Fill() {
	auth, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	var document map[string]any
	err = json.Unmarshal([]byte(`{"openapi": "3.1.0", "paths": {"/orders/{id}": {"get": {"summary": "One order"}}}}`), &document)
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := auth.Required(core.Scopes("orders")).Rule()
	order := openapi.Operation{Method: "GET", Path: "/orders/{id}", Rule: &rule}
	fmt.Println(openapi.New(auth).Fill(document, []openapi.Operation{order, {Method: "GET", Path: "/offers"}}))
	fmt.Println(openapi.New(auth).Fill(document, []openapi.Operation{order}))
	data, err := json.Marshal(document["paths"].(map[string]any)["/orders/{id}"].(map[string]any)["get"].(map[string]any)["security"])
	fmt.Println(string(data), err)
	// Output:
	// openapi: GET /offers: the document has no such operation
	// <nil>
	// [{"bearer":["orders"]}] <nil>
}

// The lines for swag.
func ExampleAPI_Comments() {
	auth, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range openapi.New(auth).Comments(auth.Required(core.Scopes("orders")).Rule())[:2] {
		fmt.Println(line)
	}
	// Output:
	// // @Security bearer[orders]
	// // @Failure 401 {object} openapi.Refusal "The credentials are missing or invalid."
}
