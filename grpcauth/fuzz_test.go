package grpcauth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// Whatever method a client names, the rule is that of the service and the method that the server finds in the name.
func FuzzMethod(f *testing.F) {
	auth, err := grpcauth.New(oidctest.NewProvider(f, oidctest.WithoutNetwork("https://idp.example/realm"), oidctest.WithAlgorithm("ES256")).Config())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = auth.Close() })
	guards, err := auth.Interceptors(grpcauth.Rules{
		Methods: map[string]*core.Guard{"/test.Orders/Delete": auth.Required()}, Open: []string{"test.Orders", "/test.People/Me"},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, method := range []string{"/test.Orders/Delete", "test.Orders/List", "/test.People/Me", "/test.People/You", "//test.Orders/x", "/test.Orders/x/Delete", "/", ""} {
		f.Add(method)
	}
	f.Fuzz(func(t *testing.T, full string) {
		_, err := guards.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: full}, func(context.Context, any) (any, error) { return nil, nil })
		name := strings.TrimPrefix(full, "/") // as grpc.Server does
		at := strings.LastIndexByte(name, '/')
		service, method := name[:max(at, 0)], name[at+1:]
		want := "PermissionDenied"
		switch {
		case service == "test.Orders" && method == "Delete":
			want = "Unauthenticated"
		case service == "test.Orders", service == "test.People" && method == "Me":
			want = "OK"
		}
		if got := status.Code(err).String(); got != want {
			t.Errorf("%q: %s, want %s", full, got, want)
		}
	})
}
