package fresh_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
)

var policy = fresh.Policy{Renew: 12 * time.Minute, Stale: 24 * time.Hour, Pause: 10 * time.Second, Timeout: 5 * time.Second}

var errDown = errors.New("down")

// origin is the remote side: it counts fetches, takes delay for each, and fails while down.
type origin struct {
	fetches atomic.Int64
	down    atomic.Bool
	delay   atomic.Int64

	mu   sync.Mutex
	told []error
}

func (o *origin) load(ctx context.Context) (int64, error) {
	n := o.fetches.Add(1)
	if delay := time.Duration(o.delay.Load()); delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if o.down.Load() {
		return 0, errDown
	}
	return n, nil
}

func (o *origin) changed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, err)
}

func (o *origin) changes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.told)
}

// inBubble runs a test in a synctest bubble.
func inBubble(t *testing.T, test func(*testing.T, *origin, *fresh.Source[int64])) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{}
		source := fresh.New(policy, o.load, o.changed)
		defer source.Close()
		test(t, o, source)
	})
}

func (o *origin) want(t *testing.T, n int64, when string) {
	t.Helper()
	if got := o.fetches.Load(); got != n {
		t.Errorf("%s: %d fetches, want %d", when, got, n)
	}
}

func mustGet(t *testing.T, source *fresh.Source[int64]) *fresh.Snapshot[int64] {
	t.Helper()
	snapshot, err := source.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func atOnce(n int, call func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(call)
	}
	all.Wait()
}

func TestNoFetchBeforeFirstUse(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		time.Sleep(48 * time.Hour)
		if source.Peek() != nil {
			t.Error("a copy that nobody asked for")
		}
		o.want(t, 0, "unasked")
	})
}

// Concurrent waiters share one fetch.
func TestColdCallersShareOneFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		o.delay.Store(int64(time.Second))
		atOnce(1000, func() {
			if _, err := source.Get(t.Context()); err != nil {
				t.Error(err)
			}
		})
		o.want(t, 1, "1000 at once")
	})
}

func TestBackgroundRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		mustGet(t, source)
		time.Sleep(policy.Renew - time.Second)
		o.want(t, 1, "before its age")
		time.Sleep(2 * time.Second)
		o.want(t, 2, "after its age")
		if got := source.Peek().Value; got != 2 {
			t.Errorf("value %d is served", got)
		}
		time.Sleep(10 * policy.Renew)
		o.want(t, 12, "ten ages later")
		if o.changes() != 0 {
			t.Errorf("told of %v", o.told)
		}
	})
}

// A caller that the cached copy can serve never waits for a fetch.
func TestCopyServesWhileAFetchHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		first := mustGet(t, source)
		o.delay.Store(int64(time.Hour))
		var waiting sync.WaitGroup
		for range 500 {
			waiting.Go(func() {
				if _, err := source.Renew(t.Context(), first); err == nil {
					t.Error("a hanging fetch gave a copy")
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		for range 500 {
			if mustGet(t, source) != first {
				t.Error("another copy")
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
		waiting.Wait()
		if waited := time.Since(start); waited > policy.Timeout {
			t.Errorf("a fetch took %s", waited)
		}
		o.want(t, 2, "500 who want a newer copy")
	})
}

func TestOneRenewalOnDemandPerPause(t *testing.T) {
	for name, down := range map[string]bool{"while all is well": false, "while it is down": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
				mustGet(t, source)
				time.Sleep(time.Minute)
				o.down.Store(down)
				for round := range int64(5) {
					atOnce(200, func() { _, _ = source.Renew(t.Context(), source.Peek()) })
					for range 200 {
						_, err := source.Renew(t.Context(), source.Peek())
						if want := map[bool]error{false: fresh.ErrCooling, true: errDown}[down]; !errors.Is(err, want) {
							t.Fatalf("got %v", err)
						}
					}
					o.want(t, 2+round, "in a pause")
					time.Sleep(policy.Pause)
				}
			})
		})
	}
}

// After a failure callers and the background together fetch at most once per pause: 100 s with a call every 100 ms.
func TestOneRetryPerPause(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		mustGet(t, source)
		time.Sleep(policy.Renew - 3*time.Second)
		o.down.Store(true)
		_, _ = source.Renew(t.Context(), source.Peek())
		time.Sleep(time.Second) // from here on the background tries, too
		before := o.fetches.Load()
		for range 1000 {
			_, _ = source.Renew(t.Context(), source.Peek())
			time.Sleep(100 * time.Millisecond)
		}
		if tries := o.fetches.Load() - before; tries > 10 {
			t.Errorf("%d tries in 100 s", tries)
		}
	})
}

// A failed fetch in the background also delays the next one on demand.
func TestDemandAfterAFailureInTheBackground(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		mustGet(t, source)
		o.down.Store(true)
		time.Sleep(policy.Renew + time.Second)
		o.want(t, 2, "the background's try")
		if _, err := source.Renew(t.Context(), source.Peek()); !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		o.want(t, 2, "one second later, on demand")
	})
}

