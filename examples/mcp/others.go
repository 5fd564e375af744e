package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/labstack/echo/v4"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echoauth"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func onGin(cfg core.Config) (http.Handler, error) {
	auth, err := ginauth.New(cfg)
	if err != nil {
		return nil, err
	}
	router := gin.New()
	router.Any("/mcp", auth.Required(needed...), gin.WrapH(endpoint(auth.Auth)))
	return router, auth.MountRoot(router)
}

func onEcho(cfg core.Config) (http.Handler, error) {
	auth, err := echoauth.New(cfg)
	if err != nil {
		return nil, err
	}
	router := echo.New()
	router.Any("/mcp", echo.WrapHandler(endpoint(auth.Auth)), auth.Required(needed...))
	return router, auth.MountRoot(router)
}

func onChi(cfg core.Config) (http.Handler, error) {
	auth, err := chiauth.New(cfg)
	if err != nil {
		return nil, err
	}
	router := chi.NewRouter()
	router.With(auth.Required(needed...)).Handle("/mcp", endpoint(auth.Auth))
	return router, auth.MountRoot(router)
}

func onFiber(cfg core.Config) (*fiber.App, error) {
	auth, err := fiberauth.New(cfg)
	if err != nil {
		return nil, err
	}
	app, mcp := fiber.New(fiber.Config{ReadBufferSize: 16 << 10}), endpoint(auth.Auth)
	app.All("/mcp", auth.Required(needed...), func(c *fiber.Ctx) error {
		ctx := c.UserContext() // has the caller; the context of the adaptor does not
		return adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) { mcp.ServeHTTP(w, r.WithContext(ctx)) })(c)
	})
	return app, auth.MountRoot(app)
}
