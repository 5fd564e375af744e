// Package feed caches the revocation list: the sessions that were revoked on any instance. It reads the store in the background;
// lookups take no lock.
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
	// Reread is the time between two reads of the whole list. They find revocations that other reads miss, because they were
	// committed very late or written with a clock that is far behind.
	Reread = 5 * time.Minute
	// margin is how much longer than Config.Timeout a commit may take, because stores retry.
	margin = 30 * time.Second
	// stale is how long the last list is used while the store is unreachable.
	stale = 24 * time.Hour
	// late is the age of the list at which Ready starts to fail.
	late = time.Minute
)

// ErrLate says that the revocation list is too old.
var ErrLate = errors.New("feed: the revocation list has not been read for a minute")

// Config has the settings of a feed. Store and Timeout must be set.
type Config struct {
	Store   store.Store
	Timeout time.Duration // of one read, and of the write of a revocation on any instance
	Leeway  time.Duration // how far clocks may differ in addition to [clocks.Skew]
	Changed func(error)   // called when reads start to fail, and with nil when they recover; may be nil
	Clocks  *clocks.Watch // detects instances whose clocks differ by more; may be nil
}

// Feed is the cached revocation list of one instance. Safe for concurrent use.
type Feed struct {
	cfg     Config
	overlap time.Duration // how far each read reaches back before the previous one
	source  *fresh.Source[list]
	lists   int64 // how many lists with other entries there were

	own   atomic.Pointer[ownSets]
	begun atomic.Bool // [Feed.Start] is making the first read
	mu    sync.Mutex  // held to replace own

	read, reread time.Time // start of the last successful read, and of the last one of the whole list; reads never run in parallel
}

// set maps IDs of sessions to the time of their revocation and the time until which it matters. It is immutable once published.
type set map[string]span

// span is in Unix milliseconds, the precision of stores: an instance keeps an entry for each logout of the last hour or more.
type span struct{ at, until int64 }

func spanOf(at, until time.Time) span { return span{at.UnixMilli(), until.UnixMilli()} }

func (s span) after(begun time.Time) bool { return time.UnixMilli(s.at).After(begun) }

// list is the cached list. Its number changes with its entries.
type list struct {
	set
	number int64
}

// ownSets has the sessions that this instance revoked and that the list does not have yet. The sets are immutable; each has more entries
// than the next, so that there are few of them and adding an entry copies little. The number changes with the entries.
type ownSets struct {
	sets   []set
	number int64
}

// New makes a feed. It reads the store on first use.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, overlap: clocks.Skew + cfg.Leeway + cfg.Timeout + margin}
	f.own.Store(new(ownSets))
	f.source = fresh.New(fresh.Policy{Renew: Period, Stale: stale, Pause: Period, Timeout: cfg.Timeout}, f.look, cfg.Changed)
	return f
}

// look reads new revocations, and from time to time the whole list. It copies the list, without expired entries, only if there
// are new ones. Entries that the store no longer lists stay until they expire by this instance's clock.
func (f *Feed) look(ctx context.Context) (list, error) {
	now, last := time.Now(), f.source.Peek()
	var since time.Time // zero reads everything: first, after an outage longer than stale, and every few minutes
	whole := last == nil || now.Sub(f.reread) >= Reread
	if last == nil {
		last = &fresh.Snapshot[list]{}
	}
	f.forget(last.Value.set, now)
	if !whole {
		since = f.read.Add(-f.overlap)
	}
	entries, err := f.cfg.Store.Revoked(ctx, stored.Time(since), stored.Time(now))
	if err != nil {
		return list{}, err
	}
	news := slices.DeleteFunc(entries, func(entry store.Revocation) bool { return last.Value.set[entry.ID].is(entry) })
	f.watch(news, last.Value.set == nil, now)
	f.read = now
	if whole {
		f.reread = now
	}
	if last.Value.set != nil && len(news) == 0 {
		return last.Value, nil
	}
	known := last.Value.living(now, len(news))
	for _, entry := range news {
		known[entry.ID] = spanOf(entry.At, entry.Until)
	}
	f.lists++
	return list{known, f.lists}, nil
}

// watch detects entries of an instance whose clock differs by too much. Entries that were there before the first read, or were
// written during an outage, may be old for other reasons.
func (f *Feed) watch(entries []store.Revocation, first bool, now time.Time) {
	continuous := !first && now.Sub(f.read) < f.cfg.Timeout+margin
	for _, entry := range entries {
		f.cfg.Clocks.Written(entry.At, now, 0)
		if by := now.Sub(entry.At); continuous && by > clocks.Skew+f.cfg.Timeout+margin {
			f.cfg.Clocks.Late(by)
		}
	}
}

