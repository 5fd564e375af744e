package ginauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func TestContract(t *testing.T) {
	gin.SetMode(gin.TestMode)
	contract.Run(t, contract.Adapter{
		New: func(cfg core.Config) (contract.App, error) {
			auth, err := ginauth.New(cfg)
			if err != nil {
				return nil, err
			}
			engine := gin.New()
			return &app{place{engine, auth}, engine}, nil
		},
		Differences: contract.Differences{
			WrongMethod: http.StatusNotFound, // 405 with HandleMethodNotAllowed, which is off by default
		},
	})
}

type app struct {
	place
	engine *gin.Engine
}

func (a *app) Auth() *core.Auth { return a.auth.Auth }

func (a *app) MountRoot() error { return a.auth.MountRoot(a.engine) }

func (a *app) Before(header http.Header) {
	a.engine.Use(func(c *gin.Context) {
		for name, values := range header {
			c.Writer.Header()[name] = values
		}
	})
}

func (a *app) Serve(t testing.TB) string { return contract.ServeHTTP(t, a.engine) }

// place is an engine or a group.
type place struct {
	gin.IRouter
	auth *ginauth.Auth
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.IRouter, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	return place{p.IRouter.Group(prefix, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...), p.auth}
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.GET(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *gin.Context) {
		c.Data(http.StatusOK, "application/json", handler(c.Request.Context(), ginauth.IDToken(c)))
	})...)
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	p.GET(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *gin.Context) {
		if err := check(c.Request.Context()); err != nil {
			p.auth.Refuse(c, err)
			return
		}
		c.Data(http.StatusOK, "application/json", []byte("{}"))
	})...)
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	p.IRouter.Any(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *gin.Context) {
		c.Data(http.StatusOK, "application/json", handler(c.Request.Context(), ginauth.Session(c), ginauth.IDToken(c)))
	})...)
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.GET(path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.GET(path, p.auth.HandleOptional(typed(handler), requirements...))
}

func typed(handler contract.Handler) func(*gin.Context, *core.IDToken) {
	return func(c *gin.Context, token *core.IDToken) {
		c.Data(http.StatusOK, "application/json", handler(c.Request.Context(), ginauth.IDToken(c), token))
	}
}
