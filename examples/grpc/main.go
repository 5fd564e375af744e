// A gRPC service whose callers have a token of an OpenID Connect provider, with the routes to log in, and a client of the service.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func main() {
	address := cmp.Or(os.Getenv("GRPC_ADDR"), "127.0.0.1:9090")
	if len(os.Args) > 1 { // the client: Me, Feed, Users or Watch
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := call(ctx, os.Stdout, address, os.Args[1], os.Getenv("TOKEN")); err != nil {
			log.Fatal(err)
		}
		return
	}
	auth, err := grpcauth.New(core.Config{
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
	server, err := newServer(auth)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	routes, err := newRoutes(auth)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), routes)) }()
	log.Fatal(server.Serve(listener))
}

func newServer(auth *grpcauth.Auth) (*grpc.Server, error) {
	guards, err := auth.Interceptors(grpcauth.Rules{
		Methods: map[string]*core.Guard{
			"/example.People/Feed":  auth.Optional(), // everybody; the caller is nil for a guest
			"/example.People/Users": auth.Required(core.Scopes("admin")),
		},
		Open:    []string{grpcauth.Health}, // without any check
		Default: auth.Required(),           // all other methods: callers with a valid token
	})
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(guards.ServerOptions()...) // with grpc.Creds for TLS, if no proxy in front has it
	server.RegisterService(&people, nil)
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server, guards.Check(server) // every method has a rule, and every rule names a method
}

// newRoutes serves the logins by HTTP, on an address of their own, and a readiness route.
func newRoutes(auth *grpcauth.Auth) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			log.Print(err) // names what is missing
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	routes, err := auth.Routes(core.Paths{}) // /auth/v2/login, token, device …
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	return mux, err
}

func me(ctx context.Context) string {
	caller := core.IDTokenFrom(ctx)
	return caller.Subject() + " " + caller.Email()
}

func feed(ctx context.Context) string {
	return "hello " + cmp.Or(core.IDTokenFrom(ctx).Username(), "guest")
}

func users(ctx context.Context) string {
	return "asked by " + core.IDTokenFrom(ctx).Username()
}

// watch goes on until the client leaves, or the caller's token ends.
func watch(_ any, stream grpc.ServerStream) error {
	if err := stream.SendMsg(wrapperspb.String("watching for " + core.IDTokenFrom(stream.Context()).Username())); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// people is what protoc generates for a service, by hand.
var people = grpc.ServiceDesc{
	ServiceName: "example.People",
	Methods:     []grpc.MethodDesc{method("Me", me), method("Feed", feed), method("Users", users)},
	Streams:     []grpc.StreamDesc{{StreamName: "Watch", Handler: watch, ServerStreams: true}},
}

func method(name string, say func(context.Context) string) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(emptypb.Empty)
		if err := decode(in); err != nil {
			return nil, err
		}
		info := &grpc.UnaryServerInfo{Server: server, FullMethod: "/example.People/" + name}
		return interceptor(ctx, in, info, func(ctx context.Context, _ any) (any, error) { return wrapperspb.String(say(ctx)), nil })
	}}
}

// call prints what a method answers, or why it refuses.
func call(ctx context.Context, out io.Writer, address, method, token string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())) // beyond loopback: credentials.NewTLS(nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/example.People/"+method)
	if err == nil {
		err = errors.Join(stream.SendMsg(&emptypb.Empty{}), stream.CloseSend())
	}
	for err == nil {
		answer := new(wrapperspb.StringValue)
		if err = stream.RecvMsg(answer); err == nil {
			_, _ = fmt.Fprintln(out, answer.GetValue())
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			_, _ = fmt.Fprintln(out, detail.GetReason(), detail.GetMetadata()[grpcauth.MetadataChallenge])
		case *errdetails.RetryInfo:
			_, _ = fmt.Fprintln(out, "try again in", detail.GetRetryDelay().AsDuration())
		}
	}
	return err
}
