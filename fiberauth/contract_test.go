package fiberauth_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/gofiber/fiber/v2"
)

func TestContract(t *testing.T) {
	contract.Run(t, contract.Adapter{
		New:         func(cfg core.Config) (contract.App, error) { return newApp(cfg, contract.Server{}) },
		Differences: contract.Differences{NoCancellation: true, ReadsMultipart: true},
	})
}

func TestServer(t *testing.T) {
	contract.RunServer(t, func(cfg core.Config, server contract.Server) (contract.ServedApp, error) { return newApp(cfg, server) })
}

func newApp(cfg core.Config, server contract.Server) (*app, error) {
	auth, err := fiberauth.New(cfg)
	if err != nil {
		return nil, err
	}
	config := fiber.Config{
		DisableStartupMessage:    true,
		ReadBufferSize:           32 << 10, // fiber's default of 4 KB refuses longer headers before any handler runs
		DisableHeaderNormalizing: server.RawNames,
	}
	if server.Streamed {
		config.StreamRequestBody, config.BodyLimit = true, 1<<30
	}
	fiberApp := fiber.New(config)
	return &app{place{fiberApp, auth}, fiberApp}, nil
}

type app struct {
	place
	fiber *fiber.App
}

func (a *app) Auth() *core.Auth { return a.auth.Auth }

func (a *app) MountRoot() error { return a.auth.MountRoot(a.fiber) }

func (a *app) Before(header http.Header) {
	a.fiber.Use(func(c *fiber.Ctx) error {
		for name, values := range header {
			for _, value := range values {
				c.Response().Header.Add(name, value)
			}
		}
		return c.Next()
	})
}

func (a *app) Serve(t testing.TB) string {
	listener := contract.Listen(t)
	a.ServeOn(t, listener)
	return "http://" + listener.Addr().String()
}

func (a *app) ServeOn(t testing.TB, listener net.Listener) {
	go func() { _ = a.fiber.Listener(listener) }() // it ends with Shutdown
	t.Cleanup(func() { _ = a.fiber.Server().Shutdown() })
}

// place is an app or a group.
type place struct {
	fiber.Router
	auth *fiberauth.Auth
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.Router, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	return place{p.Router.Group(prefix, contract.Middlewares(guards, p.auth.Required, p.auth.Optional)...), p.auth}
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	p.Router.Get(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *fiber.Ctx) error {
		return answer(c, handler(c.UserContext(), fiberauth.IDToken(c)))
	})...)
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	p.Router.Get(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *fiber.Ctx) error {
		if err := check(c.UserContext()); err != nil {
			return p.auth.Refuse(c, err)
		}
		return answer(c, []byte("{}"))
	})...)
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	p.All(path, append(contract.Middlewares(guards, p.auth.Required, p.auth.Optional), func(c *fiber.Ctx) error {
		return answer(c, handler(c.UserContext(), fiberauth.Session(c), fiberauth.IDToken(c)))
	})...)
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Router.Get(path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Router.Get(path, p.auth.HandleOptional(typed(handler), requirements...))
}

func typed(handler contract.Handler) func(*fiber.Ctx, *core.IDToken) error {
	return func(c *fiber.Ctx, token *core.IDToken) error {
		return answer(c, handler(c.UserContext(), fiberauth.IDToken(c), token))
	}
}

func answer(c *fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(body)
}
