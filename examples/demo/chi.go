package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
)

func onChi(services []*service, site http.Handler) (server, error) {
	r := chi.NewRouter()
	for _, s := range services {
		auth := chiauth.Wrap(s.auth)
		r.Get(s.Path+"/me", auth.Handle(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, me(caller, chiauth.Session(r)))
		}))
		r.Get(s.Path+"/feed", auth.HandleOptional(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, feed(caller, chiauth.Session(r)))
		}))
		r.Get(s.Path+"/admin", auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, admin(caller))
		}, core.Roles(adminRole)))
		r.Post(s.Path+"/orders", auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusCreated, order(caller))
		}))
		r.With(auth.Required()).Get(s.Path+"/events", s.events)
		if err := auth.Mount(r, core.Paths{Prefix: s.Path}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	r.Method(http.MethodGet, "/", site)
	r.Handle("/demo/*", site)
	return &http.Server{Handler: r}, nil
}
