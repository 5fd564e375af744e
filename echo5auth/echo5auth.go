package echo5auth

import (
	"fmt"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/labstack/echo/v5"
)

// Auth is a [core.Auth] with handlers and middleware for echo v5. Safe for concurrent use.
type Auth struct{ *core.Auth }

// Router is where Mount registers the routes. *echo.Echo and *echo.Group implement it.
type Router interface {
	AddRoute(route echo.Route) (echo.RouteInfo, error)
}

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
func (a *Auth) Required(requirements ...core.Requirement) echo.MiddlewareFunc {
	return middleware(a.Auth.Required(requirements...))
}

// Optional returns middleware for a route or a group that also admits guests: callers without credentials, and those whom Required would
// refuse. With the requirement [core.RejectInvalid], it refuses invalid credentials. See [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) echo.MiddlewareFunc {
	return middleware(a.Auth.Optional(requirements...))
}

// Handle guards one handler as [Auth.Required] does, and passes it the caller as an argument. The caller is never nil.
func (a *Auth) Handle(handler func(*echo.Context, *core.IDToken) error, requirements ...core.Requirement) echo.HandlerFunc {
	return a.Required(requirements...)(withToken(handler))
}

// HandleOptional guards one handler as [Auth.Optional] does, and passes it the caller as an argument. The caller is nil for a guest.
func (a *Auth) HandleOptional(handler func(*echo.Context, *core.IDToken) error, requirements ...core.Requirement) echo.HandlerFunc {
	return a.Optional(requirements...)(withToken(handler))
}

// Mount registers the auth routes on an Echo or a group, at the paths that paths sets: a zero field means its default path. For
// invalid paths it mounts nothing and returns an error that lists them. It stops at the first route that the router refuses, and returns
// the router's error.
func (a *Auth) Mount(router Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	return add(router, routes)
}

// MountRoot registers the metadata of core.Config.Resources on the Echo that serves the root of the host, not on a group: clients look for
// it at /.well-known/oauth-protected-resource. Without Resources it mounts nothing and returns an error. See [core.Auth.RootRoutes].
func (a *Auth) MountRoot(router Router) error {
	routes, err := a.RootRoutes()
	if err != nil {
		return err
	}
	return add(router, routes)
}

func add(router Router, routes []core.Route) error {
	for _, route := range routes {
		if _, err := router.AddRoute(echo.Route{Method: route.Method, Path: route.Path, Handler: echo.WrapHandler(route)}); err != nil {
			return fmt.Errorf("mounting %s %s: %w", route.Method, route.Path, err)
		}
	}
	return nil
}

// Refuse sends the answer to an error of [core.Demand], [core.Auth.AccessToken] or [core.Auth.Client] as a guard would: see
// [core.Auth.Answer]. The handler must not have written an answer yet. It returns nil: return that from the handler.
func (a *Auth) Refuse(c *echo.Context, err error) error {
	a.Answer(c.Request().Context(), credentialsOf(c), err).WriteTo(c.Response())
	return nil
}

// IDToken returns the caller whom a guard admitted. It returns nil for a guest, and if no guard ran before. Code that has only
// c.Request().Context() uses [core.IDTokenFrom].
func IDToken(c *echo.Context) *core.IDToken { return core.IDTokenFrom(c.Request().Context()) }

// Session returns the browser session with which a guard admitted the request. It returns nil for a bearer token, for a guest, and if no
// guard ran before. Code that has only c.Request().Context() uses [core.SessionFrom].
func Session(c *echo.Context) *core.Session { return core.SessionFrom(c.Request().Context()) }

func withToken(handler func(*echo.Context, *core.IDToken) error) echo.HandlerFunc {
	return func(c *echo.Context) error { return handler(c, IDToken(c)) }
}

// middleware applies the guard's decision: it puts the caller into the request's context, or sends the refusal.
func middleware(guard *core.Guard) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			request := c.Request()
			decision := guard.Admit(request.Context(), credentialsOf(c))
			if decision.Refusal != nil {
				decision.Refusal.WriteTo(c.Response())
				return nil
			}
			decision.AddTo(c.Response().Header())
			c.SetRequest(request.WithContext(decision.Context(request.Context())))
			return next(c)
		}
	}
}

func credentialsOf(c *echo.Context) core.Credentials {
	credentials := core.CredentialsOf(c.Request())
	credentials.Route = c.Path()
	return credentials
}
