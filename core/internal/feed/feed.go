// Package feed knows which sessions were revoked, on this instance and on all others. Asking costs no more than reading a
// pointer; the store is read in the background.
package feed

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	// Period is the time between two looks into the store.
	Period = 2 * time.Second
	// overlap is how far each look reaches back before the last one: clocks of instances differ by less, and a revocation
	// is committed within less.
	overlap = 2 * time.Minute
	// stale is for how long the last look serves while the store is out of reach.
	stale = 24 * time.Hour
	// late is the age from which on Ready complains.
	late = time.Minute
)

// ErrLate says that the store could not be asked for a while.
var ErrLate = errors.New("feed: the revocations have not been read for a minute")

// Feed is safe for concurrent use.
type Feed struct {
	store  store.Store
	source *fresh.Source[set]
	own    atomic.Pointer[set] // revoked by this instance: they count at once

	mu   sync.Mutex // held by who changes own
	read time.Time  // when the last good look began; looks come one after the other
}

// set is never changed once others see it: id, and until when it matters.
type set map[string]time.Time

// New makes a feed that has read nothing yet. timeout bounds one look; changed is told when looks begin to fail, and
// with nil when they work again.
func New(db store.Store, timeout time.Duration, changed func(error)) *Feed {
	f := &Feed{store: db}
	f.own.Store(&set{})
	f.source = fresh.New(fresh.Policy{Renew: Period, Stale: stale, Pause: Period, Timeout: timeout}, f.look, changed)
	return f
}

// look reads what is new. Only when there is something, what has ended is let go of.
func (f *Feed) look(ctx context.Context) (set, error) {
	now, last := time.Now(), f.source.Peek()
	var since time.Time // everything, at first and after an outage that the last look has not outlived
	if last != nil {
		since = f.read.Add(-overlap)
	}
	list, err := f.store.Revoked(ctx, stored.Time(since), stored.Time(now))
	if err != nil {
		return nil, err
	}
	f.read = now
	if last == nil {
		last = &fresh.Snapshot[set]{}
	}
	isKnown := func(entry store.Revocation) bool { return last.Value[entry.ID].Equal(entry.Until) }
	if last.Value != nil && !slices.ContainsFunc(list, func(entry store.Revocation) bool { return !isKnown(entry) }) {
		return last.Value, nil
	}
	known := last.Value.living(now)
	for _, entry := range list {
		known[entry.ID] = entry.Until
	}
	return known, nil
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

// Has reports whether a session was revoked. It waits only before the first look.
func (f *Feed) Has(ctx context.Context, id string) (bool, error) {
	snapshot, err := f.source.Get(ctx)
	if err != nil {
		return false, err
	}
	_, revoked := snapshot.Value[id]
	if !revoked {
		_, revoked = (*f.own.Load())[id]
	}
	return revoked, nil
}

// Add makes a revocation count on this instance at once, whatever becomes of it in the store.
func (f *Feed) Add(id string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := f.own.Load().living(time.Now())
	own[id] = until
	f.own.Store(&own)
}

// Ready returns nil when the last good look is recent.
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

// Close ends the looks.
func (f *Feed) Close() { f.source.Close() }
