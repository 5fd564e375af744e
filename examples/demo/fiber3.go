package main

import (
	"bufio"
	"context"
	"net"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
)

func onFiber3(services []*service, site http.Handler) (server, error) {
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
	for _, s := range services {
		auth := fiber3auth.Wrap(s.auth)
		g := app.Group(s.Path)
		g.Get("/me", auth.Handle(func(c fiber.Ctx, caller *core.IDToken) error { return c.JSON(me(caller, fiber3auth.Session(c))) }))
		g.Get("/feed", auth.HandleOptional(func(c fiber.Ctx, caller *core.IDToken) error { return c.JSON(feed(caller, fiber3auth.Session(c))) }))
		g.Get("/admin", auth.Handle(func(c fiber.Ctx, caller *core.IDToken) error { return c.JSON(admin(caller)) }, core.Roles(adminRole)))
		g.Post("/orders", auth.Handle(func(c fiber.Ctx, caller *core.IDToken) error {
			return c.Status(http.StatusCreated).JSON(order(caller))
		}))
		g.Get("/events", auth.Handle(func(c fiber.Ctx, _ *core.IDToken) error {
			c.Set("Content-Type", "text/event-stream")
			c.Set("Cache-Control", "no-store")
			ctx := c.Context() // has the session; fiber reuses c itself before the stream begins
			return c.SendStreamWriter(func(w *bufio.Writer) { s.watch(ctx, w, w.Flush) })
		}))
		if err := auth.Mount(g, core.Paths{}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	app.Get("/", detached(site))
	app.All("/demo/*", detached(site))
	return fiber3Server{app}, nil
}

// fiber3Server gives fiber v3 the two methods of [http.Server] that the demo calls.
type fiber3Server struct{ app *fiber.App }

func (s fiber3Server) Serve(listener net.Listener) error {
	return s.app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s fiber3Server) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
