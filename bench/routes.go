package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// The four routes of every framework, with the same answer.
const (
	bareRoute     = "/bare"
	hitRoute      = "/hit"
	uncachedRoute = "/uncached"
	peerRoute     = "/peer"
	answer        = "hello"
)

var allRoutes = []string{bareRoute, hitRoute, uncachedRoute, peerRoute}

// framework is one of the four, or plain net/http, with its usual middleware and ours.
type framework struct {
	name, peer string
	modules    []string
	faster     float64 // the goal's speedup over the peer, uncached
	build      func(context.Context, *key, *provider, *guards) (site, error)
}

var frameworks = []framework{
	{"gin", "go-oidc", []string{"github.com/gin-gonic/gin", "github.com/coreos/go-oidc/v3"}, 1.8, buildGin},
	{"echo", "echo-jwt", []string{"github.com/labstack/echo/v4", "github.com/labstack/echo-jwt/v4"}, 1.3, buildEcho},
	{"fiber", "contrib/jwt", []string{"github.com/gofiber/fiber/v2", "github.com/gofiber/contrib/jwt"}, 1.3, buildFiber},
	{"chi", "jwtauth", []string{"github.com/go-chi/chi/v5", "github.com/go-chi/jwtauth/v5"}, 2.3, buildChi},
	{"net/http", "go-oidc", []string{"github.com/coreos/go-oidc/v3"}, 1.8, buildNetHTTP},
}

// routes writes the table about routes called in process: goal 2.
func routes(ctx context.Context, r *report, e effort) error {
	r.section("Routes, in process", "One request to a handler that answers five bytes, through the framework's router, without a network, on one core; RS256. The difference to the\n"+
		"bare route in nanoseconds is the cost of a guard; the usual middleware is compared with it as a ratio.")
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
	r.table([]string{"", "a hit adds, ns", "allocations", "uncached adds, ns", "usual middleware", "its time, x ours uncached", "bad tokens it accepts"}, rows, modules...)
	r.note("The allocations are those of a hit in addition to the bare route's: the adapter puts the caller into the request's context. The usual middleware\n" +
		"is set up as in its documentation, with one key and one algorithm; some of it has options to accept less.")
	return nil
}

func routesOf(ctx context.Context, r *report, e effort, f framework) ([]string, error) {
	s, k, done, err := newSite(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	good := k.token(keycloak(nil))
	bad, err := badTokens(k)
	if err != nil {
		return nil, err
	}
	takes := map[string][]string{}
	for _, path := range allRoutes[1:] {
		if takes[path], err = accepted(path, good, bad, func(token string) func() error { return s.prepare(path, token) }); err != nil {
			return nil, err
		}
		if path != peerRoute && len(takes[path]) > 0 {
			return nil, fmt.Errorf("our guard accepts: %s", listed(takes[path]))
		}
	}
	subjects := make([]subject, len(allRoutes))
	for i, path := range allRoutes {
		subjects[i] = subject{path, s.prepare(path, good)}
	}
	seen, err := compare(subjects, e.rounds, time.Millisecond)
	if err != nil {
		return nil, err
	}
	bare, hit, uncached, peer := seen[0], seen[1], seen[2], seen[3]
	adds := hit.more(bare)
	r.judge(2, f.name+": a hit adds at most 150 ns to the bare route", adds.String(), adds.mid <= 150)
	return []string{
		f.name, adds.String(), fmt.Sprintf("%.0f", hit.allocations()-bare.allocations()), uncached.more(bare).String(), f.peer,
		peer.over(uncached).String(), listed(takes[peerRoute]),
	}, nil
}
