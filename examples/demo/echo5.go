package main

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

func onEcho5(services []*service, site http.Handler) (server, error) {
	e := echo.New()
	for _, s := range services {
		auth := echo5auth.Wrap(s.auth)
		g := e.Group(s.Path)
		g.GET("/me", auth.Handle(func(c *echo.Context, caller *core.IDToken) error {
			return c.JSON(http.StatusOK, me(caller, echo5auth.Session(c)))
		}))
		g.GET("/feed", auth.HandleOptional(func(c *echo.Context, caller *core.IDToken) error {
			return c.JSON(http.StatusOK, feed(caller, echo5auth.Session(c)))
		}))
		g.GET("/admin", auth.Handle(func(c *echo.Context, caller *core.IDToken) error { return c.JSON(http.StatusOK, admin(caller)) }, core.Roles(adminRole)))
		g.POST("/orders", auth.Handle(func(c *echo.Context, caller *core.IDToken) error { return c.JSON(http.StatusCreated, order(caller)) }))
		g.GET("/events", echo.WrapHandler(http.HandlerFunc(s.events)), auth.Required())
		if err := auth.Mount(g, core.Paths{}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	e.GET("/", echo.WrapHandler(site))
	e.Any("/demo/*", echo.WrapHandler(site))
	return &http.Server{Handler: e}, nil
}
