// Package fresh keeps a document of a stranger at hand: discovery, a key set. It is fetched when first asked for,
// renewed in the background before it is old, kept for a bounded time while it cannot be renewed, and never replaced by
// a fetch that failed. All who wait for a fetch share one; a fetch never holds a lock, and who can be served from the
// copy at hand never waits.
package fresh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrCooling says that a renewal on demand was refused because one was made a moment ago and succeeded.
var ErrCooling = errors.New("fresh: renewed a moment ago")

// ErrClosed says that the source was closed.
var ErrClosed = errors.New("fresh: closed")

// ErrElsewhere says that a fetch failed because another source had nothing to give, which tells of its own trouble. Whoever
// watches both hears of it once.
var ErrElsewhere = errors.New("fresh: another source failed")

// Policy says how old a copy may grow. All times have to be above 0.
type Policy struct {
	Renew   time.Duration // age at which the copy is renewed in the background
	Stale   time.Duration // age from which on the copy serves nobody
	Pause   time.Duration // least time between two fetches on demand, and between two tries after a failure
	Timeout time.Duration // of one fetch
}

// Source holds one document. Safe for concurrent use.
type Source[T any] struct {
	policy  Policy
	load    func(context.Context) (T, error)
	changed func(error) // told when fetches begin to fail by a fault of their own, and with nil when they work again

	base   context.Context // ended by Close
	end    context.CancelFunc
	now    atomic.Pointer[Snapshot[T]]
	flight singleflight.Group

	mu      sync.Mutex // guards what follows; never held over a fetch
	tries   int        // fetches that failed since the last good one, or since the start
	asked   time.Time  // the last fetch on demand, or the end of the last one that failed
	failure error      // of the last fetch; nil when it was good
	told    bool       // changed knows that fetches fail
	urgent  int        // who waits for a fetch and is not held up by Pause
	timer   *time.Timer
}

// Snapshot is one good fetch. It is never changed; another fetch makes another one.
type Snapshot[T any] struct {
	Value T
	At    time.Time
}

// New makes a source that has fetched nothing yet. changed may be nil.
func New[T any](policy Policy, load func(context.Context) (T, error), changed func(error)) *Source[T] {
	if changed == nil {
		changed = func(error) {}
	}
	base, end := context.WithCancel(context.Background()) //nolint:gosec // Close ends it
	return &Source[T]{policy: policy, load: load, changed: changed, base: base, end: end}
}

// Close ends background renewal and fetches under way. What is at hand goes on being served.
func (s *Source[T]) Close() {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Peek returns the copy at hand, nil when there is none that may serve. It never waits.
func (s *Source[T]) Peek() *Snapshot[T] { return s.PeekAt(time.Now()) }

// PeekAt is Peek for who knows the time.
func (s *Source[T]) PeekAt(now time.Time) *Snapshot[T] {
	if snapshot := s.now.Load(); snapshot != nil && now.Sub(snapshot.At) < s.policy.Stale {
		return snapshot
	}
	return nil
}

// Last returns the last good fetch, however old; nil when there was none.
func (s *Source[T]) Last() *Snapshot[T] { return s.now.Load() }

// Get returns the copy at hand, or waits for the first one. The error is that of the fetch, or of ctx.
func (s *Source[T]) Get(ctx context.Context) (*Snapshot[T], error) {
	if snapshot := s.Peek(); snapshot != nil {
		return snapshot, nil
	}
	return s.Renew(ctx, s.now.Load())
}

// Renew waits for a copy that is newer than seen, which a caller found wanting: [ErrCooling] when there was a good
// fetch on demand within Pause, the last error when there was a failed one.
func (s *Source[T]) Renew(ctx context.Context, seen *Snapshot[T]) (*Snapshot[T], error) {
	snapshot, err := s.join(ctx, seen, true)
	if err == nil && snapshot == seen { // joined somebody who had not seen it yet
		snapshot, err = s.join(ctx, seen, true)
	}
	return snapshot, reasonOf(err)
}

// RenewNow is Renew for who has paid for a fetch with something that is spent, a login's code for example: Pause does not hold
// it up. All who wait at the same time share one fetch.
func (s *Source[T]) RenewNow(ctx context.Context, seen *Snapshot[T]) (*Snapshot[T], error) {
	s.urge(1)
	defer s.urge(-1)
	snapshot, err := s.join(ctx, seen, true)
	var before *refusal
	if errors.As(err, &before) || err == nil && snapshot == seen { // joined somebody who began before: the next flight goes out
		snapshot, err = s.join(ctx, seen, true)
	}
	return snapshot, reasonOf(err)
}

func (s *Source[T]) urge(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent += n
}

// refusal is an error of admit: no fetch went out.
type refusal struct{ reason error }

func (r *refusal) Error() string { return r.reason.Error() }
func (r *refusal) Unwrap() error { return r.reason }

func reasonOf(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.reason
	}
	return err
}

func (s *Source[T]) join(ctx context.Context, seen *Snapshot[T], onDemand bool) (*Snapshot[T], error) {
	result := s.flight.DoChan("", func() (any, error) {
		if current := s.now.Load(); current != seen {
			return current, nil // somebody renewed it since the caller looked
		}
		if err := s.admit(onDemand, seen != nil); err != nil {
			return nil, &refusal{err}
		}
		return s.fetch()
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Snapshot[T]), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// admit decides whether a fetch may go out: a renewal that is due unless one failed a moment ago. Before the first good
// fetch one failure is retried at once: a provider that has just come up is found without a wait.
func (s *Source[T]) admit(onDemand, warm bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := !warm && s.tries < 2 || s.urgent > 0
	cooling := !free && !s.asked.IsZero() && time.Since(s.asked) < s.policy.Pause
	switch {
	case cooling && s.failure != nil:
		return s.failure
	case cooling && onDemand:
		return ErrCooling
	case onDemand:
		s.asked = time.Now()
	}
	return nil
}

func (s *Source[T]) fetch() (*Snapshot[T], error) {
	if s.base.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithTimeout(s.base, s.policy.Timeout)
	defer cancel()
	value, err := s.load(ctx)
	if err != nil {
		s.failed(err)
		return nil, err
	}
	snapshot := &Snapshot[T]{Value: value, At: time.Now()}
	s.succeeded(s.now.Swap(snapshot) == nil)
	return snapshot, nil
}

func (s *Source[T]) failed(err error) {
	s.mu.Lock()
	first := !s.told && s.base.Err() == nil && !errors.Is(err, ErrElsewhere)
	s.told = s.told || first
	s.tries++
	s.failure = err
	if s.now.Load() != nil { // before the first good fetch only callers fetch
		s.asked = time.Now() // whoever tried, the next try waits
		s.schedule(s.policy.Pause)
	}
	s.mu.Unlock()
	if first {
		s.changed(err)
	}
}

func (s *Source[T]) succeeded(first bool) {
	s.mu.Lock()
	if first { // the start is no renewal: what changed since may be asked for at once
		s.asked = time.Time{}
	}
	recovered := s.told
	s.told = false
	s.tries, s.failure = 0, nil
	s.schedule(s.policy.Renew)
	s.mu.Unlock()
	if recovered {
		s.changed(nil)
	}
}

// schedule sets the one timer; mu is held.
func (s *Source[T]) schedule(after time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.base.Err() != nil {
		return
	}
	s.timer = time.AfterFunc(after, func() {
		s.mu.Lock()
		s.schedule(s.policy.Pause) // the flight that is joined may be a caller's who is refused: then again
		s.mu.Unlock()
		_, _ = s.join(s.base, s.now.Load(), false) // failed and succeeded tell what came of it
	})
}
