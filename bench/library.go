package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// candidate is a way to verify a token with a library call. prepare returns the function that verifies one token.
type candidate struct {
	name, module string
	faster       float64 // the goal's speedup for RS256, 0 for no goal
	prepare      func(token string) func() error
}

// short returns the name of the library alone.
func (c candidate) short() string {
	name, _, _ := strings.Cut(c.name, ",")
	return name
}

// tokenHeader returns the headers of a request with a bearer token.
func tokenHeader(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// bearer returns the credentials of a request with this token.
func bearer(token string) core.Credentials { return core.Credentials{Header: tokenHeader(token)} }

// admitted returns the error of a decision, nil if the caller may pass.
func admitted(decision core.Decision) error {
	if decision.Refusal != nil {
		return decision.Err
	}
	return nil
}

// ours is the decision of a guard, through the public API.
func ours(ctx context.Context, p *provider, name string, cacheSize int) (candidate, func(), error) {
	auth, err := core.New(p.config(cacheSize))
	if err != nil {
		return candidate{}, nil, err
	}
	guard := auth.Required()
	return candidate{name: name, prepare: func(token string) func() error {
		header := bearer(token)
		return func() error {
			decision := guard.Admit(ctx, header)
			if decision.Err == nil && decision.Caller.Subject() == "" {
				return errors.New("the caller was not admitted")
			}
			return admitted(decision)
		}
	}}, func() { _ = auth.Close() }, nil
}

const (
	hitName      = "oidcauth, a cached token"
	uncachedName = "oidcauth, uncached"
)

// library writes the table about library calls: goals 2 to 5.
func library(ctx context.Context, r *report, e effort) error {
	r.section("Library calls", "One access token like Keycloak's, verified repeatedly on one core, so that the figures include garbage collection. If a peer can, it reads the\n"+
		"claims into a struct. The last column lists the bad tokens that a candidate accepts, because refusing them takes time.")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		if err := libraryOf(ctx, r, e, alg); err != nil {
			return fmt.Errorf("%s: %w", alg, err)
		}
	}
	return nil
}

func libraryOf(ctx context.Context, r *report, e effort, alg string) error {
	k, err := newKey(alg)
	if err != nil {
		return err
	}
	p := newProvider(k)
	uncached, closeUncached, err := ours(ctx, p, uncachedName, -1)
	if err != nil {
		return err
	}
	defer closeUncached()
	hit, closeHit, err := ours(ctx, p, hitName, 0)
	if err != nil {
		return err
	}
	defer closeHit()
	others, err := libraryPeers(ctx, k, p)
	if err != nil {
		return err
	}
	all := append([]candidate{{name: "bare check", prepare: k.bare}, uncached, hit}, others...)
	good := k.token(keycloak(nil))
	bad, err := badTokens(k)
	if err != nil {
		return err
	}
	subjects := make([]subject, len(all))
	takes := make([]string, len(all))
	for i, c := range all {
		subjects[i] = subject{c.name, c.prepare(good)}
		if i == 0 {
			takes[i] = "checks only the signature"
			continue
		}
		kinds, err := accepted(c.name, good, bad, c.prepare)
		if err != nil {
			return err
		}
		takes[i] = listed(kinds)
		if i <= 2 && len(kinds) > 0 {
			return fmt.Errorf("%s accepts: %s", c.name, listed(kinds))
		}
	}
	seen, err := compare(subjects, e.rounds, 2*time.Millisecond)
	if err != nil {
		return err
	}
	r.note("%s, a token of %d bytes:", alg, len(good))
	var rows [][]string
	var modules []string
	for i, m := range seen {
		rows = append(rows, []string{m.name, micro(spreadOf(m.times)), m.over(seen[0]).String(), fmt.Sprintf("%.0f", m.allocations()), takes[i]})
		modules = append(modules, all[i].module)
	}
	r.table([]string{"", "µs", "x the bare check", "allocations", "bad tokens accepted"}, rows, modules...)
	judgeLibrary(r, alg, all, seen)
	briefLibrary(&r.brief, alg, all, seen)
	return nil
}

func judgeLibrary(r *report, alg string, all []candidate, seen []*measured) {
	bare, uncached, hit := seen[0], seen[1], seen[2]
	limit := map[string]float64{"RS256": 0.90, "ES256": 1.08, "EdDSA": 1.08}[alg]
	cost := uncached.over(bare)
	r.judge(3, fmt.Sprintf("%s uncached: at most %.2f x the bare check", alg, limit), cost.String(), cost.mid <= limit)
	beyond := uncached.allocations() - bare.allocations()
	r.judge(4, alg+" uncached: at most 4 allocations beyond the signature check's own", fmt.Sprintf("%.0f", beyond), beyond <= 4)
	if alg != "RS256" {
		return
	}
	r.judge(2, "a hit allocates nothing in core", fmt.Sprintf("%.0f", hit.allocations()), hit.allocations() == 0)
	took := spreadOf(hit.times)
	r.judge(2, "core's part of a hit, which is a guard's decision alone, takes at most 120 ns", took.String(), took.mid <= 120)
	for i, c := range all {
		if c.faster == 0 {
			continue
		}
		gain, gainHit := seen[i].over(uncached), seen[i].over(hit)
		r.judge(5, fmt.Sprintf("RS256 uncached: %.1f x as fast as %s", c.faster, c.name), gain.String(), gain.mid >= c.faster)
		r.judge(5, fmt.Sprintf("a hit: 400 x as fast as %s", c.name), gainHit.String(), gainHit.mid >= 400)
	}
}
