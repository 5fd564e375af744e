package fiberauth

import (
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
)

// Auth is a [core.Auth] in fiber's words. Safe for concurrent use.
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
func (a *Auth) Required(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), next)
}

// Optional is a middleware for a route or a group: guests go on too, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), next)
}

// Handle makes a handler for callers that [core.Auth.Required] admits, with the caller as an argument.
func (a *Auth) Handle(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), handler)
}

// HandleOptional makes a handler for everybody; the caller is nil for a guest, see [core.Auth.Optional].
func (a *Auth) HandleOptional(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), handler)
}

// Mount registers the routes on an app or a group. The error names the paths that are none; nothing is mounted then.
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

// IDToken returns the caller whom a guard admitted: nil for a guest, and where no guard stood before. Further down, from
// c.UserContext(), [core.IDTokenFrom] gives the same; c.Context() does not carry it.
func IDToken(c *fiber.Ctx) *core.IDToken { return core.IDTokenFrom(c.UserContext()) }

func next(c *fiber.Ctx, _ *core.IDToken) error { return c.Next() }

// guarded carries the guard's decision: the caller into the user context, or the refusal to the client.
func guarded(guard *core.Guard, handler func(*fiber.Ctx, *core.IDToken) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		decision := admit(ctx, guard, c)
		if decision.Refusal != nil {
			return refuse(c, decision.Refusal)
		}
		addTo(c, decision.Header)
		c.SetUserContext(decision.Context(ctx))
		return handler(c, decision.Caller)
	}
}
