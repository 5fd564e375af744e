package fiber3auth_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
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
	auth, err := fiber3auth.New(cfg)
	if err != nil {
		return nil, err
	}
	config := fiber.Config{
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
	a.fiber.Use(func(c fiber.Ctx) error {
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
	go func() { _ = a.fiber.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }() // it ends with Shutdown
	t.Cleanup(func() { _ = a.fiber.Server().Shutdown() })
}

// place is an app or a group.
type place struct {
	fiber.Router
	auth *fiber3auth.Auth
}

func (p place) Mount(paths core.Paths) error { return p.auth.Mount(p.Router, paths) }

func (p place) Group(prefix string, guards ...contract.Guard) contract.Router {
	return place{p.Router.Group(prefix, p.middlewares(guards)...), p.auth}
}

// middlewares returns the guards as fiber v3 takes handlers: of any type.
func (p place) middlewares(guards []contract.Guard) []any {
	required := func(requirements ...core.Requirement) any { return p.auth.Required(requirements...) }
	optional := func(requirements ...core.Requirement) any { return p.auth.Optional(requirements...) }
	return contract.Middlewares(guards, required, optional)
}

func (p place) Get(path string, handler contract.Handler, guards ...contract.Guard) {
	chain := append(p.middlewares(guards), func(c fiber.Ctx) error {
		return answer(c, handler(contextOf(c), fiber3auth.IDToken(c)))
	})
	p.Router.Get(path, chain[0], chain[1:]...)
}

func (p place) Demand(path string, check func(context.Context) error, guards ...contract.Guard) {
	chain := append(p.middlewares(guards), func(c fiber.Ctx) error {
		if err := check(contextOf(c)); err != nil {
			return p.auth.Refuse(c, err)
		}
		return answer(c, []byte("{}"))
	})
	p.Router.Get(path, chain[0], chain[1:]...)
}

func (p place) Any(path string, handler contract.SessionHandler, guards ...contract.Guard) {
	chain := append(p.middlewares(guards), func(c fiber.Ctx) error {
		return answer(c, handler(contextOf(c), fiber3auth.Session(c), fiber3auth.IDToken(c)))
	})
	p.All(path, chain[0], chain[1:]...)
}

func (p place) Handle(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Router.Get(path, p.auth.Handle(typed(handler), requirements...))
}

func (p place) HandleOptional(path string, handler contract.Handler, requirements ...core.Requirement) {
	p.Router.Get(path, p.auth.HandleOptional(typed(handler), requirements...))
}

func typed(handler contract.Handler) func(fiber.Ctx, *core.IDToken) error {
	return func(c fiber.Ctx, token *core.IDToken) error {
		return answer(c, handler(contextOf(c), fiber3auth.IDToken(c), token))
	}
}

// contextOf returns the context of the handler. It has two in fiber v3, c.Context() and c itself: where they have different callers or
// sessions, the suite gets a context without either, and fails.
func contextOf(c fiber.Ctx) context.Context {
	ctx := c.Context()
	if core.IDTokenFrom(c) != core.IDTokenFrom(ctx) || core.SessionFrom(c) != core.SessionFrom(ctx) {
		return context.Background()
	}
	return ctx
}

func answer(c fiber.Ctx, body []byte) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(body)
}
