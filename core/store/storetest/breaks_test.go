package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// TestSoundStorePasses makes sure that the store that the other test breaks passes the suite unbroken.
func TestSoundStorePasses(t *testing.T) {
	Run(t, on(func(*plain) {}))
}

// TestBrokenStoresFail breaks a store in one way at a time: the suite must find each.
func TestBrokenStoresFail(t *testing.T) {
	maps.Copy(breaks, sessionBreaks)
	for _, name := range slices.Sorted(maps.Keys(breaks)) {
		t.Run(name, func(t *testing.T) {
			if found := firstFound(t, breaks[name]); found == "" {
				t.Error("the suite finds nothing wrong")
			} else {
				t.Log(found)
			}
		})
	}
}

// firstFound is the first thing that the suite finds wrong with a broken store; "" when there is none.
func firstFound(t *testing.T, broken func(*plain)) string {
	t.Helper()
	for _, group := range groups() {
		if group.name == "models" {
			continue // rapid takes a while to say how
		}
		for _, check := range group.checks {
			if message := failsOn(t, check, on(broken)); message != "" {
				return group.name + "/" + check.name + ": " + message
			}
		}
	}
	return ""
}

// slow lets others in between two steps.
func slow() {
	for range 20 {
		runtime.Gosched()
	}
}

