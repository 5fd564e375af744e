// Package contract is the test suite that every adapter must pass. The test of an adapter fills in an [Adapter] for its framework
// and calls [Run], and [RunServer] if the framework has its own server. The suite compares whole responses, so adapters cannot differ
// unnoticed. [Differences] lists the points in which a framework may differ; mode.go has the differences between passthrough and broker mode.
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

// Adapter gives the suite access to one framework and its adapter.
type Adapter struct {
	// New creates an application without routes, and an Auth with the adapter's New, whose error it returns.
	New func(core.Config) (App, error)
	// Differences lists what this framework does differently from net/http.
	Differences Differences
}

// Differences has the only points in which adapters may differ. The zero value of each field is the behaviour of net/http.
type Differences struct {
	// WrongMethod is the response status if the path has a route, but not for the request's method. 0: 405.
	WrongMethod int
	// NoCancellation is true if the framework does not cancel the context of a request when its client disconnects.
	NoCancellation bool
	// ReadsMultipart is true if the server parses a multipart body of known length before any handler runs, and refuses a
	// malformed one itself, with 400.
	ReadsMultipart bool
}

// App is an application of the framework. The suite calls Serve last.
type App interface {
	Router
	// Auth returns the core of the adapter's Auth.
	Auth() *core.Auth
	// MountRoot calls the adapter's MountRoot with the application.
	MountRoot() error
	// Before adds a middleware that sets these response headers and calls the next handler. It runs before everything that is
	// added later.
	Before(http.Header)
	// Serve listens on a free port of 127.0.0.1, with a server that accepts 32 KB of header, and returns the base URL. The
	// server stops at the end of the test.
	Serve(testing.TB) string
}

// Router is what routes and handlers are added to: the application, or a group of routes in it.
type Router interface {
	// Mount calls the adapter's Mount with this router.
	Mount(core.Paths) error
	// Group creates a group of routes under prefix, with guards as its middlewares, the first one outermost.
	Group(prefix string, guards ...Guard) Router
	// Get adds a handler for GET, with guards as middlewares of this route.
	Get(path string, handler Handler, guards ...Guard)
	// Demand adds a handler for GET, with guards as middlewares of this route, that answers an error of check with the adapter's Refuse and
	// otherwise {}.
	Demand(path string, check func(context.Context) error, guards ...Guard)
	// Any adds a handler for every method, with guards as middlewares of this route.
	Any(path string, handler SessionHandler, guards ...Guard)
	// Handle adds a GET handler with the adapter's Handle.
	Handle(path string, handler Handler, requirements ...core.Requirement)
	// HandleOptional adds a GET handler with the adapter's HandleOptional.
	HandleOptional(path string, handler Handler, requirements ...core.Requirement)
}

// Handler is a handler that is independent of the framework. It gets the context of the request and every *IDToken that the
// adapter gave to the framework's handler (from the getter, and the argument of Handle). It returns the JSON body of a 200 response.
type Handler func(ctx context.Context, given ...*core.IDToken) []byte

// SessionHandler is a handler of a web application that is independent of the framework. It gets the context of the request and
// what the adapter's Session and IDToken return. It returns the JSON body of a 200 response.
type SessionHandler func(ctx context.Context, session *core.Session, caller *core.IDToken) []byte

// Guard describes a middleware of the adapter: Optional or Required, with these requirements.
type Guard struct {
	Optional     bool
	Requirements []core.Requirement
}

// Required returns a [Guard] for the adapter's Required.
func Required(requirements ...core.Requirement) Guard { return Guard{Requirements: requirements} }

// Optional returns a [Guard] for the adapter's Optional.
func Optional(requirements ...core.Requirement) Guard {
	return Guard{Optional: true, Requirements: requirements}
}

// Middlewares converts guards to the framework's middlewares with the adapter's Required and Optional.
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

// ServeHTTP implements [App.Serve] for an [http.Handler].
func ServeHTTP(t testing.TB, handler http.Handler) string {
	t.Helper()
	listener := Listen(t)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	go func() { _ = server.Serve(listener) }() // it ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// Listen returns a listener on a free port of 127.0.0.1. The caller closes it.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// who is the handler of most tests. It shows the subject of the caller in the context, and how many times the handler got that
// caller. All of them must be the same caller.
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
