package core_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// tally counts events.
type tally struct {
	mu   sync.Mutex
	seen map[core.Event]int
}

func (c *tally) count(e core.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[core.Event]int{}
	}
	c.seen[e]++
}

// want compares what was told since the last call, of one kind, with what should have been; "ok" is the event without a part,
// "keys ok" one with it.
func (c *tally) want(t *testing.T, when, kind string, want map[string]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	got := map[string]int{}
	for e, n := range c.seen {
		if !slices.Contains(core.Events(), e) {
			t.Errorf("%s: %v is none of Events", when, e)
		}
		if e.Kind == kind {
			name := e.Outcome
			if e.Part != "" {
				name = e.Part + " " + e.Outcome
			}
			got[name] = n
			delete(c.seen, e)
		}
	}
	if toJSON(got) != toJSON(want) {
		t.Errorf("%s: %s events %v, want %v", when, kind, got, want)
	}
}

func (c *tally) hook(config *core.Config) { config.Metrics = c.count }

// Events has every event once, and a list of its own for each caller.
func TestEvents(t *testing.T) {
	all := core.Events()
	seen := map[core.Event]bool{}
	for _, e := range all {
		if seen[e] || e.Kind == "" || e.Outcome == "" {
			t.Errorf("%v", e)
		}
		seen[e] = true
	}
	if all[0] = (core.Event{}); core.Events()[0] == all[0] {
		t.Error("a caller changed the list of all")
	}
}

// One event for each fetch that went out, and none for a request that was served from what is at hand.
func TestMetricsOfFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, c := newIDP(t), &tally{}
		guard := idp.auth(c.hook).Required()
		for range 100 {
			mustAdmit(t, guard, idp.token())
		}
		c.want(t, "100 requests", "fetch", map[string]int{"discovery ok": 1, "keys ok": 1})
		for name, f := range map[string]fault{"unreachable": hang, "unusable": faults["truncated"]} {
			idp.breaks(f, keysPath)
			time.Sleep(coolDown + time.Second)
			for range 100 {
				wantStatus(t, guard, idp.tokenOf("stranger"), http.StatusServiceUnavailable)
			}
			c.want(t, name, "fetch", map[string]int{"keys " + name: 1})
			idp.breaks(nil, keysPath)
			time.Sleep(coolDown + time.Second)
			c.want(t, "afterwards", "fetch", map[string]int{"keys ok": 1})
		}
	})
}

func TestMetricsOfFetchesInBrokerMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, c := newOutageNet(t), &tally{}
		s := n.serve(true, c.hook)
		s.warm()
		c.want(t, "at the start", "fetch", map[string]int{"discovery ok": 1, "keys ok": 1, "trusted_keys ok": 1, "signing_keys ok": 1, "revocations ok": 1})
		n.fails("store", refuse)
		time.Sleep(61 * time.Second)
		c.want(t, "the store is down", "fetch", map[string]int{"signing_keys unreachable": 1, "revocations unreachable": 30})
	})
}

// The words of an event are no texts of anybody else, whatever everybody else says.
func TestMetricsHaveFixedWords(t *testing.T) {
	for name, f := range faults {
		synctest.Test(t, func(t *testing.T) {
			idp, c := newIDP(t), &tally{}
			idp.breaks(f, discoveryPath, keysPath)
			_, _ = decide(context.Background(), idp.auth(c.hook).Required(), []string{"Bearer " + idp.token()})
			for e := range c.seen {
				if !slices.Contains(core.Events(), e) {
					t.Errorf("%s: %v", name, e)
				}
			}
		})
	}
}
