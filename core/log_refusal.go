package core

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// logRefusal logs, at level debug, a token that a guard does not accept, or that lacks something: the reason, what was wanted
// and the route. Nothing of the token and no text of the client is in the line. At most ten lines a second are logged; the
// next line says how many were not.
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

// wanted is what the token was held against.
func wanted(err error) []slog.Attr {
	if f := fault.Find(err); f != nil {
		return f.Want
	}
	return refusalOf(err).want
}

// route names the place: the method where it is one of HTTP's, and the pattern that the router matched, or the name of an own
// route. The method of the credentials may be a view of memory that is used again, and is not kept.
func (g *Guard) route(credentials Credentials) []slog.Attr {
	method := ""
	if i := slices.Index(methods, credentials.Method); i >= 0 {
		method = methods[i]
	}
	return []slog.Attr{slog.String("method", method), slog.String("route", cmp.Or(credentials.Route, g.place))}
}

// methods are those of RFC 9110 and RFC 5789: any other is a text of the client's.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect,
	http.MethodOptions, http.MethodTrace,
}

// logRedirect logs that a login named a redirect URI that is not allowed, at most once a minute: with what is allowed, and
// without what was named.
func (f *flows) logRedirect(ctx context.Context) {
	dropped, ok := f.redirects.Take()
	if !ok {
		return
	}
	f.log.WarnContext(ctx, "a login was refused: its redirect_uri is not allowed", "own_callback", f.ownCallback(),
		"redirect_uris", f.cfg.RedirectURIs, "check", "Config.PublicURL, Config.RedirectURIs", "dropped", dropped)
}