// The copy survives an outage for a bounded time, and the outage is reported once.
func TestStaleCopyServesForABoundedTime(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		mustGet(t, source)
		o.down.Store(true)
		time.Sleep(policy.Stale - time.Second)
		if got := mustGet(t, source).Value; got != 1 {
			t.Errorf("value %d is served", got)
		}
		time.Sleep(time.Second)
		if source.Peek() != nil {
			t.Error("the copy serves for longer than its bound")
		}
		if _, err := source.Get(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		if o.changes() != 1 {
			t.Errorf("told of %v", o.told)
		}
		o.down.Store(false)
		time.Sleep(policy.Pause)
		mustGet(t, source)
		if o.changes() != 2 || o.told[1] != nil {
			t.Errorf("told of %v", o.told)
		}
	})
}

// A start during an outage recovers without a restart, and the first failure is retried at once.
func TestColdStartDuringAnOutage(t *testing.T) {
	for name, tries := range map[string]int{"one caller before": 1, "many callers before": 100} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
				o.down.Store(true)
				for range tries {
					if _, err := source.Get(t.Context()); !errors.Is(err, errDown) {
						t.Fatalf("got %v", err)
					}
				}
				if got := o.fetches.Load(); got > 2 {
					t.Errorf("%d fetches", got)
				}
				o.down.Store(false)
				if tries > 1 {
					time.Sleep(policy.Pause)
				}
				mustGet(t, source)
			})
		})
	}
}

// A renewal on demand may follow the first fetch at once.
func TestFirstFetchDoesNotCool(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		first := mustGet(t, source)
		second, err := source.Renew(t.Context(), first)
		if err != nil || second.Value != 2 {
			t.Errorf("got %v, %v", second, err)
		}
		if _, err := source.Renew(t.Context(), second); !errors.Is(err, fresh.ErrCooling) {
			t.Errorf("got %v", err)
		}
	})
}

// A caller that has seen an older copy gets the newer one without a fetch, also during the cool-down.
func TestRenewReturnsNewerCopy(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		first := mustGet(t, source)
		second, err := source.Renew(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := source.Renew(t.Context(), first); got != second || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		o.want(t, 2, "in all")
	})
}

// A caller that gives up does not cancel the fetch that others wait for.
func TestCallerLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		o.delay.Store(int64(3 * time.Second))
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := source.Get(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		mustGet(t, source)
		all.Wait()
		o.want(t, 1, "in all")
	})
}

func TestFetchIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		o.delay.Store(int64(time.Hour))
		start := time.Now()
		if _, err := source.Get(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != policy.Timeout {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestClose(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		mustGet(t, source)
		source.Close()
		source.Close()
		time.Sleep(policy.Stale - time.Second)
		o.want(t, 1, "after Close")
		mustGet(t, source) // the cached copy is still served
		if _, err := source.Renew(t.Context(), source.Peek()); !errors.Is(err, fresh.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCloseCancelsRunningFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		o.delay.Store(int64(4 * time.Second))
		var all sync.WaitGroup
		start := time.Now()
		all.Go(func() {
			if _, err := source.Get(t.Context()); err == nil {
				t.Error("a closed source fetched")
			}
		})
		synctest.Wait()
		source.Close()
		all.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s", waited)
		}
		if o.changes() != 0 {
			t.Errorf("told of %v", o.told)
		}
	})
}

// RenewNow ignores the pause, after a successful fetch and after a failure. Concurrent callers share one fetch, also with one that
// was refused just before, and the pause starts again for others.
func TestRenewNow(t *testing.T) {
	inBubble(t, func(t *testing.T, o *origin, source *fresh.Source[int64]) {
		seen := mustGet(t, source)
		seen, err := source.Renew(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Renew(t.Context(), seen); !errors.Is(err, fresh.ErrCooling) {
			t.Errorf("a stranger: %v", err)
		}
		o.want(t, 2, "before")
		o.delay.Store(int64(time.Second))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if snapshot, err := source.RenewNow(t.Context(), seen); err != nil || snapshot.Value != 3 {
					t.Errorf("got %v, %v", snapshot, err)
				}
			})
			wg.Go(func() { _, _ = source.Renew(t.Context(), seen) }) // refused, or served by the same fetch
		}
		wg.Wait()
		o.want(t, 3, "20 at once")
		seen = source.Peek()
		if _, err := source.Renew(t.Context(), seen); !errors.Is(err, fresh.ErrCooling) {
			t.Errorf("a stranger afterwards: %v", err)
		}
		o.down.Store(true)
		for range 2 {
			if _, err := source.RenewNow(t.Context(), seen); !errors.Is(err, errDown) {
				t.Errorf("down: %v", err)
			}
		}
		if _, err := source.Renew(t.Context(), seen); !errors.Is(err, errDown) {
			t.Errorf("a stranger while it is down: %v", err)
		}
		o.want(t, 5, "down")
		o.down.Store(false)
		if snapshot, err := source.RenewNow(t.Context(), seen); err != nil || snapshot.Value != 6 {
			t.Errorf("got %v, %v", snapshot, err)
		}
	})
}
