// A huma API on net/http: each operation has a guard, and the document says who may call it.
package main

import (
	"cmp"
	"context"
	"log"
	"log/slog"
	"net/http"
	"os"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/openapi"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func main() {
	router, err := newRouter(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), router))
}

func newRouter(cfg core.Config) (*http.ServeMux, error) {
	auth, err := httpauth.New(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("orders", "1.0.0"))
	words := openapi.New(auth.Auth)
	words.DiscoveryURL = cfg.DiscoveryURL
	d := describe(words, api)
	huma.Register(api, d.guarded(auth.Auth.Required(core.Scopes("orders")), huma.Operation{
		OperationID: "count-orders", Method: http.MethodGet, Path: "/orders",
	}), orders)
	huma.Register(api, d.guarded(auth.Auth.Required(core.Scopes("orders"), core.Roles("clerk")), huma.Operation{
		OperationID: "cancel-order", Method: http.MethodDelete, Path: "/orders/{id}",
	}), cancel)
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, token, device …
}

// descriptions writes guards into the document of a huma API.
type descriptions struct {
	openapi.API
	refusal *huma.Schema
}

// describe adds the security schemes, and the schema of a refusal.
func describe(words openapi.API, service huma.API) descriptions {
	components := service.OpenAPI().Components
	components.SecuritySchemes = make(map[string]*huma.SecurityScheme)
	for name, scheme := range words.Components().SecuritySchemes {
		components.SecuritySchemes[name] = &huma.SecurityScheme{
			Type: scheme.Type, Description: scheme.Description, OpenIDConnectURL: scheme.OpenIDConnectURL, Scheme: scheme.Scheme, In: scheme.In, Name: scheme.Name,
		}
	}
	return descriptions{words, components.Schemas.Schema(reflect.TypeFor[openapi.Refusal](), true, "Refusal")}
}

// guarded puts a guard before an operation and says so in the document.
func (d descriptions) guarded(guard *core.Guard, operation huma.Operation) huma.Operation {
	operation.Security = d.Security(guard.Rule())
	operation.Responses = make(map[string]*huma.Response)
	for status, response := range d.Responses(guard.Rule()) {
		described := &huma.Response{Description: response.Description, Headers: make(map[string]*huma.Param), Content: make(map[string]*huma.MediaType)}
		for name, header := range response.Headers {
			described.Headers[name] = &huma.Param{Description: header.Description, Schema: &huma.Schema{Type: header.Schema.Type}}
		}
		for kind, media := range response.Content {
			described.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: media.Schema.Type}}
			if media.Schema.Ref != "" {
				described.Content[kind].Schema = d.refusal
			}
		}
		operation.Responses[status] = described
	}
	operation.Middlewares = append(operation.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		request, answer := humago.Unwrap(ctx)
		decision := guard.Admit(ctx.Context(), core.CredentialsOf(request))
		if decision.Refusal != nil {
			decision.Refusal.WriteTo(answer)
			return
		}
		decision.AddTo(answer.Header())
		next(huma.WithContext(ctx, decision.Context(ctx.Context())))
	})
	return operation
}

type list struct {
	Body struct {
		Of     string `json:"of"`
		Orders int    `json:"orders"`
	}
}

func orders(ctx context.Context, _ *struct{}) (*list, error) {
	var answer list
	answer.Body.Of, answer.Body.Orders = core.IDTokenFrom(ctx).Username(), 3
	return &answer, nil
}

func cancel(context.Context, *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	return nil, nil
}
