package openapi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/openapi"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

const shop = `{"openapi":"3.1.0","info":{"title":"Shop","version":"1"},"security":[{"login":[]}],
"paths":{
 "/orders/{id}":{"parameters":[],"summary":"one","get":{"responses":{"200":{"description":"the order"},"404":{"description":"none"}}},
  "delete":{"responses":{"403":{"description":"only clerks"}}}},
 "/offers":{"get":{}},
 "/healthz":{"get":{"responses":{"200":{"description":"ok"}}}},
 "/files/{path}":{"post":{"responses":{}}},
 "/other":{"get":{"operationId":"other"}}},
"components":{"securitySchemes":{"login":{"type":"oauth2"},"session":{"type":"apiKey","name":"mine","in":"cookie"}}}}`

// The document gets what is missing, keeps what the application wrote, and nothing else changes.
func TestFill(t *testing.T) {
	auth := newAuth(t, oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example")), true)
	read, clerk, offers, files := auth.Required(core.Scopes("orders")).Rule(), auth.Required(core.Roles("clerk")).Rule(), auth.Optional().Rule(), auth.Required(core.BearerOnly).Rule()
	api := openapi.New(auth)
	document := parse(t, shop)
	err := api.Fill(document, []openapi.Operation{
		{Method: "GET", Path: "/orders/:id", Rule: &read}, // as gin, echo and fiber write it
		{Method: "delete", Path: "/orders/{number}", Rule: &clerk},
		{Method: "GET", Path: "/offers", Rule: &offers},
		{Method: "GET", Path: "/healthz"},
		{Method: "POST", Path: "/files/{path...}", Rule: &files},
	})
	if err != nil {
		t.Fatal(err)
	}
	operation := func(path, method string) map[string]any {
		return document["paths"].(map[string]any)[path].(map[string]any)[method].(map[string]any)
	}
	for _, c := range []struct{ path, method, security, statuses string }{
		{"/orders/{id}", "get", `[{"bearer":["orders"]},{"session":["orders"]}]`, "200 302 401 403 404 503"},
		{"/orders/{id}", "delete", `[{"bearer":[]},{"session":[]}]`, "401 403 503"}, // only a GET is redirected
		{"/offers", "get", `[{"bearer":[]},{"session":[]},{}]`, ""},
		{"/healthz", "get", `[]`, "200"},
		{"/files/{path}", "post", `[{"bearer":[]}]`, "401 503"},
	} {
		got := operation(c.path, c.method)
		responses := got["responses"].(map[string]any)
		if security, statuses := text(t, got["security"]), strings.Join(slices.Sorted(maps.Keys(responses)), " "); security != c.security || statuses != c.statuses {
			t.Errorf("%s %s: %s %s, want %s %s", c.method, c.path, security, statuses, c.security, c.statuses)
		}
	}
	if got := text(t, operation("/orders/{id}", "delete")["responses"].(map[string]any)["403"]); got != `{"description":"only clerks"}` {
		t.Errorf("the response of the application: %s", got)
	}
	if got := text(t, operation("/other", "get")); got != `{"operationId":"other"}` {
		t.Errorf("the operation that is not in the list: %s", got)
	}
	components := document["components"].(map[string]any)
	if got := text(t, components["securitySchemes"]); got != `{"bearer":{"description":"An access token for this service.","scheme":"bearer","type":"http"},"login":{"type":"oauth2"},"session":{"in":"cookie","name":"mine","type":"apiKey"}}` {
		t.Errorf("the schemes: %s", got)
	}
	if got := text(t, components["schemas"]); got != text(t, parse(t, text(t, map[string]openapi.Schema{"Refusal": openapi.RefusalSchema()}))) {
		t.Errorf("the schemas: %s", got)
	}
	once := text(t, document)
	if err := api.Fill(document, []openapi.Operation{{Method: "GET", Path: "/orders/{id}", Rule: &read}}); err != nil || text(t, document) != once {
		t.Errorf("filled again, %v: %s", err, text(t, document))
	}
}

// OpenAPI 3.0 wants no scopes for a scheme without them. A login that the application has described has some.
func TestFillOldDocuments(t *testing.T) {
	auth := newAuth(t, oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example")), true)
	rule := auth.Required(core.AnyOf(core.Scopes("a"), core.Scopes("b"))).Rule()
	for name, c := range map[string]struct {
		version, bearer, want string
	}{
		"http":          {"3.0.3", "", `[{"bearer":[]},{"session":[]}]`},
		"oauth2":        {"3.0.3", "login", `[{"login":["a"]},{"session":[]},{"login":["b"]}]`},
		"a new version": {"3.1.0", "", `[{"bearer":["a"]},{"session":["a"]},{"bearer":["b"]},{"session":["b"]}]`},
	} {
		document := parse(t, strings.Replace(shop, "3.1.0", c.version, 1))
		api := openapi.New(auth)
		api.Bearer = c.bearer
		if err := api.Fill(document, []openapi.Operation{{Method: "GET", Path: "/offers", Rule: &rule}}); err != nil {
			t.Fatal(err)
		}
		if got := text(t, document["paths"].(map[string]any)["/offers"].(map[string]any)["get"].(map[string]any)["security"]); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What does not fit is an error that names all of it, and the document stays as it is.
func TestFillRefuses(t *testing.T) {
	auth := newAuth(t, oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example")), true)
	rule := auth.Required().Rule()
	known := openapi.Operation{Method: "GET", Path: "/orders/{id}", Rule: &rule}
	for name, c := range map[string]struct {
		document   string
		operations []openapi.Operation
		want       string
	}{
		"unknown operations": {shop, []openapi.Operation{known, {Method: "put", Path: "/orders/{id}", Rule: &rule}, {Method: "GET", Path: "/gone"}, {Method: "parameters", Path: "/orders/{id}"}},
			"openapi: PUT /orders/{id}: the document has no such operation\nopenapi: GET /gone: the document has no such operation\nopenapi: PARAMETERS /orders/{id}: the document has no such operation"},
		"twice in the list":     {shop, []openapi.Operation{known, known}, "openapi: GET /orders/{id}: it is twice in the list"},
		"twice in the document": {`{"openapi":"3.1.0","paths":{"/a/{x}":{"get":{}},"/a/{y}":{"get":{}}}}`, []openapi.Operation{{Method: "GET", Path: "/a/:z"}}, "openapi: GET /a/:z: the document has 2 of them"},
		"Swagger 2":             {`{"swagger":"2.0","paths":{}}`, nil, "openapi: the document is not of OpenAPI 3"},
		"a version of a number": {`{"openapi":3.1,"paths":{}}`, nil, "openapi: the document is not of OpenAPI 3"},
		"no paths":              {`{"openapi":"3.1.0"}`, nil, "openapi: the member paths is missing, or no object"},
		"paths is a list":       {`{"openapi":"3.1.0","paths":[]}`, nil, "openapi: the member paths is missing, or no object"},
		"a path is null":        {`{"openapi":"3.1.0","paths":{"/a":null}}`, nil, "openapi: the path /a is no object"},
		"responses is a list":   {`{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":[]}}}}`, []openapi.Operation{{Method: "GET", Path: "/a", Rule: &rule}}, "openapi: GET /a: the member responses is no object"},
		"an operation is a text": {`{"openapi":"3.1.0","paths":{"/a":{"get":"x"}}}`, []openapi.Operation{{Method: "GET", Path: "/a", Rule: &rule}},
			"openapi: GET /a: the document has no such operation"},
		"components is a text": {`{"openapi":"3.1.0","paths":{},"components":"x"}`, nil, "the member components is no object"},
		"schemas is a number":  {`{"openapi":"3.1.0","paths":{},"components":{"schemas":1}}`, nil, "openapi: components: the member schemas is no object"},
	} {
		document := parse(t, c.document)
		before := text(t, document)
		if err := openapi.New(auth).Fill(document, c.operations); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if after := text(t, document); after != before {
			t.Errorf("%s: the document is now %s", name, after)
		}
	}
	if err := (openapi.API{}).Fill(parse(t, shop), []openapi.Operation{known}); err == nil || !strings.Contains(err.Error(), "set API.Cookie") {
		t.Errorf("without a cookie: %v", err)
	}
	if err := openapi.New(auth).Fill(nil, nil); err == nil {
		t.Error("a nil document")
	}
}

// Patterns of all routers stand for the path of a document.
func TestFillFindsPatterns(t *testing.T) {
	for pattern, path := range map[string]string{
		"/a/:id": "/a/{x}", "/a/{id:[0-9]{3}}": "/a/{x}", "/a/:id<int>": "/a/{x}", "/a/:id?": "/a/{x}", "/a/*rest": "/a/{x}", "/a/*": "/a/{x}", "/a/{rest...}": "/a/{x}",
		"/a/{id}/b/:c": "/a/{x}/b/{y}", "/{$}": "/", "/a/+": "/a/{x}", "/a/{from}-{to}": "/a/{x}-{y}",
	} {
		document := map[string]any{"openapi": "3.1.0", "paths": map[string]any{path: map[string]any{"get": map[string]any{}}, "/a": map[string]any{"get": map[string]any{}}}}
		if err := (openapi.API{}).Fill(document, []openapi.Operation{{Method: "GET", Path: pattern}}); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// A document of a stranger is an error at worst.
func FuzzFill(f *testing.F) {
	f.Add(shop, "/orders/{id}")
	f.Add(`{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":1}}},"components":[]}`, "/a")
	f.Add(`{"openapi":"3.0.0","paths":{"":{"get":{}}}}`, "{{{}:<*+")
	rule := core.Rule{Bearer: true, Scopes: []string{"a"}}
	f.Fuzz(func(_ *testing.T, text, path string) {
		var document map[string]any
		if json.Unmarshal([]byte(text), &document) == nil {
			_ = openapi.API{}.Fill(document, []openapi.Operation{{Method: "GET", Path: path, Rule: &rule}}) // it must not panic
		}
	})
}
