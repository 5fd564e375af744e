// A huma API on net/http whose operations say who may call them.
package main

import (
	"cmp"
	"context"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/go-oidc-auth/oidcauth/core"
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
	huma.Register(api, guarded(auth, huma.Operation{Method: http.MethodGet, Path: "/orders"}, core.Scopes("orders")), orders)
	huma.Register(api, guarded(auth, huma.Operation{Method: http.MethodDelete, Path: "/orders/{id}"}, core.Scopes("orders"), core.Roles("clerk")), cancel)
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, token, device …
}

// guarded puts a guard before an operation, and its answers into the document.
func guarded(auth *httpauth.Auth, operation huma.Operation, requirements ...core.Requirement) huma.Operation {
	guard := auth.Auth.Required(requirements...)
	operation.Errors = append(operation.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable)
	operation.Middlewares = append(operation.Middlewares, func(c huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(c)
		decision := guard.Admit(c.Context(), core.CredentialsOf(r))
		if decision.Refusal != nil {
			decision.Refusal.WriteTo(w)
			return
		}
		decision.AddTo(w.Header())
		next(huma.WithContext(c, decision.Context(c.Context())))
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
