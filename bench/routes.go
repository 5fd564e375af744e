package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"
)

// The routes that every framework serves, all with the same response.
const (
	bareRoute     = "/bare"
	hitRoute      = "/hit"
	uncachedRoute = "/uncached"
	peerRoute     = "/peer"
	sessionRoute  = "/session"
	answer        = "hello"
)

// visit is a route and who calls it: a program with a bearer token, or a browser with the cookie of a session.
type visit struct {
	path    string
	browser bool
}

// visits are what is compared. The bare route is called with the headers of both, because reading them takes time too.
var visits = []visit{
	visitBare: {bareRoute, false}, visitHit: {hitRoute, false}, visitUncached: {uncachedRoute, false}, visitPeer: {peerRoute, false},
	visitBareBrowser: {bareRoute, true}, visitSession: {sessionRoute, true},
}

// Indexes into visits.
const (
	visitBare = iota
	visitHit
	visitUncached
	visitPeer
	visitBareBrowser
	visitSession
)

// framework is one of the four, or plain net/http, with its usual middleware and ours.
type framework struct {
	name, peer string
	modules    []string
	faster     float64 // the goal's speedup over the peer, uncached
	build      func(context.Context, *key, *provider, *guards) (site, error)
}

var frameworks = []framework{
	{"gin", "go-oidc", []string{"github.com/gin-gonic/gin", "github.com/coreos/go-oidc/v3"}, 2.0, buildGin},
	{"echo", "echo-jwt", []string{"github.com/labstack/echo/v4", "github.com/labstack/echo-jwt/v4"}, 1.6, buildEcho},
	{"fiber", "contrib/jwt", []string{"github.com/gofiber/fiber/v2", "github.com/gofiber/contrib/jwt"}, 1.6, buildFiber},
	{"chi", "jwtauth", []string{"github.com/go-chi/chi/v5", "github.com/go-chi/jwtauth/v5"}, 2.6, buildChi},
	{"net/http", "go-oidc", []string{"github.com/coreos/go-oidc/v3"}, 2.0, buildNetHTTP},
}

// routes writes the table about routes called in process: goal 2.
func routes(ctx context.Context, r *report, e effort) error {
	r.section("Routes, in process", "One request to a handler that answers five bytes, through the framework's router, without a network, on one core; RS256. The difference to the\n"+
		"bare route in nanoseconds is the cost of a guard; the usual middleware is compared with it as a ratio. A session's hit is a request with its cookie and\n"+
		"`Sec-Fetch-Site`, and the bare route that it is compared with gets the same headers.")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var rows [][]string
	var modules []string
	for _, f := range frameworks {
		row, err := routesOf(ctx, r, e, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		rows, modules = append(rows, row), append(modules, f.modules...)
	}
	r.table([]string{"", "a hit adds, ns", "allocations", "a session's hit adds, ns", "allocations", "uncached adds, ns", "usual middleware", "its time, x ours uncached", "bad tokens it accepts"}, rows, modules...)
	r.note("The allocations are those of a hit in addition to the bare route's: the adapter puts the caller into the request's context. An answer to a\n" +
		"session also gets `Cache-Control` and `Vary`. The usual middleware is set up as in its documentation, with one key and one algorithm; some of it has\n" +
		"options to accept less.")
	return nil
}

func routesOf(ctx context.Context, r *report, e effort, f framework) ([]string, error) {
	s, err := newSite(ctx, f)
	if err != nil {
		return nil, err
	}
	defer s.close()
	peerTakes, err := acceptedBy(s)
	if err != nil {
		return nil, err
	}
	subjects := make([]subject, len(visits))
	for i, v := range visits {
		subjects[i] = subject{v.path, s.prepare(v.path, s.of(v))}
	}
	seen, err := compare(subjects, e.rounds, time.Millisecond)
	if err != nil {
		return nil, err
	}
	bare, hit, uncached, peer := seen[visitBare], seen[visitHit], seen[visitUncached], seen[visitPeer]
	bareBrowser, session := seen[visitBareBrowser], seen[visitSession]
	allocates := hit.allocations() - bare.allocations()
	r.judge(2, f.name+": the adapter adds at most 2 allocations to a hit", fmt.Sprintf("%.0f", allocates), allocates <= 2)
	return []string{
		f.name, hit.more(bare).String(), fmt.Sprintf("%.0f", allocates),
		session.more(bareBrowser).String(), fmt.Sprintf("%.0f", session.allocations()-bareBrowser.allocations()),
		uncached.more(bare).String(), f.peer, peer.over(uncached).String(), listed(peerTakes),
	}, nil
}

// acceptedBy returns the bad tokens that the usual middleware accepts. It returns an error if one of our guards accepts anything bad.
func acceptedBy(s *built) ([]string, error) {
	tokens, err := badTokens(s.key)
	if err != nil {
		return nil, err
	}
	bad := make(map[string]http.Header)
	for kind, token := range tokens {
		bad[kind] = tokenHeader(token)
	}
	var peerTakes []string
	for i, v := range visits {
		switch i {
		case visitBare, visitBareBrowser: // they accept everything
			continue
		case visitSession:
			bad = badBrowsers(s.Browser)
		}
		takes, err := accepted(v.path, s.of(v), bad, func(header http.Header) func() error { return s.prepare(v.path, header) })
		switch {
		case err != nil:
			return nil, err
		case i == visitPeer:
			peerTakes = takes
		case len(takes) > 0:
			return nil, fmt.Errorf("our guard accepts: %s", listed(takes))
		}
	}
	return peerTakes, nil
}
