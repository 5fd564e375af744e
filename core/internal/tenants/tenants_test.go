package tenants

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newTable makes a table of numbers; ask may be nil, for a function that trusts everybody.
func newTable(ask func(ctx context.Context, issuer string) (bool, error)) (t *Table[int], dropped *atomic.Int64) {
	dropped = new(atomic.Int64)
	return New(Config[int]{
		Timeout: 10 * time.Second,
		Drop:    func(int) { dropped.Add(1) },
		Ask: func(ctx context.Context, issuer string, last *Entry[int]) (*Entry[int], error) {
			if ask != nil {
				if trusted, err := ask(ctx, issuer); !trusted || err != nil {
					return nil, err
				}
			}
			if last != nil {
				return last, nil
			}
			return &Entry[int]{Value: len(issuer)}, nil
		},
	}), dropped
}

// No more issuers are kept than the limits say, whatever comes; the one that was asked for least recently goes.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, dropped := newTable(nil)
		first, _ := table.Get(t.Context(), "0")
		for i := 1; i < Most; i++ {
			_, _ = table.Get(t.Context(), strconv.Itoa(i))
		}
		time.Sleep(Age + time.Second)
		if again, err := table.Get(t.Context(), "0"); again != first || err != nil { // it is asked for again, and so the latest
			t.Error("the first one has gone")
		}
		synctest.Wait()
		for i := range 10 {
			_, _ = table.Get(t.Context(), "new"+strconv.Itoa(i))
		}
		if table.Len() != Most || dropped.Load() != 10 {
			t.Errorf("%d kept, %d dropped", table.Len(), dropped.Load())
		}
		if table.Peek("0") != first || table.Peek("1") != nil {
			t.Error("the wrong ones have gone")
		}
		time.Sleep(2 * IdleAge)
		synctest.Wait()
		if table.Len() != 0 || dropped.Load() != Most+10 {
			t.Errorf("%d idle ones kept, %d dropped", table.Len(), dropped.Load())
		}

		table, _ = newTable(func(context.Context, string) (bool, error) { return false, nil })
		for i := range 3 * mostRefused {
			if e, err := table.Get(t.Context(), strconv.Itoa(i)); e != nil || err != nil {
				t.Fatal(e, err)
			}
			table.Forget(strconv.Itoa(i / 2))
		}
		if n := len(table.refused.until); n > mostRefused {
			t.Errorf("%d refusals", n)
		}
		if len(table.flights) != 0 || table.waiting != 0 {
			t.Errorf("%d flights, %d waiting", len(table.flights), table.waiting)
		}
	})
}

// So many calls wait for their turn, and no more; those about known issuers have places of their own.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		table, _ := newTable(func(_ context.Context, issuer string) (bool, error) {
			if issuer != "known" {
				<-release
			}
			return true, nil
		})
		known, _ := table.Get(t.Context(), "known")
		results := make(chan error, 2*maxWaiting)
		for i := range 2 * maxWaiting {
			go func() {
				_, err := table.Get(t.Context(), strconv.Itoa(i))
				results <- err
			}()
		}
		synctest.Wait()
		for range maxWaiting {
			if err := <-results; !errors.Is(err, ErrBusy) {
				t.Fatal(err)
			}
		}
		table.Forget("known")
		if e, err := table.Get(t.Context(), "known"); e != known || err != nil {
			t.Errorf("a known issuer: %v", err)
		}
		close(release)
		for range maxWaiting {
			if err := <-results; err != nil {
				t.Fatal(err)
			}
		}
		table.Close()
		table.Close()
	})
}

// After Close nothing is asked, and what was known stays.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		table, dropped := newTable(func(context.Context, string) (bool, error) { calls++; return true, nil })
		e, _ := table.Get(t.Context(), "a")
		table.Close()
		time.Sleep(2 * IdleAge)
		if again, err := table.Get(t.Context(), "a"); again != e || err != nil {
			t.Errorf("%v", err)
		}
		if _, err := table.Get(t.Context(), "b"); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		if calls != 1 || dropped.Load() != 1 {
			t.Errorf("%d calls, %d dropped", calls, dropped.Load())
		}
	})
}
