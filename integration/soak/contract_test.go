package soak

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// want is what a kind of request is answered with.
type want struct {
	healthy  []int
	provider []int         // beside them while the provider is away
	store    []int         // and while the store is
	within   time.Duration // the longest time for an answer
}

const (
	guardTime = callTimeout + time.Second
	routeTime = callTimeout + 3*time.Second
	// busy is what a busy machine may add.
	busy = 2 * time.Second
)

// contract is the outage contract of docs/operations.md for what this run sends. A guard never refuses a good token or session with 401, a
// refresh never ends a session, and a 503 says when to come again: after 10 seconds for the provider, 2 for the store, 1 if the outage came while a
// session was being refreshed.
var contract = map[string]want{
	"token at a guard":           {healthy: []int{200}, within: guardTime},
	"session at a guard":         {healthy: []int{200}, within: guardTime},
	"session new to an instance": {healthy: []int{200}, store: []int{503}, within: guardTime},
	"provider's token":           {healthy: []int{200}, provider: []int{503}, within: guardTime}, // its key may be new to this instance
	"login":                      {healthy: []int{302}, within: routeTime},
	"callback":                   {healthy: []int{302}, provider: []int{502, 503}, store: []int{503}, within: routeTime},
	"code":                       {healthy: []int{200}, provider: []int{502, 503}, store: []int{503}, within: routeTime},
	"refresh":                    {healthy: []int{200}, provider: []int{502, 503}, store: []int{503}, within: routeTime},
	"logout of a program":        {healthy: []int{200}, store: []int{503}, within: routeTime},
	"logout of a browser":        {healthy: []int{302}, store: []int{503}, within: routeTime},
	"gone":                       {healthy: []int{401}, store: []int{503}, within: guardTime}, // after a logout
	"gone refresh":               {healthy: []int{400, 401}, store: []int{503}, within: routeTime},
}

// verdict of one answer.
type verdict int

const (
	healthy   verdict = iota
	announced         // as the contract says for an announced outage
	broken            // recorded
)

// judge compares an answer with the contract, and records it if it breaks it. held: a lease of a killed instance may be in the way.
func (r *run) judge(kind string, a *answer, held bool) verdict {
	w := contract[kind]
	if a.status == 0 {
		if a.on.killed.Load() {
			return announced
		}
		r.violation("no answer", "%s on instance %d: %v", kind, a.on.number, a.err)
		return broken
	}
	if took := a.to.Sub(a.from); took > w.within+busy {
		r.violation("too late", "%s on instance %d: %d after %s", kind, a.on.number, a.status, took)
	}
	if slices.Contains(w.healthy, a.status) {
		return healthy
	}
	after := settle
	if kind == "provider's token" {
		after += pause
	}
	retry := a.header.Get("Retry-After")
	switch {
	case slices.Contains(w.provider, a.status) && r.board.during(provider, a.from, a.to, after) && (a.status == http.StatusBadGateway || retry == "10"):
		return announced
	case slices.Contains(w.store, a.status) && r.board.during(store, a.from, a.to, after) && (retry == "2" || retry == "1"):
		return announced
	case held && a.status == http.StatusServiceUnavailable && retry != "":
		return announced
	}
	r.violation("contract, "+kind, "instance %d after %s: %d, Retry-After %q, %.200s", a.on.number, a.to.Sub(a.from), a.status, retry, a.body)
	return broken
}

// violations counts what must not be. Safe for concurrent use.
type violations struct {
	mu     sync.Mutex
	counts map[string]int
}

const maxExamples = 5 // of each kind

// violation counts what must not be, and says the first ones of each kind.
func (r *run) violation(kind, format string, args ...any) {
	v := &r.violations
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counts == nil {
		v.counts = map[string]int{}
	}
	if v.counts[kind]++; v.counts[kind] <= maxExamples {
		r.say("%s: %s", kind, fmt.Sprintf(format, args...))
	}
}

func (v *violations) all() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.counts)
}
