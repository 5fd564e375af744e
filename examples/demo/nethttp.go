package main

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func onNetHTTP(services []*service, site http.Handler) (server, error) {
	mux := http.NewServeMux()
	for _, s := range services {
		auth := httpauth.Wrap(s.auth)
		mux.Handle("GET "+s.Path+"/me", auth.Handle(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, me(caller, httpauth.Session(r)))
		}))
		mux.Handle("GET "+s.Path+"/feed", auth.HandleOptional(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, feed(caller, httpauth.Session(r)))
		}))
		mux.Handle("GET "+s.Path+"/admin", auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusOK, admin(caller))
		}, core.Roles(adminRole)))
		mux.Handle("POST "+s.Path+"/orders", auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
			writeJSON(w, http.StatusCreated, order(caller))
		}))
		mux.Handle("GET "+s.Path+"/events", auth.Required()(http.HandlerFunc(s.events)))
		if err := auth.Mount(mux, core.Paths{Prefix: s.Path}); err != nil { // login, callback, logout, session, sessions …
			return nil, err
		}
	}
	mux.Handle("GET /{$}", site)
	mux.Handle("/demo/", site)
	return &http.Server{Handler: mux}, nil
}
