package main

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func onNetHTTP(common *core.Auth, site http.Handler) (server, error) {
	auth := httpauth.Wrap(common)
	mux := http.NewServeMux()
	mux.Handle("GET /api/me", auth.Handle(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) { writeJSON(w, me(token)) }))
	mux.Handle("GET /api/feed", auth.HandleOptional(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) { writeJSON(w, feed(token)) }))
	admins := auth.Required(core.Scopes(adminScope), core.Roles(adminRole))
	mux.Handle("GET /api/admin", admins(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeJSON(w, admin(httpauth.IDToken(r))) })))
	for _, path := range sitePaths {
		mux.Handle(pattern(path), site)
	}
	return &http.Server{Handler: mux}, auth.Mount(mux, core.Paths{Prefix: "/api"})
}

// pattern converts a path to a mux pattern; a plain "/" would match every path.
func pattern(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}
