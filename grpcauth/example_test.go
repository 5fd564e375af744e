package grpcauth_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A server whose methods need a token, with the health service open.
func Example() {
	auth, err := grpcauth.New(core.Config{
		DiscoveryURL: "https://idp.example.org/.well-known/openid-configuration",
		ClientID:     "my-client",
		PublicURL:    "https://app.example.org",
		Logger:       slog.Default(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close() //nolint:errcheck // it always returns nil

	guards, err := auth.Interceptors(grpcauth.Rules{
		Methods: map[string]*core.Guard{"/shop.Orders/Delete": auth.Required(core.Roles("admin"))},
		Open:    []string{grpcauth.Health},
		Default: auth.Required(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := grpc.NewServer(guards.ServerOptions()...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	fmt.Println(guards.Check(server)) // the orders are not registered yet
	// Output: grpcauth: Rules names the method /shop.Orders/Delete, which is not registered at the server
}

// What a client gets to know about a refusal.
func ExampleInterceptors_Unary() {
	idp, err := oidctest.Start(oidctest.WithAlgorithm("ES256"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = idp.Close() }()
	auth, err := grpcauth.New(idp.Config())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	guards, err := auth.Interceptors(grpcauth.Rules{Default: auth.Required(core.Scopes("orders"))})
	if err != nil {
		log.Fatal(err)
	}

	hello := func(ctx context.Context, _ any) (any, error) { return "hello " + core.IDTokenFrom(ctx).Username(), nil }
	for _, scope := range []string{"openid orders", "openid"} {
		bearer := idp.Bearer("bob", oidctest.Claims{"scope": scope})
		ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs("authorization", bearer)) // as a server does
		answer, err := guards.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/shop.Orders/List"}, hello)
		if err == nil {
			fmt.Println(answer)
			continue
		}
		refusal := status.Convert(err)
		fmt.Println(refusal.Code(), refusal.Message())
		info, _ := refusal.Details()[0].(*errdetails.ErrorInfo)
		fmt.Println(info.GetReason(), info.GetMetadata()[grpcauth.MetadataError])
	}
	// Output:
	// hello bob
	// PermissionDenied Token missing required scopes: orders
	// INSUFFICIENT_SCOPE insufficient_scope
}
