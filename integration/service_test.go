package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	"github.com/go-oidc-auth/oidcauth/core"
)

// asService is set in the environment of a test binary that is to be a service.
const asService = "OIDCAUTH_AS_SERVICE"

// serve is one instance of a service, in broker mode unless PASSTHROUGH is set. It is configured by environment variables, listens on a free port of
// 127.0.0.1, prints the address, and ends on SIGTERM as a service should: no new requests, those under way finish, then Close.
func serve() error {
	timeout, err := time.ParseDuration(os.Getenv("TIMEOUT"))
	if err != nil {
		return err
	}
	broker := &core.BrokerConfig{}
	if os.Getenv("PASSTHROUGH") != "" {
		broker = nil
	}
	auth, err := core.New(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"),
		PublicURL: os.Getenv("PUBLIC_URL"), SecretKeys: []string{os.Getenv("SECRET_KEY")}, Timeout: timeout,
		StoreURL: os.Getenv("STORE_URL"), Broker: broker, Sessions: &core.SessionConfig{RefreshAfter: 3 * time.Second},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	handler, err := serviceRoutes(auth)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	stopped := make(chan error, 1)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stopped <- server.Shutdown(context.Background())
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-stopped, auth.Close())
}

// serviceRoutes are those of the library, a guarded one, a stream that ends with its session, and readiness.
func serviceRoutes(auth *core.Auth) (http.Handler, error) {
	table, err := auth.Routes(core.Paths{Prefix: "/api"})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, route := range table {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	mux.Handle("GET /me", auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, core.IDTokenFrom(r.Context()).Subject())
	})))
	mux.Handle("GET /stream", auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := core.UntilEnded(r.Context())
		defer cancel()
		_ = http.NewResponseController(w).Flush() // the client may go on
		<-ctx.Done()
	})))
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux, nil
}
