package fiberauth

import (
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
)

// Auth is a [core.Auth] with handlers and middleware for fiber. Safe for concurrent use.
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
func (a *Auth) Required(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), next)
}

// Optional returns middleware for a route or a group that also admits guests: callers without credentials, and those whom Required would
// refuse. With the requirement [core.RejectInvalid], it refuses invalid credentials. See [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), next)
}

// Handle guards one handler as [Auth.Required] does, and passes it the caller as an argument. The caller is never nil.
func (a *Auth) Handle(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Required(requirements...), handler)
}

// HandleOptional guards one handler as [Auth.Optional] does, and passes it the caller as an argument. The caller is nil for a guest.
func (a *Auth) HandleOptional(handler func(*fiber.Ctx, *core.IDToken) error, requirements ...core.Requirement) fiber.Handler {
	return guarded(a.Auth.Optional(requirements...), handler)
}

// Mount registers the auth routes on an app or a group, at the paths that paths sets: a zero field means its default path. For
// invalid paths it mounts nothing and returns an error that lists them.
func (a *Auth) Mount(router fiber.Router, paths core.Paths) error {
	routes, err := a.Routes(paths)
	add(router, routes)
	return err
}

// MountRoot registers the metadata of core.Config.Resources on the app that serves the root of the host, not on a group: clients look for
// it at /.well-known/oauth-protected-resource. Without Resources it mounts nothing and returns an error. See [core.Auth.RootRoutes].
func (a *Auth) MountRoot(router fiber.Router) error {
	routes, err := a.RootRoutes()
	add(router, routes)
	return err
}

// add registers routes; there are none beside an error.
func add(router fiber.Router, routes []core.Route) {
	for _, route := range routes {
		router.Add(route.Method, route.Path, func(c *fiber.Ctx) error {
			serve(c.UserContext(), c.Context(), route)
			return nil
		})
	}
}

// Refuse sends the answer to an error of [core.Demand], [core.Auth.AccessToken] or [core.Auth.Client] as a guard would: see
// [core.Auth.Answer]. It returns nil: return that from the handler.
func (a *Auth) Refuse(c *fiber.Ctx, err error) error {
	refuse(c.Context(), answer(c.UserContext(), a.Auth, c.Context(), c.Route().Path, c.App().Server().DisableHeaderNamesNormalizing, err))
	return nil
}

// IDToken returns the caller whom a guard admitted. It returns nil for a guest, and if no guard ran before. Code that has only c.UserContext()
// uses [core.IDTokenFrom]; c.Context() does not carry the caller.
func IDToken(c *fiber.Ctx) *core.IDToken { return core.IDTokenFrom(c.UserContext()) }

// Session returns the browser session with which a guard admitted the request. It returns nil for a bearer token, for a guest, and if no
// guard ran before. Code that has only c.UserContext() uses [core.SessionFrom].
func Session(c *fiber.Ctx) *core.Session { return core.SessionFrom(c.UserContext()) }

func next(c *fiber.Ctx, _ *core.IDToken) error { return c.Next() }

// guarded applies the guard's decision: it puts the caller into the user context, or sends the refusal.
func guarded(guard *core.Guard, handler func(*fiber.Ctx, *core.IDToken) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		decision := admit(ctx, guard, c.Context(), c.Route().Path, c.App().Server().DisableHeaderNamesNormalizing)
		if decision.Refusal != nil {
			refuse(c.Context(), decision.Refusal)
			return nil
		}
		addOnce(c.Context(), decision.Header)
		c.SetUserContext(decision.Context(ctx))
		return handler(c, decision.Caller)
	}
}
