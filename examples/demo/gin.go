package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func init() { gin.SetMode(gin.ReleaseMode) } // do not print the routes

func onGin(common *core.Auth, site http.Handler) (server, error) {
	auth := ginauth.Wrap(common)
	r := gin.New()
	api := r.Group("/api")
	api.GET("/me", auth.Handle(func(c *gin.Context, token *core.IDToken) { c.JSON(http.StatusOK, me(token)) }))
	api.GET("/feed", auth.HandleOptional(func(c *gin.Context, token *core.IDToken) { c.JSON(http.StatusOK, feed(token)) }))
	admins := api.Group("/admin", auth.Required(core.Scopes(adminScope), core.Roles(adminRole)))
	admins.GET("", func(c *gin.Context) { c.JSON(http.StatusOK, admin(ginauth.IDToken(c))) })
	for _, path := range sitePaths {
		r.Any(path, gin.WrapH(site))
	}
	return &http.Server{Handler: r}, auth.Mount(api, core.Paths{})
}
