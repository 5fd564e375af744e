package main

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

func onChi(common *core.Auth, site http.Handler) (server, error) {
	auth := chiauth.Wrap(common)
	r := chi.NewRouter()
	r.Get("/api/me", auth.Handle(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) { writeJSON(w, me(token)) }))
	r.Get("/api/feed", auth.HandleOptional(func(w http.ResponseWriter, _ *http.Request, token *core.IDToken) { writeJSON(w, feed(token)) }))
	admins := r.With(auth.Required(core.Scopes(adminScope), core.Roles(adminRole)))
	admins.Get("/api/admin", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, admin(chiauth.IDToken(r))) })
	for _, path := range sitePaths {
		r.Handle(path, site)
	}
	return &http.Server{Handler: r}, auth.Mount(r, core.Paths{Prefix: "/api"})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // an error only means that the client has disconnected
}
