package echoauth

import (
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/labstack/echo/v4"
)

// Auth is a [core.Auth] in echo's words. Safe for concurrent use.
type Auth struct{ *core.Auth }

// Router is what routes are mounted on: *echo.Echo and *echo.Group are.
type Router interface {
	Add(method, path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) *echo.Route
}

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
func (a *Auth) Required(requirements ...core.Requirement) echo.MiddlewareFunc {
	return middleware(a.Auth.Required(requirements...))
}

// Optional is a middleware for a route or a group: guests go on too, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) echo.MiddlewareFunc {
	return middleware(a.Auth.Optional(requirements...))
}

// Handle makes a handler for callers that [core.Auth.Required] admits, with the caller as an argument.
func (a *Auth) Handle(handler func(echo.Context, *core.IDToken) error, requirements ...core.Requirement) echo.HandlerFunc {
	return a.Required(requirements...)(withToken(handler))
}

// HandleOptional makes a handler for everybody; the caller is nil for a guest, see [core.Auth.Optional].
func (a *Auth) HandleOptional(handler func(echo.Context, *core.IDToken) error, requirements ...core.Requirement) echo.HandlerFunc {
	return a.Optional(requirements...)(withToken(handler))
}

// Mount registers the routes on an Echo or a group. The error names the paths that are none; nothing is mounted then.
func (a *Auth) Mount(router Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	for _, route := range routes {
		router.Add(route.Method, route.Path, echo.WrapHandler(route))
	}
	return nil
}

// IDToken returns the caller whom a guard admitted: nil for a guest, and where no guard stood before. Further down, from
// c.Request().Context(), [core.IDTokenFrom] gives the same.
func IDToken(c echo.Context) *core.IDToken { return core.IDTokenFrom(c.Request().Context()) }

func withToken(handler func(echo.Context, *core.IDToken) error) echo.HandlerFunc {
	return func(c echo.Context) error { return handler(c, IDToken(c)) }
}

// middleware carries the guard's decision: the caller into the request's context, or the refusal to the client.
func middleware(guard *core.Guard) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			request := c.Request()
			credentials := core.CredentialsOf(request)
			credentials.Route = c.Path()
			decision := guard.Admit(request.Context(), credentials)
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
