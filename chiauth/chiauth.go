package chiauth

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] with handlers and middleware for chi, which are those of net/http. Safe for concurrent use.
type Auth struct{ *core.Auth }

// New checks the configuration and returns an Auth. Its error lists every invalid field and its fix; see [core.New]. Call Close at the end
// of the program.
func New(cfg core.Config) (*Auth, error) {
	auth, err := core.New(cfg)
	if err != nil {
		return nil, err
	}
	return Wrap(auth), nil
}

// Wrap returns an Auth for an existing [core.Auth], so that several routers, also of other frameworks, can share its sessions and caches.
func Wrap(auth *core.Auth) *Auth { return &Auth{auth} }

// Required returns middleware for a route or a group that admits only callers with a valid bearer token, or with core.Config.Sessions a valid
// session, who meet every requirement, including those of core.Config.Require. For other requests it sends the refusal, such as 401 or
// 403, or for a page in a browser the redirect to the login, and no later handler runs. See [core.Auth.Required].
func (a *Auth) Required(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Required(requirements...).Middleware
}

// Optional returns middleware for a route or a group that also admits guests: callers without credentials, and those whom Required would
// refuse. With the requirement [core.RejectInvalid], it refuses invalid credentials. See [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) func(http.Handler) http.Handler {
	return a.Auth.Optional(requirements...).Middleware
}

// Handle guards one handler as [Auth.Required] does, and passes it the caller as an argument. The caller is never nil.
func (a *Auth) Handle(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Required(requirements...)(withToken(handler)).ServeHTTP
}

// HandleOptional guards one handler as [Auth.Optional] does, and passes it the caller as an argument. The caller is nil for a guest.
func (a *Auth) HandleOptional(handler func(http.ResponseWriter, *http.Request, *core.IDToken), requirements ...core.Requirement) http.HandlerFunc {
	return a.Optional(requirements...)(withToken(handler)).ServeHTTP
}

// Mount registers the auth routes on a router, at the paths that paths sets: a zero field means its default path. For
// invalid paths it mounts nothing and returns an error that lists them. Call it after the router's Use: chi panics on a Use after a route.
func (a *Auth) Mount(router chi.Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	add(router, routes)
	return err
}

// MountRoot registers the metadata of core.Config.Resources on the router that serves the root of the host, not on a group: clients look for
// it at /.well-known/oauth-protected-resource. Without Resources it mounts nothing and returns an error. See [core.Auth.RootRoutes].
func (a *Auth) MountRoot(router chi.Router) error {
	routes, err := a.RootRoutes()
	add(router, routes)
	return err
}

// add registers routes; there are none beside an error.
func add(router chi.Router, routes []core.Route) {
	for _, route := range routes {
		router.Method(route.Method, route.Path, route)
	}
}

// Refuse sends the answer to an error of [core.Demand], [core.Auth.AccessToken] or [core.Auth.Client] as a guard would: see
// [core.Auth.Answer]. The handler must not have written an answer yet.
func (a *Auth) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	a.Answer(r.Context(), core.CredentialsOf(r), err).WriteTo(w)
}

// IDToken returns the caller whom a guard admitted. It returns nil for a guest, and if no guard ran before. Code that has only r.Context() uses
// [core.IDTokenFrom].
func IDToken(r *http.Request) *core.IDToken { return core.IDTokenFrom(r.Context()) }

// Session returns the browser session with which a guard admitted the request. It returns nil for a bearer token, for a guest, and if no
// guard ran before. Code that has only r.Context() uses [core.SessionFrom].
func Session(r *http.Request) *core.Session { return core.SessionFrom(r.Context()) }

func withToken(handler func(http.ResponseWriter, *http.Request, *core.IDToken)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r, IDToken(r)) })
}
