package fiberauth

import (
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
)

// Auth is a [core.Auth] with handlers and middleware for fiber. Safe for concurrent use.
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
func (a *Auth) Required(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), next)
}

// Optional returns middleware for a route or a group that also admits guests, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), next)
}

// Handle guards a handler with [core.Auth.Required] and passes it the caller as an argument, which is never nil.
func (a *Auth) Handle(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), handler)
}

// HandleOptional guards a handler with [core.Auth.Optional] and passes it the caller as an argument; nil for a guest.
func (a *Auth) HandleOptional(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), handler)
}

// Mount registers the routes on an app or a group. For invalid paths it mounts nothing and returns an error that lists them.
func (a *Auth) Mount(router fiber.Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	for _, route := range routes {
		router.Add(route.Method, route.Path, func(c *fiber.Ctx) error {
			return serve(c, route)
		})
	}
	return nil
}

// IDToken returns the caller that a guard admitted: nil for a guest, and without a guard. Code that has only c.UserContext()
// uses [core.IDTokenFrom]; c.Context() does not carry the caller.
func IDToken(c *fiber.Ctx) *core.IDToken { return core.IDTokenFrom(c.UserContext()) }

// Session returns the browser session with which a guard admitted the request: nil for a bearer token and for a guest, and without
// a guard. Code that has only c.UserContext() uses [core.SessionFrom].
func Session(c *fiber.Ctx) *core.Session { return core.SessionFrom(c.UserContext()) }

func next(c *fiber.Ctx, _ *core.IDToken) error { return c.Next() }

// guarded applies the guard's decision: it puts the caller into the user context, or sends the refusal.
func guarded(guard *core.Guard, handler func(*fiber.Ctx, *core.IDToken) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		decision := admit(ctx, guard, c)
		if decision.Refusal != nil {
			return refuse(c, decision.Refusal)
		}
		addOnce(c, decision.Header)
		c.SetUserContext(decision.Context(ctx))
		return handler(c, decision.Caller)
	}
}