// breaks are the mistakes that a store can be made with.
var breaks = map[string]func(p *plain){
	"Swap ignores the version": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			s.Version = p.sessions[s.ID].Version
			return p.swap(s)
		}
	},
	"Swap inserts": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			if _, ok := p.sessions[s.ID]; !ok {
				s.Version++
				p.sessions[s.ID] = s
				return nil
			}
			return p.swap(s)
		}
	},
	"Swap changes the subject": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			err := p.swap(s)
			if err == nil {
				s.Version++
				p.sessions[s.ID] = s
			}
			return err
		}
	},
	"Swap changes the start": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			err := p.swap(s)
			if err == nil {
				stored := p.sessions[s.ID]
				stored.Started = s.Started
				p.sessions[s.ID] = stored
			}
			return err
		}
	},
	"Swap forgets the last expiry": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			s.LastExpiry = p.sessions[s.ID].LastExpiry
			return p.swap(s)
		}
	},
	"Swap does not count": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			err := p.swap(s)
			if err == nil {
				stored := p.sessions[s.ID]
				stored.Version--
				p.sessions[s.ID] = stored
			}
			return err
		}
	},
	"Swap refuses what has expired": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			if stored, ok := p.sessions[s.ID]; ok && stored.Expires.Before(after(-24*time.Hour)) {
				return store.ErrConflict
			}
			return p.swap(s)
		}
	},
	"Swap forgets to clear": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			if len(s.Answer) == 0 {
				s.Answer = p.sessions[s.ID].Answer
			}
			return p.swap(s)
		}
	},
	"Swap looks and writes in two steps": func(p *plain) {
		p.swapAs = func(s store.Session) error {
			stored, ok := p.sessions[s.ID]
			p.mu.Unlock()
			slow()
			p.mu.Lock()
			if !ok || stored.Version != s.Version {
				return store.ErrConflict
			}
			s.Version++
			p.sessions[s.ID] = s
			return nil
		}
	},
	"AddKey looks and writes in two steps": func(p *plain) {
		p.addKeyAs = func(key store.Key) error {
			_, ok := p.keys[key.Generation]
			p.mu.Unlock()
			slow()
			p.mu.Lock()
			if ok {
				return store.ErrConflict
			}
			p.keys[key.Generation] = key
			return nil
		}
	},
	"Revoke looks and writes in two steps": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			stored, ok := p.sessions[id]
			p.mu.Unlock()
			slow()
			p.mu.Lock()
			if version != 0 && (!ok || stored.Version != version) {
				return store.ErrConflict
			}
			return p.revoke(id, 0, now, until)
		}
	},
	"AddKey overwrites": func(p *plain) {
		p.addKeyAs = func(key store.Key) error { p.keys[key.Generation] = key; return nil }
	},
	"RetireKey overwrites": func(p *plain) {
		p.retireAs = func(generation int64, until time.Time) {
			if key, ok := p.keys[generation]; ok {
				key.Until = until
				p.keys[generation] = key
			}
		}
	},
	"RetireKey adds": func(p *plain) {
		p.retireAs = func(generation int64, until time.Time) {
			if _, ok := p.keys[generation]; !ok {
				p.keys[generation] = store.Key{Generation: generation, Until: until}
			}
			p.retireKey(generation, until)
		}
	},
	"Keys in another order": func(p *plain) {
		p.keysAs = func() []store.Key {
			return slices.SortedFunc(maps.Values(p.keys), func(a, b store.Key) int {
				return strings.Compare(fmt.Sprint(a.Generation), fmt.Sprint(b.Generation))
			})
		}
	},
	"Keys without ended ones": func(p *plain) {
		p.keysAs = func() []store.Key {
			return slices.DeleteFunc(p.sortedKeys(), func(k store.Key) bool { return !k.Until.IsZero() && k.Until.Before(time.Now()) })
		}
	},
	"PutSession overwrites": func(p *plain) {
		p.putAs = func(s store.Session) error { p.sessions[s.ID] = s; return nil }
	},
	"PutSession overwrites what has expired": func(p *plain) {
		p.putAs = func(s store.Session) error {
			if stored, ok := p.sessions[s.ID]; ok && stored.Expires.Before(after(-24*time.Hour)) {
				delete(p.sessions, s.ID)
			}
			return p.putSession(s)
		}
	},
	"Session ignores expiry": func(p *plain) {
		p.sessionAs = func(id string, _ time.Time) (store.Session, error) {
			return p.session(id, time.Time{}.AddDate(-1, 0, 0))
		}
	},
	"Session at its very end": func(p *plain) {
		p.sessionAs = func(id string, now time.Time) (store.Session, error) {
			return p.session(id, now.Add(-time.Millisecond))
		}
	},
	"Session asks the clock": func(p *plain) {
		p.sessionAs = func(id string, _ time.Time) (store.Session, error) { return p.session(id, time.Now()) }
	},
	"Revoke without the feed": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			entry, ok := p.feed[id]
			err := p.revoke(id, version, now, until)
			delete(p.feed, id)
			if ok {
				p.feed[id] = entry
			}
			return err
		}
	},
	"Revoke tells though it lost": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			err := p.revoke(id, version, now, until)
			if err != nil {
				p.feed[id] = store.Revocation{ID: id, At: now, Until: until}
			}
			return err
		}
	},
	"Revoke with version 0 needs a row": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			if _, ok := p.sessions[id]; !ok {
				return store.ErrConflict
			}
			return p.revoke(id, version, now, until)
		}
	},
	"Revoke keeps the row": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			stored, ok := p.sessions[id]
			err := p.revoke(id, version, now, until)
			if ok {
				p.sessions[id] = stored
			}
			return err
		}
	},
	"a second Revoke overwrites": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			err := p.revoke(id, version, now, until)
			if err == nil {
				p.feed[id] = store.Revocation{ID: id, At: now, Until: until}
			}
			return err
		}
	},
	"a second Revoke is lost": func(p *plain) {
		p.revokeAs = func(id string, version int64, now, until time.Time) error {
			entry, ok := p.feed[id]
			err := p.revoke(id, version, now, until)
			if ok {
				p.feed[id] = entry
			}
			return err
		}
	},
	"Revoked after since": func(p *plain) {
		p.revokedAs = func(since, now time.Time) []store.Revocation { return p.revoked(since.Add(time.Millisecond), now) }
	},
	"Revoked at Until": func(p *plain) {
		p.revokedAs = func(since, now time.Time) []store.Revocation { return p.revoked(since, now.Add(-time.Millisecond)) }
	},
	"Purge leaves what ends now": func(p *plain) {
		p.purgeAs = func(now time.Time) int { return p.purge(now.Add(-time.Millisecond)) }
	},
	"Purge asks the clock": func(p *plain) {
		p.purgeAs = func(time.Time) int { return p.purge(time.Now()) }
	},
	"Purge of keys without an end": func(p *plain) {
		p.purgeAs = func(now time.Time) int {
			maps.DeleteFunc(p.keys, func(_ int64, k store.Key) bool { return k.Until.IsZero() })
			return p.purge(now)
		}
	},
	"Purge forgets revocations": func(p *plain) {
		p.purgeAs = func(now time.Time) int {
			entries := maps.Clone(p.feed)
			clear(p.feed)
			defer maps.Copy(p.feed, entries)
			return p.purge(now)
		}
	},
	"Purge counts wrong": func(p *plain) {
		p.purgeAs = func(now time.Time) int { return min(p.purge(now), 1) }
	},
	"Init empties": func(p *plain) { p.initAs = func() { clear(p.keys); clear(p.sessions); clear(p.feed) } },
	"Close once": func(p *plain) {
		p.closeAs = func() error {
			if p.closed {
				return fmt.Errorf("closed already")
			}
			p.closed = true
			return nil
		}
	},
	"Close closes the handle":    func(p *plain) { p.closeAs = func() error { p.closed = true; return nil } },
	"contexts are not looked at": func(p *plain) { p.anyContext = true },
	"given slices are kept":      func(p *plain) { p.keeps = true },
	"own slices are returned":    func(p *plain) { p.gives = true },
	"an error that shows a row": func(p *plain) {
		p.errorAs = func(err error, s store.Session) error { return fmt.Errorf("row %q: %w", s.Data, err) }
	},
	"times in seconds":         column(func(s *store.Session) { s.Lease = s.Lease.Truncate(time.Second) }),
	"times in another zone":    column(func(s *store.Session) { s.Expires = s.Expires.In(time.FixedZone("", 3600)) }),
	"a zero time becomes 1970": column(func(s *store.Session) { s.Rotated = time.UnixMilli(max(0, s.Rotated.UnixMilli())).UTC() }),
	"1970 becomes a zero time": column(func(s *store.Session) { s.Lease = zeroAt1970(s.Lease) }),
	"bytes end at a NUL":       column(func(s *store.Session) { s.Data, _, _ = bytes.Cut(s.Data, []byte{0}) }),
	"bytes are made UTF-8":     column(func(s *store.Session) { s.Data = []byte(strings.ToValidUTF8(string(s.Data), "?")) }),
	"bytes are cut at 64 KiB":  column(func(s *store.Session) { s.Answer = s.Answer[:min(len(s.Answer), 64<<10)] }),
	"subjects are trimmed":     column(func(s *store.Session) { s.Subject = strings.TrimRight(s.Subject, " ") }),
	"subjects are cut at 255":  column(func(s *store.Session) { s.Subject = s.Subject[:min(len(s.Subject), 255)] }),
	"IDs are folded":           func(p *plain) { ids(p, strings.ToLower) },
	"IDs are trimmed":          func(p *plain) { ids(p, strings.TrimSpace) },
	"kids are trimmed": func(p *plain) {
		p.keyColumn = func(k store.Key) store.Key { k.ID = strings.TrimSpace(k.ID); return k }
	},
	"sealed keys are cut at 255": func(p *plain) {
		p.keyColumn = func(k store.Key) store.Key { k.Sealed = k.Sealed[:min(len(k.Sealed), 255)]; return k }
	},
	"keys that never sign sign soon": func(p *plain) {
		p.keyColumn = func(k store.Key) store.Key { k.From = later(k.From, time.Unix(0, 0).UTC()); return k }
	},
}

// column breaks what the database makes of a session.
func column(change func(*store.Session)) func(*plain) {
	return func(p *plain) {
		p.column = func(s store.Session) store.Session {
			s = utcSession(s)
			change(&s)
			return s
		}
	}
}

func zeroAt1970(t time.Time) time.Time {
	if t.UnixMilli() == 0 {
		return time.Time{}
	}
	return t
}

// ids compares IDs in another way than byte for byte.
func ids(p *plain, same func(string) string) {
	key := func(s store.Session) store.Session { s.ID = same(s.ID); return s }
	p.putAs = func(s store.Session) error { return p.putSession(key(s)) }
	p.swapAs = func(s store.Session) error { return p.swap(key(s)) }
	p.sessionAs = func(id string, now time.Time) (store.Session, error) { return p.session(same(id), now) }
	p.touchAs = func(id string, seen, idle time.Time) error { return p.touch(same(id), seen, idle) }
	p.revokeAs = func(id string, version int64, now, until time.Time) error {
		return p.revoke(same(id), version, now, until)
	}
}
