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

// Prefix is where the group with the auth routes is: what stands in a host that the Python client is given.
const Prefix = "/api"

// Frameworks names the adapters.
var Frameworks = []string{"gin", "echo", "fiber", "chi", "nethttp"}

// App is an application that serves: the auth routes in the group Prefix, and there, too, GET and POST /me for every caller, /feed
// with or without one, and what Guarded adds.
type App struct {
	URL  string // scheme, host and port
	Auth *core.Auth

	served atomic.Int64
}

// Served is how many requests have reached a handler of the application: those that a guard refuses are not among them.
func (a *App) Served() int64 { return a.served.Load() }

// Guarded maps paths in the group to what their guards require beside a token.
type Guarded map[string][]core.Requirement

// Start serves an application on a free port of 127.0.0.1 until the test ends. configure gets the public URL, which ends in
// Prefix, and returns the rest of the configuration: the provider may have to know where the application is.
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
		cfg.SecretKeys = []string{"integration-secret-0123456789abcdef"}
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
	case "fiber":
		return onFiber(a, guarded)
	case "nethttp":
		return onPlain(a, guarded)
	default:
		return onChi(a, guarded)
	}
}

func onNetHTTP(handler http.Handler) server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
}

// Me is what a guarded handler answers.
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
