package main

import (
	"context"
	"net"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
)

func onFiber(common *core.Auth, site http.Handler) (server, error) {
	auth := fiberauth.Wrap(common)
	r := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	api := r.Group("/api")
	api.Get("/me", auth.Handle(func(c *fiber.Ctx, token *core.IDToken) error { return c.JSON(me(token)) }))
	api.Get("/feed", auth.HandleOptional(func(c *fiber.Ctx, token *core.IDToken) error { return c.JSON(feed(token)) }))
	admins := api.Group("/admin", auth.Required(core.Scopes(adminScope), core.Roles(adminRole)))
	admins.Get("", func(c *fiber.Ctx) error { return c.JSON(admin(fiberauth.IDToken(c))) })
	for _, path := range sitePaths {
		r.All(path, adaptor.HTTPHandler(detached(site)))
	}
	return fiberServer{r}, auth.Mount(api, core.Paths{})
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
