package grpcauth_test

import (
	"context"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// The guard allocates only the context, gRPC's copy of the values, and what gives them to the guard.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 3, func(t *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		guards := intercept(t, grpcauth.Wrap(common), grpcauth.Rules{Services: map[string]*core.Guard{"test.Calls": common.Required()}})
		info := &grpc.UnaryServerInfo{FullMethod: "/test.Calls/guarded"}
		handler := func(context.Context, any) (any, error) { return nil, nil }
		incoming := func(authorization string) context.Context {
			return metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": {authorization}})
		}
		bare = func(authorization string) int {
			_, err := handler(incoming(authorization), nil)
			return httpStatus(err)
		}
		guarded = func(authorization string) int {
			_, err := guards.Unary(incoming(authorization), nil, info, handler)
			return httpStatus(err)
		}
		return bare, guarded
	})
}

func httpStatus(err error) int {
	switch status.Code(err) {
	case codes.OK:
		return 200
	case codes.Unauthenticated:
		return 401
	default:
		return 500
	}
}
