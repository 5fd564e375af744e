// A GraphQL server of gqlgen: one path, and directives that say who may see a field.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/examples/frameworks/gqlgen/graph"
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
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: resolver{}, Directives: graph.DirectiveRoot{
		Scopes: func(ctx context.Context, _ any, next graphql.Resolver, all []string) (any, error) {
			return demand(ctx, next, core.Scopes(all...))
		},
		AnyRole: func(ctx context.Context, _ any, next graphql.Resolver, of []string) (any, error) {
			return demand(ctx, next, core.AnyRole(of...))
		},
	}})
	mux := http.NewServeMux()
	// Optional: parts of a schema may be for everybody. An invalid token is refused before anything is resolved.
	mux.Handle("POST /graphql", auth.Optional(core.BearerOnly, core.RejectInvalid)(handler.NewDefaultServer(schema)))
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, token, device …
}

// demand resolves a field if its caller meets the requirement. A client finds the code of the refusal in the extensions.
func demand(ctx context.Context, next graphql.Resolver, need core.Requirement) (any, error) {
	err := core.Demand(ctx, need)
	if err == nil {
		return next(ctx)
	}
	refusal := new(core.Error)
	if !errors.As(err, &refusal) {
		return nil, errors.New("internal error")
	}
	return nil, &gqlerror.Error{
		Message: refusal.Detail, Path: graphql.GetPath(ctx), Extensions: map[string]any{"code": refusal.Code, "status": refusal.Status},
	}
}

type resolver struct{}

func (r resolver) Query() graph.QueryResolver       { return r }
func (r resolver) Mutation() graph.MutationResolver { return r }

func (resolver) Orders(context.Context) (int, error) { return 3, nil }

func (resolver) Cancel(context.Context, string) (bool, error) { return true, nil }
