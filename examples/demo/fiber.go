package main

import (
	"bufio"
	"context"
	"net"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
)

func onFiber(services []*service, site http.Handler) (server, error) {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	for _, s := range services {
		auth := fiberauth.Wrap(s.auth)
		g := app.Group(s.Path)
		g.Get("/me", auth.Handle(func(c *fiber.Ctx, caller *core.IDToken) error { return c.JSON(me(caller, fiberauth.Session(c))) }))
		g.Get("/feed", auth.HandleOptional(func(c *fiber.Ctx, caller *core.IDToken) error { return c.JSON(feed(caller, fiberauth.Session(c))) }))
		g.Get("/admin", auth.Handle(func(c *fiber.Ctx, caller *core.IDToken) error { return c.JSON(admin(caller)) }, core.Roles(adminRole)))
		g.Post("/orders", auth.Handle(func(c *fiber.Ctx, caller *core.IDToken) error {
			return c.Status(http.StatusCreated).JSON(order(caller))
		}))
		g.Get("/events", auth.Handle(func(c *fiber.Ctx, _ *core.IDToken) error {
			c.Set("Content-Type", "text/event-stream")
			c.Set("Cache-Control", "no-store")
			ctx := c.UserContext() // has the session; fiber reuses c itself before the stream begins
			c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { s.watch(ctx, w, w.Flush) })
			return nil
		}))
		if err := auth.Mount(g, core.Paths{}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	app.Get("/", adaptor.HTTPHandler(detached(site)))
	app.All("/demo/*", adaptor.HTTPHandler(detached(site)))
	return fiberServer{app}, nil
}

// detached gives net/http handlers a context of their own, because fiber reuses its context for the next request.
func detached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.Background()))
	})
}

// fiberServer gives fiber the two methods of [http.Server] that the demo calls.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(listener net.Listener) error { return s.app.Listener(listener) }

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
