package core

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// logRefusal logs a refused token at level debug: the reason, what was required, and the route. The line contains no part of
// the token and no text of the client. It logs at most ten tokens per second; the next line states how many were dropped.
func (g *Guard) logRefusal(ctx context.Context, credentials Credentials, err error) {
	log := g.auth.log
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	kind := kindOf(err)
	if kind != fault.Token && kind != fault.Lacking {
		return
	}
	dropped, ok := g.auth.refusals.Take()
	if !ok {
		return
	}
	if dropped > 0 {
		log.DebugContext(ctx, "more tokens were refused than are logged", "dropped", dropped)
	}
	attrs := append([]slog.Attr{slog.String("reason", refusalOutcome(err))}, wanted(err)...)
	log.LogAttrs(ctx, slog.LevelDebug, "a token was refused", append(attrs, g.route(credentials)...)...)
}

// wanted returns what was required of the token.
func wanted(err error) []slog.Attr {
	if f := fault.Find(err); f != nil {
		return f.Want
	}
	return refusalOf(err).want
}

// route returns the method, if HTTP defines it, and the pattern that the router matched or the name of a route of this library.
// It copies the method, because the memory behind Credentials may be reused.
func (g *Guard) route(credentials Credentials) []slog.Attr {
	method := ""
	if i := slices.Index(methods, credentials.Method); i >= 0 {
		method = methods[i]
	}
	return []slog.Attr{slog.String("method", method), slog.String("route", cmp.Or(credentials.Route, g.place))}
}

// methods lists the methods of RFC 9110 and RFC 5789. Any other is text of the client.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect,
	http.MethodOptions, http.MethodTrace,
}

// logRedirect logs that a login named a redirect URI that is not allowed, at most once a minute. The line contains what is
// allowed, not what the client sent.
func (f *flows) logRedirect(ctx context.Context) {
	dropped, ok := f.redirects.Take()
	if !ok {
		return
	}
	f.log.WarnContext(ctx, "a login was refused: its redirect_uri is not allowed", "own_callback", f.ownCallback(f.main()),
		"redirect_uris", f.cfg.RedirectURIs, "check", "Config.PublicURL, Config.RedirectURIs", "dropped", dropped)
}
