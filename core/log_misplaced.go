package core

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// noteOwn remembers the paths of mounted routes, as clients may send them: with the prefix of PublicURL, or without it behind a proxy.
func (a *Auth) noteOwn(prefix string, routes []Route) {
	public := strings.TrimPrefix(a.cfg.PublicURL, a.origin)
	for _, route := range routes {
		a.own.Store(route.Path, true)
		a.own.Store(public+strings.TrimPrefix(route.Path, prefix), true)
	}
}

// isOwn reports whether a request is for a mounted route of this library.
func (a *Auth) isOwn(credentials Credentials) bool {
	path, _, _ := strings.Cut(credentials.Target, "?")
	_, own := a.own.Load(path)
	return own
}

// logMisplaced logs two mistakes in the order of middleware, each at most once a minute: a guard that covers the routes of this library,
// where nobody has credentials yet, and a guard before the CORS middleware, since preflight requests never have any.
func (g *Guard) logMisplaced(ctx context.Context, credentials Credentials, err error) {
	if g.place != "" || kindOf(err) != fault.Missing {
		return
	}
	a := g.auth
	switch {
	case a.isOwn(credentials):
		if dropped, ok := a.covered.Take(); ok {
			a.log.ErrorContext(ctx, "a guard refuses requests for the routes of this library: nobody can log in",
				"check", "the middleware: mount the routes outside of the group that has the guard", "dropped", dropped)
		}
	case credentials.Method == http.MethodOptions && len(credentials.values("Access-Control-Request-Method")) > 0:
		if dropped, ok := a.preflights.Take(); ok {
			a.log.WarnContext(ctx, "a guard refused a CORS preflight request",
				"check", "the middleware: put the one for CORS before the guard", "dropped", dropped)
		}
	}
}

// logState logs that the state of a login does not open, at most once a minute. Anybody can make such a request, but a browser that has
// the cookie of a login was sent here by an instance of this service.
func (f *flows) logState(ctx context.Context, request *Request) {
	if !f.states.HasBegun(cookies(request)) {
		return
	}
	if dropped, ok := f.foreign.Take(); ok {
		f.log.WarnContext(ctx, "a login was refused: its state was not made with the secret keys of this instance",
			"check", "Config.SecretKeys, Config.ClientID and Config.DiscoveryURL: the same on every instance", "dropped", dropped)
	}
}
