// Package contract is the suite that every adapter of this library runs: one framework, one file that says how the suite
// builds an application with it, and [Run]. What is expected is held here, whole answers of it, so that the adapters
// cannot differ from each other without a test that says so. Where a framework has to differ, [Differences] states it; in
// what passthrough and broker mode differ is said once too, in mode.go.
package contract

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Adapter is one framework with its adapter.
type Adapter struct {
	// New makes an application of the framework, nothing on it yet, with one Auth of the adapter's New. The error is
	// that of the adapter's New.
	New func(core.Config) (App, error)
	// Differences are what this framework does in another way than net/http.
	Differences Differences
}

// Differences are the only points in which adapters may differ; each zero value is what net/http does.
type Differences struct {
	// WrongMethod is the status of a route's path under a method that the route does not have. 0: 405.
	WrongMethod int
	// NoCancellation: the framework does not cancel a request's context when its client leaves.
	NoCancellation bool
	// ReadsMultipart: the server takes a multipart body of known length apart before any handler runs, and refuses a
	// broken one itself, with 400.
	ReadsMultipart bool
}

// App is one application. Everything is put on it before Serve.
type App interface {
	Router
	// Auth returns the core of the adapter's Auth.
	Auth() *core.Auth
	// Before puts a middleware before everything that is put on the application later: it sets these headers of the
	// answer and goes on.
	Before(http.Header)
	// Serve listens on 127.0.0.1, on a port that is free, with a server that takes 32 KB of header, and returns the
	// base URL. The server ends with the test.
	Serve(testing.TB) string
}

// Router is a place for routes and handlers: the application, or a group of it.
type Router interface {
	// Mount is the adapter's Mount with this place as the router.
	Mount(core.Paths) error
	// Group makes a group of the framework's under prefix, with guards as its middlewares, the first one outermost.
	Group(prefix string, guards ...Guard) Router
	// Get puts a GET handler behind guards, given as middlewares of this one route.
	Get(path string, handler Handler, guards ...Guard)
	// Handle puts a GET handler through the adapter's Handle.
	Handle(path string, handler Handler, requirements ...core.Requirement)
	// HandleOptional puts a GET handler through the adapter's HandleOptional.
	HandleOptional(path string, handler Handler, requirements ...core.Requirement)
}

// Handler is a handler without its framework: it takes the context of the request and every *IDToken that the adapter
// gave to the handler (the getter's, and the argument of Handle), and returns JSON that is answered with 200.
type Handler func(ctx context.Context, given ...*core.IDToken) []byte

// Guard is a middleware of the adapter: Required, or Optional.
type Guard struct {
	Optional     bool
	Requirements []core.Requirement
}

// Required is a [Guard] made by the adapter's Required.
func Required(requirements ...core.Requirement) Guard { return Guard{Requirements: requirements} }

// Optional is a [Guard] made by the adapter's Optional.
func Optional(requirements ...core.Requirement) Guard {
	return Guard{Optional: true, Requirements: requirements}
}

// Middlewares turns guards into the framework's middlewares by the adapter's Required and Optional.
func Middlewares[M any](guards []Guard, required, optional func(...core.Requirement) M) []M {
	made := make([]M, 0, len(guards))
	for _, guard := range guards {
		build := required
		if guard.Optional {
			build = optional
		}
		made = append(made, build(guard.Requirements...))
	}
	return made
}

// ServeHTTP is Serve for what is an [http.Handler].
func ServeHTTP(t testing.TB, handler http.Handler) string {
	t.Helper()
	listener := Listen(t)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	go func() { _ = server.Serve(listener) }() // it ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// Listen takes a free port of 127.0.0.1.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// who is the handler of most tests: it shows the subject of the caller in the context and of everything that was given
// beside it. All of them have to be the one caller.
func who(ctx context.Context, given ...*core.IDToken) []byte {
	caller := core.IDTokenFrom(ctx)
	show := struct {
		Context *string   `json:"context"`
		Given   []*string `json:"given"`
		Same    bool      `json:"same"`
	}{subject(caller), nil, true}
	for _, token := range given {
		show.Given = append(show.Given, subject(token))
		show.Same = show.Same && token == caller
	}
	text, _ := json.Marshal(show) // texts and a boolean
	return text
}

func subject(token *core.IDToken) *string {
	if token == nil {
		return nil
	}
	text := token.Subject()
	return &text
}
