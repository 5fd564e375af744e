package httpauth

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] in the words of net/http. Safe for concurrent use.
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

// Required is a middleware: only callers that [core.Auth.Required] admits go on. Everybody else gets the refusal, and no
// handler behind it runs.
func (a *Auth) Required(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Required(requirements...).Middleware
}

// Optional is a middleware: guests go on too, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Optional(requirements...).Middleware
}

// Handle makes a handler for callers that [core.Auth.Required] admits, with the caller as an argument.
func (a *Auth) Handle(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.Handler {
	return a.Required(requirements...)(withToken(handler))
}

// HandleOptional makes a handler for everybody; the caller is nil for a guest, see [core.Auth.Optional].
func (a *Auth) HandleOptional(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.Handler {
	return a.Optional(requirements...)(withToken(handler))
}

// Mount registers the routes on a mux. The error names the paths that are none; nothing is mounted then. A pattern that is
// registered already makes net/http panic, as every pattern does that is registered twice.
func (a *Auth) Mount(mux *http.ServeMux, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	return nil
}

// IDToken returns the caller whom a guard admitted: nil for a guest, and where no guard stood before. Further down, from
// r.Context(), [core.IDTokenFrom] gives the same.
func IDToken(r *http.Request) *core.IDToken { return core.IDTokenFrom(r.Context()) }

func withToken(handler func(http.ResponseWriter, *http.Request, *core.IDToken)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, IDToken(r)) })
}
