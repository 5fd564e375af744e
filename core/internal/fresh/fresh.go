// Package fresh caches a remote document, such as a discovery document or a key set. The document is fetched on first use,
// renewed in the background before it is stale, and kept for a bounded time while renewal fails; a failed fetch never replaces
// it. Concurrent waiters share one fetch. A fetch never holds a lock, and callers that the cached copy can serve never wait.
package fresh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrCooling says that a renewal on demand was refused because another one succeeded less than Pause ago.
var ErrCooling = errors.New("fresh: renewed a moment ago")

// ErrClosed says that the source is closed.
var ErrClosed = errors.New("fresh: closed")

// ErrPanicked says that a fetch failed because the load function panicked.
var ErrPanicked = errors.New("fresh: the load function has panicked")

// ErrElsewhere says that a fetch failed because another source failed. That source reports the outage, so that it is logged only once.
var ErrElsewhere = errors.New("fresh: another source failed")

// Policy says how old a cached copy may become. All durations must be positive.
type Policy struct {
	Renew   time.Duration // age at which the copy is renewed in the background
	Stale   time.Duration // age at which the copy is no longer served
	Pause   time.Duration // minimum time between two fetches on demand, and between retries after a failure
	Timeout time.Duration // of one fetch
}

// Source holds one document. Safe for concurrent use.
type Source[T any] struct {
	policy  Policy
	load    func(context.Context) (T, error)
	changed func(error) // called with the error when fetches start to fail, except ErrElsewhere, and with nil when they recover

	base   context.Context // canceled by Close
	end    context.CancelFunc
	now    atomic.Pointer[Snapshot[T]]
	flight singleflight.Group

	mu      sync.Mutex // guards the fields below; never held during a fetch
	tries   int        // failed fetches since the last success, or since the start
	asked   time.Time  // the last fetch on demand, or the end of the last failed fetch
	failure error      // of the last fetch; nil if it succeeded
	told    bool       // changed was called with the current failure
	urgent  int        // callers that wait for a fetch which Pause must not hold up
	timer   *time.Timer
}

// Snapshot is the result of one successful fetch. It is immutable; each fetch makes a new one.
type Snapshot[T any] struct {
	Value T
	At    time.Time
}

// New makes a source; nothing is fetched before first use. changed may be nil.
func New[T any](policy Policy, load func(context.Context) (T, error), changed func(error)) *Source[T] {
	if changed == nil {
		changed = func(error) {}
	}
	base, end := context.WithCancel(context.Background()) //nolint:gosec // Close ends it
	return &Source[T]{policy: policy, load: load, changed: changed, base: base, end: end}
}

// Close stops background renewal and cancels running fetches. The cached copy is still served.
func (s *Source[T]) Close() {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Peek returns the cached copy, nil if there is none or it is stale. It never waits.
func (s *Source[T]) Peek() *Snapshot[T] { return s.PeekAt(time.Now()) }

// PeekAt is Peek at a given time.
func (s *Source[T]) PeekAt(now time.Time) *Snapshot[T] {
	if snapshot := s.now.Load(); snapshot != nil && now.Sub(snapshot.At) < s.policy.Stale {
		return snapshot
	}
	return nil
}

// Last returns the result of the last successful fetch, however old; nil if there was none.
func (s *Source[T]) Last() *Snapshot[T] { return s.now.Load() }

// Get returns the cached copy, or waits for a fetch if there is none. It returns the error of the fetch or of ctx.
func (s *Source[T]) Get(ctx context.Context) (*Snapshot[T], error) {
	if snapshot := s.Peek(); snapshot != nil {
		return snapshot, nil
	}
	return s.Renew(ctx, s.now.Load())
}

// Renew waits for a copy newer than seen, which the caller found insufficient. Within Pause of the last fetch on demand it
// returns [ErrCooling] if that fetch succeeded, or its error if it failed.
func (s *Source[T]) Renew(ctx context.Context, seen *Snapshot[T]) (*Snapshot[T], error) {
	snapshot, err := s.join(ctx, seen, true)
	if err == nil && snapshot == seen { // joined the fetch of a caller that had not seen this copy
		snapshot, err = s.join(ctx, seen, true)
	}
	return snapshot, reasonOf(err)
}

// RenewNow is Renew without the Pause, for callers whose number is limited by something else, such as a code that can be
// redeemed only once. Concurrent callers share one fetch.
func (s *Source[T]) RenewNow(ctx context.Context, seen *Snapshot[T]) (*Snapshot[T], error) {
	s.urge(1)
	defer s.urge(-1)
	snapshot, err := s.join(ctx, seen, true)
	var before *refusal
	if errors.As(err, &before) || err == nil && snapshot == seen { // joined an earlier caller's flight: the next one fetches
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
			return current, nil // renewed since the caller looked
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

// admit decides whether a fetch may start: not within Pause of a failed one, or on demand within Pause of another on demand.
// Before the first success one failure is retried at once, so that a provider that has just started is found without a wait.
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
	value, err := s.safely(ctx)
	if err != nil {
		s.failed(err)
		return nil, err
	}
	snapshot := &Snapshot[T]{Value: value, At: time.Now()}
	s.succeeded(s.now.Swap(snapshot) == nil)
	return snapshot, nil
}

// safely calls load and recovers from panics. It runs in a goroutine of its own, where a panic of the application's store or
// transport would end the process.
func (s *Source[T]) safely(ctx context.Context) (value T, err error) {
	defer func() {
		if recover() != nil { // the value may contain secrets, so it is not reported
			err = ErrPanicked
		}
	}()
	return s.load(ctx)
}

func (s *Source[T]) failed(err error) {
	s.mu.Lock()
	first := !s.told && s.base.Err() == nil && !errors.Is(err, ErrElsewhere)
	s.told = s.told || first
	s.tries++
	s.failure = err
	if s.now.Load() != nil { // before the first success only callers fetch
		s.asked = time.Now() // callers and the timer wait alike before they retry
		s.schedule(s.policy.Pause)
	}
	s.mu.Unlock()
	if first {
		s.changed(err)
	}
}

func (s *Source[T]) succeeded(first bool) {
	s.mu.Lock()
	if first { // the first fetch is not a renewal: a renewal on demand may follow at once
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

// schedule sets the timer. The caller holds mu.
func (s *Source[T]) schedule(after time.Duration) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.base.Err() != nil {
		return
	}
	s.timer = time.AfterFunc(after, func() {
		s.mu.Lock()
		s.schedule(s.policy.Pause) // in case join shares the call of a caller that admit refuses
		s.mu.Unlock()
		_, _ = s.join(s.base, s.now.Load(), false) // failed and succeeded handle the result
	})
}
