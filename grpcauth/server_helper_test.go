package grpcauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// modes are passthrough and broker mode: what they change in a configuration, and how a token of the provider becomes one that guards
// accept.
var modes = map[string]struct {
	config func(*core.Config)
	token  func(t *testing.T, auth *core.Auth, providers string) string
}{
	"passthrough": {func(*core.Config) {}, func(_ *testing.T, _ *core.Auth, providers string) string { return providers }},
	"broker":      {brokered, exchanged},
}

func brokered(cfg *core.Config) {
	cfg.Broker, cfg.Store = &core.BrokerConfig{SigningAlgorithm: "EdDSA"}, store.NewMemory()
}

// exchanged returns an own token for one of the provider (RFC 8693).
func exchanged(t *testing.T, auth *core.Auth, providers string) string {
	t.Helper()
	answer := route(t, auth, "token").Serve(t.Context(), &core.Request{Method: http.MethodPost, Form: url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {providers},
	}})
	var token core.Token
	if err := json.Unmarshal(answer.Body, &token); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("no own token: %d %s", answer.Status, answer.Body)
	}
	return token.AccessToken
}

func route(t *testing.T, auth *core.Auth, name string) core.Route {
	t.Helper()
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	return routes[slices.IndexFunc(routes, func(r core.Route) bool { return r.Name == name })]
}

func newProvider(t *testing.T, options ...oidctest.Option) *oidctest.Provider {
	t.Helper()
	return oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithoutNetwork("https://idp.example/realm"), oidctest.WithAlgorithm("ES256")}, options...)...)
}

func newAuth(t *testing.T, cfg core.Config) *grpcauth.Auth {
	t.Helper()
	auth, err := grpcauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func intercept(t *testing.T, auth *grpcauth.Auth, rules grpcauth.Rules) *grpcauth.Interceptors {
	t.Helper()
	made, err := auth.Interceptors(rules)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// serviceOf makes a service. Its unary methods answer with the subject of the caller.
func serviceOf(name string, unary []string, streams map[string]func(grpc.ServerStream) error) *grpc.ServiceDesc {
	desc := &grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil)}
	for _, method := range unary {
		desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: method, Handler: unaryHandler("/" + name + "/" + method)})
	}
	for _, method := range slices.Sorted(maps.Keys(streams)) {
		handler := streams[method]
		desc.Streams = append(desc.Streams, grpc.StreamDesc{
			StreamName: method, ClientStreams: true, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error { return handler(stream) },
		})
	}
	return desc
}

func unaryHandler(full string) grpc.MethodHandler {
	return func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := decode(in); err != nil {
			return nil, err
		}
		say := func(ctx context.Context, _ any) (any, error) { return wrapperspb.String(who(ctx)), nil }
		if interceptor == nil {
			return say(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: server, FullMethod: full}, say)
	}
}

// sayWho is a stream that sends the subject of its caller.
func sayWho(stream grpc.ServerStream) error {
	return stream.SendMsg(wrapperspb.String(who(stream.Context())))
}

func who(ctx context.Context) string {
	if caller := core.IDTokenFrom(ctx); caller != nil {
		return caller.Subject()
	}
	return "guest"
}

// client calls a server in memory.
type client struct {
	t    *testing.T
	conn *grpc.ClientConn
}

// start serves, and returns a client. Both end with the test.
func start(t *testing.T, server *grpc.Server) client {
	t.Helper()
	listener := bufconn.Listen(64 << 10)
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	conn, err := grpc.NewClient("passthrough:///memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return client{t, conn}
}

// serve starts a server with these rules and services.
func serve(t *testing.T, guards *grpcauth.Interceptors, services ...*grpc.ServiceDesc) client {
	t.Helper()
	server := grpc.NewServer(guards.ServerOptions()...)
	for _, service := range services {
		server.RegisterService(service, struct{}{})
	}
	return start(t, server)
}

// call makes a unary call with pairs of metadata, and returns the answer or the status.
func (c client) call(method string, pairs ...string) string {
	c.t.Helper()
	out := new(wrapperspb.StringValue)
	if err := c.conn.Invoke(metadata.AppendToOutgoingContext(c.t.Context(), pairs...), method, &emptypb.Empty{}, out); err != nil {
		return textOf(c.t, err)
	}
	return out.GetValue()
}

// open begins a stream.
func (c client) open(method string, pairs ...string) grpc.ClientStream {
	c.t.Helper()
	stream, err := c.conn.NewStream(metadata.AppendToOutgoingContext(c.t.Context(), pairs...), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		c.t.Fatal(err)
	}
	return stream
}

// first sends one message on a stream and returns the first answer, or the status.
func (c client) first(method string, pairs ...string) string {
	c.t.Helper()
	stream := c.open(method, pairs...)
	_ = stream.SendMsg(&emptypb.Empty{}) // an error only means that the server has answered already
	_ = stream.CloseSend()
	return c.next(stream)
}

func (c client) next(stream grpc.ClientStream) string {
	c.t.Helper()
	out := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(out); err != nil {
		return textOf(c.t, err)
	}
	return out.GetValue()
}

// textOf is a whole status in one line: code, message and details.
func textOf(t *testing.T, err error) string {
	t.Helper()
	s, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	text := s.Code().String() + ": " + s.Message()
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != grpcauth.Domain {
				t.Errorf("the domain is %q", detail.GetDomain())
			}
			text += " [" + detail.GetReason()
			for _, key := range slices.Sorted(maps.Keys(detail.GetMetadata())) {
				text += " " + key + "=" + detail.GetMetadata()[key]
			}
			text += "]"
		case *errdetails.RetryInfo:
			text += " retry=" + detail.GetRetryDelay().AsDuration().String()
		default:
			t.Errorf("an unknown detail: %v", detail)
		}
	}
	return text
}

// The statuses of the refusals of guards.
const challenge = `Bearer realm="oidcauth"`

func noCredentials() string {
	return "Unauthenticated: Not authenticated [INVALID_REQUEST challenge=" + challenge + " error=invalid_request]"
}

func badToken() string {
	return "Unauthenticated: Invalid token [INVALID_TOKEN challenge=" + challenge + `, error="invalid_token", error_description="Invalid token" error=invalid_token]`
}

func manyValues() string {
	const detail = "Several Authorization headers."
	return "InvalidArgument: " + detail + " [INVALID_REQUEST challenge=" + challenge + `, error="invalid_request", error_description="` + detail + `" error=invalid_request]`
}

func lacksScopes(missing, all string) string {
	detail := "Token missing required scopes: " + missing
	return fmt.Sprintf(`PermissionDenied: %s [INSUFFICIENT_SCOPE challenge=%s, error="insufficient_scope", error_description="%s", scope="%s" error=insufficient_scope]`, detail, challenge, detail, all)
}

func lacksClaims() string {
	const detail = "Insufficient permissions based on token claims."
	return fmt.Sprintf(`PermissionDenied: %s [INSUFFICIENT_SCOPE challenge=%s, error="insufficient_scope", error_description="%s" error=insufficient_scope]`, detail, challenge, detail)
}

func outage(detail, retry string) string {
	return strings.TrimSuffix("Unavailable: "+detail+" [TEMPORARILY_UNAVAILABLE] retry="+retry, " retry=")
}

const (
	internal = "Internal: Internal error. [SERVER_ERROR error=server_error]"
	noRule   = "PermissionDenied: No rule allows this method. [NO_RULE]"
)

// answerOf calls a handler in memory.
func answerOf(handler http.Handler, request *http.Request) *http.Response {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer.Result()
}
