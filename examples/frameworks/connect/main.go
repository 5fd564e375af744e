// A connect service: net/http middleware before it, a demand inside a procedure.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

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
	orders := http.NewServeMux() // generated code has NewOrdersHandler, which returns such a path and handler
	orders.Handle("/orders.v1.Orders/Count", connect.NewUnaryHandler("/orders.v1.Orders/Count", count))
	orders.Handle("/orders.v1.Orders/Cancel", connect.NewUnaryHandler("/orders.v1.Orders/Cancel", cancel))

	mux := http.NewServeMux()
	mux.Handle("/orders.v1.Orders/", auth.Required(core.Scopes("orders"), core.BearerOnly)(orders))
	return mux, auth.Mount(mux, core.Paths{}) // /auth/v2/login, token, device …
}

func count(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	return connect.NewResponse(wrapperspb.String(core.IDTokenFrom(ctx).Username() + " has 3 orders")), nil
}

func cancel(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[emptypb.Empty], error) {
	if err := core.Demand(ctx, core.Roles("clerk")); err != nil {
		return nil, failure(err)
	}
	return connect.NewResponse(&emptypb.Empty{}), nil
}

// failure gives the error of a demand the code that connect has for its status, and its challenge.
func failure(err error) error {
	code, refusal := connect.CodeInternal, (*core.Error)(nil)
	if !errors.As(err, &refusal) {
		return connect.NewError(code, errors.New("internal error"))
	}
	switch refusal.Status {
	case http.StatusUnauthorized:
		code = connect.CodeUnauthenticated
	case http.StatusForbidden:
		code = connect.CodePermissionDenied
	case http.StatusServiceUnavailable:
		code = connect.CodeUnavailable
	}
	failed := connect.NewError(code, errors.New(refusal.Detail))
	failed.Meta().Set("WWW-Authenticate", refusal.Response().Header.Get("WWW-Authenticate"))
	return failed
}
