package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func onGin(services []*service, site http.Handler) (server, error) {
	gin.SetMode(gin.ReleaseMode) // do not print the routes
	r := gin.New()
	for _, s := range services {
		auth := ginauth.Wrap(s.auth)
		g := r.Group(s.Path)
		g.GET("/me", auth.Handle(func(c *gin.Context, caller *core.IDToken) { c.JSON(http.StatusOK, me(caller, ginauth.Session(c))) }))
		g.GET("/feed", auth.HandleOptional(func(c *gin.Context, caller *core.IDToken) { c.JSON(http.StatusOK, feed(caller, ginauth.Session(c))) }))
		g.GET("/admin", auth.Handle(func(c *gin.Context, caller *core.IDToken) { c.JSON(http.StatusOK, admin(caller)) }, core.Roles(adminRole)))
		g.POST("/orders", auth.Handle(func(c *gin.Context, caller *core.IDToken) { c.JSON(http.StatusCreated, order(caller)) }))
		g.GET("/events", auth.Required(), gin.WrapF(s.events))
		if err := auth.Mount(g, core.Paths{}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	r.GET("/", gin.WrapH(site))
	r.Any("/demo/*path", gin.WrapH(site))
	return &http.Server{Handler: r}, nil
}
