// Package feed keeps the revocation list: the sessions that were revoked, on this instance and on all others. Asking takes
// no lock; the store is read in the background.
package feed

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	// Period is the time between two reads of the store.
	Period = 2 * time.Second
	// Reread is the time between two reads of the whole list: what was committed later than any read reaches back, or by a
	// clock that is far behind, is known by then.
	Reread = 5 * time.Minute
	// margin is how much longer than Config.Timeout a commit may take: stores try again for a while.
	margin = 30 * time.Second
	// stale is for how long the last list serves while the store is out of reach.
	stale = 24 * time.Hour
	// late is the age of the list from which on Ready fails.
	late = time.Minute
)

// ErrLate says that the store has not been read for a while.
var ErrLate = errors.New("feed: the revocations have not been read for a minute")

// Config is what a feed needs. Store and Timeout must be set.
type Config struct {
	Store   store.Store
	Timeout time.Duration // of one read, and of the write of a revocation on any instance
	Leeway  time.Duration // by how much clocks may differ beside [clocks.Skew]
	Changed func(error)   // called when reads begin to fail, and with nil when they work again; may be nil
	Clocks  *clocks.Watch // notices times of instances whose clock differs by more; may be nil
}

// Feed is safe for concurrent use.
type Feed struct {
	cfg     Config
	overlap time.Duration // how far a read reaches back before the one before it
	source  *fresh.Source[set]

	// own are the sessions that this instance has revoked and the list does not have yet. The sets do not change; each has
	// more entries than the next, so that there are few of them and adding one copies little.
	own atomic.Pointer[[]set]
	mu  sync.Mutex // held while own is replaced

	read, reread time.Time // when the last good read, and the last of the whole list, began; reads do not overlap in time
}

// set holds IDs of sessions, and until when each matters. It does not change once others see it.
type set map[string]time.Time

// New makes a feed that has read nothing yet.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, overlap: clocks.Skew + cfg.Leeway + cfg.Timeout + margin}
	f.own.Store(&[]set{})
	f.source = fresh.New(fresh.Policy{Renew: Period, Stale: stale, Pause: Period, Timeout: cfg.Timeout}, f.look, cfg.Changed)
	return f
}

// look reads what is new, and now and then everything. The list is copied only when something is new, without what has
// ended. What the store does not list any more stays until it has ended by this instance's clock.
func (f *Feed) look(ctx context.Context) (set, error) {
	now, last := time.Now(), f.source.Peek()
	var since time.Time // everything: at first, after an outage that the last list has not outlived, and every few minutes
	whole := last == nil || now.Sub(f.reread) >= Reread
	if last == nil {
		last = &fresh.Snapshot[set]{}
	}
	f.forget(last.Value, now)
	if !whole {
		since = f.read.Add(-f.overlap)
	}
	list, err := f.cfg.Store.Revoked(ctx, stored.Time(since), stored.Time(now))
	if err != nil {
		return nil, err
	}
	news := slices.DeleteFunc(list, func(entry store.Revocation) bool { return last.Value[entry.ID].Equal(entry.Until) })
	f.watch(news, last.Value == nil, now)
	f.read = now
	if whole {
		f.reread = now
	}
	if last.Value != nil && len(news) == 0 {
		return last.Value, nil
	}
	known := last.Value.living(now)
	for _, entry := range news {
		known[entry.ID] = entry.Until
	}
	return known, nil
}

// watch notices what an instance has written whose clock differs by too much. What was there before the first read, or came
// during an outage, may be old for another reason.
func (f *Feed) watch(entries []store.Revocation, first bool, now time.Time) {
	continuous := !first && now.Sub(f.read) < f.cfg.Timeout+margin
	for _, entry := range entries {
		f.cfg.Clocks.Written(entry.At, now, 0)
		if by := now.Sub(entry.At); continuous && by > clocks.Skew+f.cfg.Timeout+margin {
			f.cfg.Clocks.Late(by)
		}
	}
}

// living returns a copy without what has ended.
func (s set) living(now time.Time) set {
	copied := make(set, len(s))
	for id, until := range s {
		if until.After(now) {
			copied[id] = until
		}
	}
	return copied
}

// forget drops own revocations that the list has, or that have ended. known is the list that readers see already: Has
// asks own first, so that at every moment one of both has the entry.
func (f *Feed) forget(known set, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := *f.own.Load()
	left, before := make(set), 0
	for _, some := range own {
		before += len(some)
		for id, until := range some {
			if until.After(now) && known[id].Before(until) {
				left.add(id, until)
			}
		}
	}
	switch {
	case len(left) == before:
	case len(left) == 0:
		f.own.Store(&[]set{})
	default:
		f.own.Store(&[]set{left})
	}
}

// add keeps the later end.
func (s set) add(id string, until time.Time) {
	if s[id].Before(until) {
		s[id] = until
	}
}

// Has reports whether a session was revoked. It waits only before the first read.
func (f *Feed) Has(ctx context.Context, id string) (bool, error) {
	for _, own := range *f.own.Load() {
		if _, revoked := own[id]; revoked {
			return true, nil
		}
	}
	snapshot, err := f.source.Get(ctx)
	if err != nil {
		return false, err
	}
	_, revoked := snapshot.Value[id]
	return revoked, nil
}

// Add makes a revocation count on this instance at once, whatever becomes of it in the store. It copies the smaller sets
// only: of n entries each is copied about log n times.
func (f *Feed) Add(id string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	own, added := slices.Clone(*f.own.Load()), set{id: until}
	for n := len(own); n > 0 && len(own[n-1]) <= len(added); n-- {
		for id, until := range own[n-1] {
			added.add(id, until)
		}
		own = own[:n-1]
	}
	own = append(own, added)
	f.own.Store(&own)
}

// Ready returns nil when the last good read is recent.
func (f *Feed) Ready(ctx context.Context) error {
	snapshot, err := f.source.Get(ctx)
	if err != nil {
		return err
	}
	if time.Since(snapshot.At) > late {
		return ErrLate
	}
	return nil
}

// Close ends the reads.
func (f *Feed) Close() { f.source.Close() }
