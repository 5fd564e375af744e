package grpcauth

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"google.golang.org/grpc"
)

// Interceptors applies rules to the calls of a server. Make one with [Auth.Interceptors]: the zero value refuses every call. Safe for
// concurrent use.
type Interceptors struct{ rules table }

// ServerOptions returns the options of [grpc.NewServer] that install both interceptors. They run after those of earlier options.
func (i *Interceptors) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(i.Unary), grpc.ChainStreamInterceptor(i.Stream)}
}

// Unary is a [grpc.UnaryServerInterceptor]. It calls the handler if the rule of the method admits the caller, who is then in the context
// ([core.IDTokenFrom]). Otherwise it returns the refusal, whose status has the details that the package describes. Install Stream, too:
// one of them alone leaves the other methods open.
func (i *Interceptors) Unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	rule := i.rules.of(info.FullMethod)
	if rule.open {
		return handler(ctx, request)
	}
	ctx, err := rule.admit(ctx, info.FullMethod, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

// Stream is a [grpc.StreamServerInterceptor]. It does for streams what Unary does for single calls, and ends a stream when the caller's
// token expires or is revoked, and when the Auth is closed ([core.UntilEnded]): the context of the stream is canceled, SendMsg and RecvMsg
// return at once, and nothing more is sent. When the handler has returned, the client gets Unauthenticated, for a closed Auth Unavailable,
// whatever the handler returned. A handler must not use a message that RecvMsg returned with an error.
func (i *Interceptors) Stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	rule := i.rules.of(info.FullMethod)
	if rule.open {
		return handler(server, stream)
	}
	route := info.FullMethod
	if server == nil { // for an unknown service, where the name is a text of the client
		route = ""
	}
	ctx, err := rule.admit(stream.Context(), info.FullMethod, route)
	if err != nil {
		return err
	}
	return serve(ctx, server, stream, handler)
}

// admit asks the guard. It returns a context with the caller, or the refusal as a status. route is the method for the log.
func (r rule) admit(ctx context.Context, method, route string) (context.Context, error) {
	if r.guard == nil {
		return nil, noRule()
	}
	decision := r.guard.Admit(ctx, core.Credentials{Method: http.MethodPost, Target: method, Route: route, Header: header{ctx}})
	if decision.Err != nil {
		return nil, refused(decision.Err)
	}
	return decision.Context(ctx), nil
}
