package chiauth

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] in chi's words, which are those of net/http. Safe for concurrent use.
type Auth struct{ *core.Auth }

// New makes an Auth, or tells every fault of the configuration at once; see [core.New].
func New(cfg core.Config) (*Auth, error) {
	auth, err := core.New(cfg)
	if err != nil {
		return nil, err
	}
	return Wrap(auth), nil
}

// Wrap puts one core under another router.
func Wrap(auth *core.Auth) *Auth { return &Auth{auth} }

// Required is a middleware for a route or a group: only callers that [core.Auth.Required] admits go on. Everybody else
// gets the refusal, and no handler behind it runs.
func (a *Auth) Required(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Required(requirements...).Middleware
}

// Optional is a middleware for a route or a group: guests go on too, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Optional(requirements...).Middleware
}

// Handle makes a handler for callers that [core.Auth.Required] admits, with the caller as an argument.
func (a *Auth) Handle(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Required(requirements...)(withToken(handler)).ServeHTTP
}

// HandleOptional makes a handler for everybody; the caller is nil for a guest, see [core.Auth.Optional].
func (a *Auth) HandleOptional(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Optional(requirements...)(withToken(handler)).ServeHTTP
}

// Mount registers the routes on a router. The error names the paths that are none; nothing is mounted then. As for any
// chi route, it comes after the router's Use.
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

// IDToken returns the caller whom a guard admitted: nil for a guest, and where no guard stood before. Further down, from
// r.Context(), [core.IDTokenFrom] gives the same.
func IDToken(r *http.Request) *core.IDToken { return core.IDTokenFrom(r.Context()) }

func withToken(handler func(http.ResponseWriter, *http.Request, *core.IDToken)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, IDToken(r)) })
}
