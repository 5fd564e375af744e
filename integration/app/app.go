package app

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Prefix is the path prefix of the auth routes. The host that the Python client gets ends in it.
const Prefix = "/api"

// SecretKey is the only entry of SecretKeys where a test sets none.
const SecretKey = "integration-secret-0123456789abcdef"

// Frameworks lists the names that [Start] accepts, one for each adapter.
var Frameworks = []string{"gin", "echo", "echo5", "fiber", "fiber3", "chi", "nethttp"}

// App is a running application. Under [Prefix] it has the auth routes, GET and POST /me for every caller, GET /feed for callers and
// guests, and the routes of [Guarded].
type App struct {
	URL  string // scheme, host and port
	Auth *core.Auth

	served atomic.Int64
}

// Served returns how many requests have reached a handler of the application. Requests that a guard refused do not count.
func (a *App) Served() int64 { return a.served.Load() }

// Guarded has further GET routes: it maps their paths under [Prefix] to the requirements of their guards.
type Guarded map[string][]core.Requirement

// Start serves an application on a free port of 127.0.0.1 until the test ends. configure gets the public URL, which ends in Prefix,
// so that it can start a provider that must know the application's address. Start sets PublicURL and SecretKeys if configure does not.
func Start(t testing.TB, framework string, guarded Guarded, configure func(publicURL string) core.Config) *App {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &App{URL: "http://" + listener.Addr().String()}
	cfg := configure(a.URL + Prefix)
	if cfg.PublicURL == "" {
		cfg.PublicURL = a.URL + Prefix
	}
	if len(cfg.SecretKeys) == 0 {
		cfg.SecretKeys = []string{SecretKey}
	}
	if a.Auth, err = core.New(cfg); err != nil {
		t.Fatal(err)
	}
	s, err := build(framework, a, guarded)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(listener) }() // it ends with Shutdown
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		_ = a.Auth.Close()
	})
	return a
}

// server is what the frameworks have in common once they are built.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

func build(framework string, a *App, guarded Guarded) (server, error) {
	switch framework {
	case "gin":
		return onGin(a, guarded)
	case "echo":
		return onEcho(a, guarded)
	case "echo5":
		return onEcho5(a, guarded)
	case "fiber":
		return onFiber(a, guarded)
	case "fiber3":
		return onFiber3(a, guarded)
	case "nethttp":
		return onPlain(a, guarded)
	default:
		return onChi(a, guarded)
	}
}

func onNetHTTP(handler http.Handler) server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
}

// Me is the response of /me, /feed and the routes of [Guarded]: the caller.
type Me struct {
	Subject  string         `json:"sub"`
	Username string         `json:"username"`
	Email    string         `json:"email"`
	Scopes   []string       `json:"scopes"`
	Roles    []string       `json:"roles"`
	Claims   map[string]any `json:"claims"`
}

// me describes the caller; nil: there is none.
func (a *App) me(token *core.IDToken) *Me {
	a.served.Add(1)
	if token == nil {
		return nil
	}
	return &Me{token.Subject(), token.Username(), token.Email(), token.Scopes(), token.Roles(), token.Claims()}
}
