package ginauth

import (
	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] with handlers and middleware for gin. Safe for concurrent use.
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
func (a *Auth) Required(requirements ...core.Requirement) gin.HandlerFunc {
	return middleware(a.Auth.Required(requirements...))
}

// Optional returns middleware for a route or a group that also admits guests: callers without credentials, and those whom Required would
// refuse. With the requirement [core.RejectInvalid], it refuses invalid credentials. See [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) gin.HandlerFunc {
	return middleware(a.Auth.Optional(requirements...))
}

// Handle guards one handler as [Auth.Required] does, and passes it the caller as an argument. The caller is never nil.
func (a *Auth) Handle(handler func(*gin.Context, *core.IDToken), requirements ...core.Requirement) gin.HandlerFunc {
	return withToken(a.Auth.Required(requirements...), handler)
}

// HandleOptional guards one handler as [Auth.Optional] does, and passes it the caller as an argument. The caller is nil for a guest.
func (a *Auth) HandleOptional(handler func(*gin.Context, *core.IDToken), requirements ...core.Requirement) gin.HandlerFunc {
	return withToken(a.Auth.Optional(requirements...), handler)
}

// Mount registers the auth routes on an engine or a group, at the paths that paths sets: a zero field means its default path. For
// invalid paths it mounts nothing and returns an error that lists them.
func (a *Auth) Mount(router gin.IRouter, paths core.Paths) error {
	routes, err := a.Routes(paths)
	add(router, routes)
	return err
}

// MountRoot registers the metadata of core.Config.Resources on the engine that serves the root of the host, not on a group: clients look for
// it at /.well-known/oauth-protected-resource. Without Resources it mounts nothing and returns an error. See [core.Auth.RootRoutes].
func (a *Auth) MountRoot(router gin.IRouter) error {
	routes, err := a.RootRoutes()
	add(router, routes)
	return err
}

// add registers routes; there are none beside an error.
func add(router gin.IRouter, routes []core.Route) {
	for _, route := range routes {
		router.Handle(route.Method, route.Path, gin.WrapH(route))
	}
}

// Refuse sends the answer to an error of [core.Demand], [core.Auth.AccessToken] or [core.Auth.Client] as a guard would: see
// [core.Auth.Answer]. The handler must not have written an answer
// yet, and no later handler runs.
func (a *Auth) Refuse(c *gin.Context, err error) {
	c.Abort()
	a.Answer(c.Request.Context(), credentialsOf(c), err).WriteTo(c.Writer)
}

// IDToken returns the caller whom a guard admitted. It returns nil for a guest, and if no guard ran before. Code that has only
// c.Request.Context() uses [core.IDTokenFrom]; *gin.Context itself, used as a context, does not carry the caller.
func IDToken(c *gin.Context) *core.IDToken { return core.IDTokenFrom(c.Request.Context()) }

// Session returns the browser session with which a guard admitted the request. It returns nil for a bearer token, for a guest, and if no
// guard ran before. Code that has only c.Request.Context() uses [core.SessionFrom].
func Session(c *gin.Context) *core.Session { return core.SessionFrom(c.Request.Context()) }

func middleware(guard *core.Guard) gin.HandlerFunc {
	return func(c *gin.Context) {
		if admit(c, guard) {
			c.Next()
		}
	}
}

func withToken(guard *core.Guard, handler func(*gin.Context, *core.IDToken)) gin.HandlerFunc {
	return func(c *gin.Context) {
		if admit(c, guard) {
			handler(c, IDToken(c))
		}
	}
}

// admit applies the guard's decision: it puts the caller into the request's context, or sends the refusal.
func admit(c *gin.Context, guard *core.Guard) bool {
	ctx := c.Request.Context()
	decision := guard.Admit(ctx, credentialsOf(c))
	if decision.Refusal != nil {
		c.Abort()
		decision.Refusal.WriteTo(c.Writer)
		return false
	}
	decision.AddTo(c.Writer.Header())
	c.Request = c.Request.WithContext(decision.Context(ctx))
	return true
}

func credentialsOf(c *gin.Context) core.Credentials {
	credentials := core.CredentialsOf(c.Request)
	credentials.Route = c.FullPath()
	return credentials
}
