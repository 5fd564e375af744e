package echo5auth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

func TestContract(t *testing.T) {
	contract.Run(t, contract.Adapter{
		New: func(cfg core.Config) (contract.App, error) {
			auth, err := echo5auth.New(cfg)
			if err != nil {
				return nil, err
			}
			e := echo.New()
			return &app{place{e, auth}, e}, nil
		},
	})
}

type app struct {
	place
	echo *echo.Echo
}

func (a *app) Auth() *core.Auth { return a.auth.Auth }

func (a *app) MountRoot() error { return a.auth.MountRoot(a.echo) }

func (a *app) Before(header http.Header) {
	a.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			for name, values := range header {
				c.Response().Header()[name] = values
			}
			return next(c)
		}
	})
}

func (a *app) Serve(t testing.TB) string { return contract.ServeHTTP(t, a.echo) }

// router is the common interface of an Echo and a group.
type router interface {
	echo5auth.Router
	Group(prefix string, middlewares ...echo.MiddlewareFunc) *echo.Group
	Any(path string, handler echo.HandlerFunc, middlewares ...echo.MiddlewareFunc) echo.RouteInfo
	GET(path string, handler echo.HandlerFunc, middlewares ...echo.MiddlewareFunc) echo.RouteInfo
}

// place is an Echo or a group.
type place struct {
	router
	auth *echo5auth.Auth
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.router, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	return place{p.router.Group(prefix, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...), p.auth}
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.GET(path, func(c *echo.Context) error {
		return c.Blob(http.StatusOK, "application/json", handler(c.Request().Context(), echo5auth.IDToken(c)))
	}, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...)
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	p.GET(path, func(c *echo.Context) error {
		if err := check(c.Request().Context()); err != nil {
			return p.auth.Refuse(c, err)
		}
		return c.Blob(http.StatusOK, "application/json", []byte("{}"))
	}, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...)
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	p.router.Any(path, func(c *echo.Context) error {
		return c.Blob(http.StatusOK, "application/json", handler(c.Request().Context(), echo5auth.Session(c), echo5auth.IDToken(c)))
	}, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...)
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.GET(path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.GET(path, p.auth.HandleOptional(typed(handler), requirements...))
}

func typed(handler contract.Handler) func(*echo.Context, *core.IDToken) error {
	return func(c *echo.Context, token *core.IDToken) error {
		return c.Blob(http.StatusOK, "application/json", handler(c.Request().Context(), echo5auth.IDToken(c), token))
	}
}
