package core

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Probe finds out which guard decides about a request, see [ProbeGuards]. Safe for concurrent use.
type Probe struct {
	mu      sync.Mutex
	reached bool
	decider Decider
}

// Decider is what decides about a request: a guard, or a route of this library.
type Decider struct {
	// Rule is the guard's, the zero value for a route of this library.
	Rule Rule
	// Route is the name of a route of this library (see [Route]), "" for a guard.
	Route string
	// Pattern is the pattern that the router matched, where the guard's adapter says so ([Credentials].Route): of a middleware that may be the
	// middleware's own. "" for a route of this library.
	Pattern string
}

type probeKey struct{}

// probing says that this process has made a probe. Until then no guard searches its context for one.
var probing atomic.Bool

// ProbeGuards returns a context in which nobody is admitted: a guard that gets it tells the probe its rule and refuses the request with 403,
// whatever the credentials are, without a log line, an event or a call of the application's functions. A route of this library tells its
// name and does nothing. So a test can send a request through a router and learn who decides about it, and no handler behind the guard
// runs. Package oidctest does it for all routes of an application: use that.
//
// It is for tests. What stands before the guard runs as for any request, and so does the handler of a route that has no guard. Of several
// guards of one route the probe sees the first: the others may demand more, and cannot admit whom the first refuses. A client cannot cause
// a probe, because it is a value of the context and nothing of a request. A new probe is needed for each request. Safe for concurrent use;
// other requests are decided about as ever.
func ProbeGuards(ctx context.Context) (context.Context, *Probe) {
	probing.Store(true)
	probe := new(Probe)
	return context.WithValue(ctx, probeKey{}, probe), probe
}

// Decider returns what the request reached first. ok is false if it reached no guard and no route of this library: the request was answered
// without them.
func (p *Probe) Decider() (decider Decider, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	decider = p.decider
	decider.Rule = decider.Rule.clone()
	return decider, p.reached
}

// probeIn returns the probe of the context, nil if there is none. It runs on every request.
func probeIn(ctx context.Context) *Probe {
	if !probing.Load() {
		return nil
	}
	probe, _ := ctx.Value(probeKey{}).(*Probe)
	return probe
}

// stop is Admit for a probe.
func (p *Probe) stop(g *Guard, credentials Credentials) Decision {
	p.found(Decider{Rule: g.Rule(), Pattern: strings.Clone(credentials.Route)})
	refusal := probed()
	return Decision{Refusal: refusal.Response(), Err: refusal}
}

// own is Serve for a probe.
func (p *Probe) own(r Route) *Response {
	p.found(Decider{Route: r.Name})
	return probed().Response()
}

func (p *Probe) found(decider Decider) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reached {
		p.reached, p.decider = true, decider
	}
}

func probed() *Error {
	return &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "This is a probe of the guards: nobody is admitted.", kind: fault.Request}
}
