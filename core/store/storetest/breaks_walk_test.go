package storetest

import (
	"bytes"
	"flag"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// walkBreaks are mistakes that a caller alone never meets: something happens between two halves of a call. Each comes with the
// rules of the walk that it may break first.
var walkBreaks = map[string]struct {
	rules string
	do    func(p *plain)
	rare  bool // it takes thousands of walks: only with the flag rapid.checks
}{
	"Swap checks the version, and writes later": {"one", func(p *plain) {
		p.swapAs = func(s store.Session) error {
			stored, ok := p.sessions[s.ID]
			if !ok || stored.Version != s.Version {
				return store.ErrConflict
			}
			p.between()
			s.Version = p.sessions[s.ID].Version
			return p.swap(s)
		}
	}, false},
	"Swap brings back what was ended meanwhile": {"dead one", func(p *plain) {
		p.swapAs = func(s store.Session) error {
			stored, ok := p.sessions[s.ID]
			if !ok || stored.Version != s.Version {
				return store.ErrConflict
			}
			p.between()
			if _, ok := p.sessions[s.ID]; !ok {
				p.sessions[s.ID] = stored
			}
			return p.swap(s)
		}
	}, true},
	"Swap writes the times that it has read": {"onward nolost slip", func(p *plain) {
		p.swapAs = func(s store.Session) error {
			stored := p.sessions[s.ID]
			p.between()
			err := p.swap(s)
			if err == nil {
				s = p.sessions[s.ID]
				s.Seen, s.Idle = stored.Seen, stored.Idle
				p.sessions[s.ID] = s
			}
			return err
		}
	}, true},
	"Swap loses to a Touch": {"one", func(p *plain) {
		p.swapAs = func(s store.Session) error {
			stored := p.sessions[s.ID]
			p.between()
			if !p.sessions[s.ID].Seen.Equal(stored.Seen) {
				return store.ErrConflict
			}
			return p.swap(s)
		}
	}, true},
	"Touch undoes a Swap": {"onward nolost slip one", func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			stored, ok := p.sessions[id]
			p.between()
			if _, still := p.sessions[id]; !ok || !still {
				return store.ErrNotFound
			}
			stored.Seen, stored.Idle = later(p.sessions[id].Seen, seen), later(p.sessions[id].Idle, idle)
			p.sessions[id] = stored
			return nil
		}
	}, true},
	"Revoke deletes, and lists later": {"nolost", func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			if stored, ok := p.sessions[id]; version != 0 && (!ok || stored.Version != version) {
				return store.ErrConflict
			}
			delete(p.sessions, id)
			p.between()
			return p.revoke(id, 0, now, until)
		}
	}, false},
	"Revoke lists, and deletes later": {"dead one", func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			stored, ok := p.sessions[id]
			if version != 0 && (!ok || stored.Version != version) {
				return store.ErrConflict
			}
			err := p.revoke(id, version, now, until)
			if ok {
				p.sessions[id] = stored
				p.between()
				delete(p.sessions, id)
			}
			return err
		}
	}, false},
	"Revoke ends a version that it has not read": {"one", func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			if stored, ok := p.sessions[id]; version != 0 && (!ok || stored.Version != version) {
				return store.ErrConflict
			}
			p.between()
			if _, ok := p.sessions[id]; version != 0 && !ok {
				return store.ErrConflict
			}
			return p.revoke(id, 0, now, until)
		}
	}, true},
	"the list loses one of two entries": {"silent", func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			feed := maps.Clone(p.feed)
			p.between()
			err := p.revoke(id, version, now, until)
			if err == nil {
				feed[id] = p.feed[id]
				p.feed = feed
			}
			return err
		}
	}, false},
	"SessionsOf leaves out what changes meanwhile": {"slip", func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			list := p.sessionsOf(of, now, limit)
			p.between()
			return slices.DeleteFunc(list, func(s store.Session) bool { return p.sessions[s.ID].Version != s.Version })
		}
	}, false},
	// What is left over is found by the walk that leaves it, or by a later one on the same store, which never had such a session.
	"the index outlives a row that is swapped when it ends": {"dead onward one SessionsOf", func(p *plain) {
		left := map[string]store.Session{}
		p.swapAs = func(s store.Session) error {
			stored, ok := p.sessions[s.ID]
			p.between()
			if _, still := p.sessions[s.ID]; ok && !still {
				left[s.ID] = stored
			}
			return p.swap(s)
		}
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			list := p.sessionsOf(of, now, limit)
			for _, stored := range left {
				if bytes.Equal(stored.Owner, of.Owner) && len(list) < limit {
					list = append(list, stored)
				}
			}
			return list
		}
	}, false},
	"Purge deletes what was touched meanwhile": {"nolost slip", func(p *plain) {
		p.purgeAs = func(now time.Time) int {
			old := maps.Clone(p.sessions)
			p.between()
			n := p.purge(now)
			for id, stored := range old {
				if !endOf(stored).After(now) {
					delete(p.sessions, id)
				}
			}
			return n
		}
	}, true},
}

// between lets another call in between the two halves of one, if any is made at that moment.
func (p *plain) between() {
	before := p.done.Load()
	p.mu.Unlock()
	for range 40 {
		if p.done.Load() != before {
			break
		}
		runtime.Gosched()
	}
	p.mu.Lock()
}

// TestWalkFindsWhatConcurrencyBreaks breaks a store in ways that only concurrent calls show: the walk must name the violated rule, and
// no check with one caller may fail.
func TestWalkFindsWhatConcurrencyBreaks(t *testing.T) {
	setFlag(t, "rapid.nofailfile", "true")
	setFlag(t, "rapid.shrinktime", "0s")
	rare := !limited()
	setFlag(t, "rapid.checks", "10000")
	alone := []string{"values", "time", "conflicts", "revocations", "touch", "selections"}
	for _, name := range slices.Sorted(maps.Keys(walkBreaks)) {
		t.Run(name, func(t *testing.T) {
			broken := walkBreaks[name]
			if broken.rare && !rare {
				t.Skip("it takes thousands of walks: run it with -rapid.checks")
			}
			for _, group := range groups() {
				for _, check := range group.checks {
					if message := ""; slices.Contains(alone, group.name) {
						if message = failsOn(t, check, on(broken.do)); message != "" {
							t.Errorf("%s/%s finds it with one caller: %s", group.name, check.name, message)
						}
					}
				}
			}
			walk := check{"", func(t testing.TB, backend Backend) { sessionWalk(t, backend, true) }}
			found := failsOn(t, walk, on(broken.do))
			if !slices.ContainsFunc(strings.Fields(broken.rules), func(rule string) bool { return strings.Contains(found, rule+": ") }) {
				t.Errorf("the walk does not find that %q is broken: %s", broken.rules, found)
			}
			first, _, _ := strings.Cut(found, "\n")
			t.Log(first)
		})
	}
}

func setFlag(t *testing.T, name, value string) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, before) })
}
