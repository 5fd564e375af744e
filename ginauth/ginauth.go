package ginauth

import (
	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
)

// Auth is a [core.Auth] in gin's words. Safe for concurrent use.
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
func (a *Auth) Required(requirements ...core.Requirement) gin.HandlerFunc {
	return middleware(a.Auth.Required(requirements...))
}

// Optional is a middleware for a route or a group: guests go on too, see [core.Auth.Optional].
func (a *Auth) Optional(requirements ...core.Requirement) gin.HandlerFunc {
	return middleware(a.Auth.Optional(requirements...))
}

// Handle makes a handler for callers that [core.Auth.Required] admits, with the caller as an argument.
func (a *Auth) Handle(handler func(*gin.Context, *core.IDToken), requirements ...core.Requirement) gin.HandlerFunc {
	return withToken(a.Auth.Required(requirements...), handler)
}

// HandleOptional makes a handler for everybody; the caller is nil for a guest, see [core.Auth.Optional].
func (a *Auth) HandleOptional(handler func(*gin.Context, *core.IDToken), requirements ...core.Requirement) gin.HandlerFunc {
	return withToken(a.Auth.Optional(requirements...), handler)
}

// Mount registers the routes on an engine or a group. The error names the paths that are none; nothing is mounted then.
func (a *Auth) Mount(router gin.IRouter, paths core.Paths) error {
	routes, err := a.Routes(paths)
	if err != nil {
		return err
	}
	for _, route := range routes {
		router.Handle(route.Method, route.Path, gin.WrapH(route))
	}
	return nil
}

// IDToken returns the caller whom a guard admitted: nil for a guest, and where no guard stood before. Further down, from
// c.Request.Context(), [core.IDTokenFrom] gives the same; *gin.Context itself as a context does not carry it.
func IDToken(c *gin.Context) *core.IDToken { return core.IDTokenFrom(c.Request.Context()) }

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

// admit carries the guard's decision: the caller into the request's context, or the refusal to the client.
func admit(c *gin.Context, guard *core.Guard) bool {
	ctx := c.Request.Context()
	credentials := core.CredentialsOf(c.Request)
	credentials.Route = c.FullPath()
	decision := guard.Admit(ctx, credentials)
	if decision.Refusal != nil {
		c.Abort()
		decision.Refusal.WriteTo(c.Writer)
		return false
	}
	decision.AddTo(c.Writer.Header())
	c.Request = c.Request.WithContext(decision.Context(ctx))
	return true
}