// living returns a copy without expired entries, with room for more.
func (s set) living(now time.Time, more int) set {
	copied := make(set, len(s)+more)
	for id, span := range s {
		if span.until > now.UnixMilli() {
			copied[id] = span
		}
	}
	return copied
}

func (s span) is(entry store.Revocation) bool {
	return s == spanOf(entry.At, entry.Until)
}

// forget drops own revocations that are in the list or have expired. known must already be published: Has looks into own first
// and then into the list, so it always finds the entry in one of them.
func (f *Feed) forget(known set, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := f.own.Load()
	left, before := make(set), 0
	for _, some := range own.sets {
		before += len(some)
		for id, own := range some {
			if has := known[id]; own.until > now.UnixMilli() && (has.until < own.until || has.at < own.at) {
				left.add(id, own)
			}
		}
	}
	switch {
	case len(left) == before:
	case len(left) == 0:
		f.own.Store(&ownSets{number: own.number + 1})
	default:
		f.own.Store(&ownSets{[]set{left}, own.number + 1})
	}
}

// add adds an entry; if there is one, the later times win.
func (s set) add(id string, other span) {
	has := s[id]
	s[id] = span{max(has.at, other.at), max(has.until, other.until)}
}

// Has reports whether a session was revoked. It waits only for the first read, whose error it returns.
func (f *Feed) Has(ctx context.Context, id string) (bool, error) {
	return f.EndedSince(ctx, id, time.Time{})
}

// EndedSince reports whether an ID was revoked after begun: the name of a person revokes the sessions that began before. It waits only for
// the first read, whose error it returns.
func (f *Feed) EndedSince(ctx context.Context, id string, begun time.Time) (bool, error) {
	if f.endedHere(id, begun) {
		return true, nil
	}
	snapshot, err := f.source.Get(ctx)
	if err != nil {
		return false, err
	}
	span, revoked := snapshot.Value.set[id]
	return revoked && span.after(begun), nil
}

// endedHere reports whether this instance revoked an ID after begun, and the list may not have it yet.
func (f *Feed) endedHere(id string, begun time.Time) bool {
	for _, own := range f.own.Load().sets {
		if span, revoked := own[id]; revoked && span.after(begun) {
			return true
		}
	}
	return false
}

// Start begins the first read, if there was none, and does not wait for it.
func (f *Feed) Start() {
	if f.source.Peek() != nil || !f.begun.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer f.begun.Store(false)
		_, _ = f.source.Get(context.Background()) // Close ends it; the source reports failures
	}()
}

// Knows reports whether an ID was revoked after begun, as far as this instance knows. It never waits: before the first read, which it
// begins, it knows of its own revocations.
func (f *Feed) Knows(id string, begun time.Time) bool {
	if f.endedHere(id, begun) {
		return true
	}
	snapshot := f.source.Peek()
	if snapshot == nil {
		f.Start()
		return false
	}
	span, revoked := snapshot.Value.set[id]
	return revoked && span.after(begun)
}

// Moment identifies a state of the list on this instance: as long as it is the same, so is every answer of [Feed.EndedSince]. It has
// numbers and no pointers: who keeps it, as sessions in memory do, must not keep the list of that time.
type Moment struct{ list, own int64 }

// At returns the current state; now is the current time. It waits only for the first read, whose error it returns.
func (f *Feed) At(ctx context.Context, now time.Time) (Moment, error) {
	own := f.own.Load()
	snapshot := f.source.PeekAt(now)
	if snapshot == nil {
		var err error
		if snapshot, err = f.source.Get(ctx); err != nil {
			return Moment{}, err
		}
	}
	return Moment{list: snapshot.Value.number, own: own.number}, nil
}

// Add makes a revocation effective on this instance at once, even if it is never stored. It merges only smaller sets: with n
// entries, each is copied about log n times.
func (f *Feed) Add(id string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.own.Load()
	own, added := slices.Clone(last.sets), set{id: spanOf(time.Now(), until)}
	for n := len(own); n > 0 && len(own[n-1]) <= len(added); n-- {
		for id, span := range own[n-1] {
			added.add(id, span)
		}
		own = own[:n-1]
	}
	f.own.Store(&ownSets{append(own, added), last.number + 1})
}

// Ready returns nil if the last successful read is recent. It returns [ErrLate], or the error of the read or of ctx.
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

// Close stops the reads.
func (f *Feed) Close() { f.source.Close() }
