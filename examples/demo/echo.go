package main

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echoauth"
	"github.com/labstack/echo/v4"
)

func onEcho(common *core.Auth, site http.Handler) (server, error) {
	auth := echoauth.Wrap(common)
	r := echo.New()
	api := r.Group("/api")
	api.GET("/me", auth.Handle(func(c echo.Context, token *core.IDToken) error { return c.JSON(http.StatusOK, me(token)) }))
	api.GET("/feed", auth.HandleOptional(func(c echo.Context, token *core.IDToken) error { return c.JSON(http.StatusOK, feed(token)) }))
	admins := api.Group("/admin", auth.Required(core.Scopes(adminScope), core.Roles(adminRole)))
	admins.GET("", func(c echo.Context) error { return c.JSON(http.StatusOK, admin(echoauth.IDToken(c))) })
	for _, path := range sitePaths {
		r.Any(path, echo.WrapHandler(site))
	}
	return &http.Server{Handler: r}, auth.Mount(api, core.Paths{})
}
