package chiauth

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] with handlers and middleware for chi, which are those of net/http. Safe for concurrent use.
type Auth struct{ *core.Auth }

// New checks the configuration and returns an Auth. Its error lists every invalid field and its fix; see [core.New].
func New(cfg core.Config) (*Auth, error) {
	auth, err := core.New(cfg)
	if err != nil {
		return nil, err
	}
	return Wrap(auth), nil
}

// Wrap returns an Auth for an existing [core.Auth], to mount the same one on several routers.
func Wrap(auth *core.Auth) *Auth { return &Auth{auth} }

// Required returns middleware for a route or a group that admits only callers who meet [core.Auth.Required]. Other requests
// get the refusal, and no later handler runs.
func (a *Auth) Required(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Required(requirements...).Middleware
}

// Optional returns middleware for a route or a group that also admits guests, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Optional(requirements...).Middleware
}

// Handle guards a handler with [core.Auth.Required] and passes it the caller as an argument, which is never nil.
func (a *Auth) Handle(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Required(requirements...)(withToken(handler)).ServeHTTP
}

// HandleOptional guards a handler with [core.Auth.Optional] and passes it the caller as an argument; nil for a guest.
func (a *Auth) HandleOptional(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Optional(requirements...)(withToken(handler)).ServeHTTP
}

// Mount registers the routes on a router. For invalid paths it mounts nothing and returns an error that lists them. As with
// every chi route, call it after the router's Use.
func (a *Auth) Mount(router chi.Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	for _, route := range routes {
		router.Method(route.Method, route.Path, route)
	}
	return nil
}

// IDToken returns the caller that a guard admitted: nil for a guest, and without a guard. Code that has only r.Context() uses
// [core.IDTokenFrom].
func IDToken(r *http.Request) *core.IDToken { return core.IDTokenFrom(r.Context()) }

// Session returns the browser session with which a guard admitted the request: nil for a bearer token and for a guest, and without
// a guard. Code that has only r.Context() uses [core.SessionFrom].
func Session(r *http.Request) *core.Session { return core.SessionFrom(r.Context()) }

func withToken(handler func(http.ResponseWriter, *http.Request, *core.IDToken)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, IDToken(r)) })
}
