package feed_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var errStore = errors.New("store")

// flawed is a store whose reads fail while it is down.
type flawed struct {
	*store.Memory
	mu    sync.Mutex
	down  bool
	since []time.Time
}

func (s *flawed) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errStore
	}
	s.since = append(s.since, since)
	return s.Memory.Revoked(ctx, since, now)
}

func (s *flawed) fail(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *flawed) revoke(t *testing.T, id string, at, until time.Time) {
	t.Helper()
	if err := s.Revoke(t.Context(), id, 0, at, until); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, f *feed.Feed, id string, want bool) {
	t.Helper()
	if got, err := f.Has(t.Context(), id); err != nil || got != want {
		t.Errorf("%s: %t, %v", id, got, err)
	}
}

func start(t *testing.T) (*flawed, *feed.Feed) {
	s := &flawed{Memory: store.NewMemory()}
	return s, feed.New(feed.Config{Store: s, Timeout: 10 * time.Second})
}

// Revocations of other instances are seen within a period, those of this instance at once.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		s.revoke(t, "before", time.Now(), time.Now().Add(time.Hour))
		has(t, f, "before", true)
		has(t, f, "other", false)
		f.Add("own", time.Now().Add(time.Hour))
		has(t, f, "own", true)
		f.Add("own too", time.Now().Add(time.Minute))
		has(t, f, "own", true)
		s.revoke(t, "later", time.Now(), time.Now().Add(time.Hour))
		time.Sleep(feed.Period + time.Millisecond)
		has(t, f, "later", true)
		has(t, f, "before", true)
		time.Sleep(10 * time.Minute)
		for _, id := range []string{"before", "later", "own"} {
			has(t, f, id, true)
		}
		s.revoke(t, "longer", time.Now(), time.Now().Add(time.Hour))
		s.revoke(t, "before", time.Now(), time.Now().Add(3*time.Hour)) // again, for longer
		time.Sleep(time.Hour)
		s.revoke(t, "newest", time.Now(), time.Now().Add(time.Hour))
		f.Add("newest of ours", time.Now().Add(time.Hour))
		time.Sleep(feed.Period + time.Millisecond)
		for id, want := range map[string]bool{"newest": true, "before": true, "later": false, "own": false, "newest of ours": true} {
			has(t, f, id, want)
		}
	})
}

// Reads overlap by the clock difference and the time of a commit: a logout of an instance that is three minutes behind, and
// one that becomes visible after 150 s, are seen within a period if Leeway or Timeout allow for it.
func TestFeedOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, leeway, age time.Duration
	}{
		"a minute behind":                       {10 * time.Second, 0, time.Minute},
		"three minutes behind with Leeway 5m":   {10 * time.Second, 5 * time.Minute, 3 * time.Minute},
		"six minutes behind with Leeway 5m":     {10 * time.Second, 5 * time.Minute, 6 * time.Minute},
		"150 s late with Timeout 5m":            {5 * time.Minute, 0, 150 * time.Second},
		"behind and late with the most of both": {5 * time.Minute, 5 * time.Minute, 11 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &flawed{Memory: store.NewMemory()}
				f := feed.New(feed.Config{Store: s, Timeout: c.timeout, Leeway: c.leeway})
				defer f.Close()
				has(t, f, "x", false)
				time.Sleep(4 * time.Minute) // the whole list is not read again in the next seconds
				s.revoke(t, "x", time.Now().Add(-c.age), time.Now().Add(time.Hour))
				time.Sleep(feed.Period + time.Millisecond)
				has(t, f, "x", true)
				if last := s.since[len(s.since)-1]; last.IsZero() {
					t.Error("the whole list was read")
				}
			})
		})
	}
}

// Revocations that the overlap misses are found when the whole list is read: at the default Timeout a commit that becomes visible
// after 150 s, and the logout of an instance that is three minutes behind. All other reads are short.
func TestFeedRereads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		has(t, f, "x", false)
		for n, age := range []time.Duration{150 * time.Second, 3 * time.Minute, time.Hour} {
			id := string(rune('a' + n))
			s.revoke(t, id, time.Now().Add(-age), time.Now().Add(2*time.Hour))
			time.Sleep(feed.Reread + feed.Period + time.Millisecond)
			has(t, f, id, true)
		}
		whole := 0
		for _, since := range s.since {
			if since.IsZero() {
				whole++
			}
		}
		if whole != 4 || len(s.since) < 400 {
			t.Errorf("%d of %d reads are of the whole list", whole, len(s.since))
		}
	})
}

// An instance whose clock is ahead purges entries that other instances still need: those keep them in their copies.
func TestFeedKeepsWhatWasPurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		s.revoke(t, "x", time.Now(), time.Now().Add(20*time.Minute))
		has(t, f, "x", true)
		if _, err := s.Purge(t.Context(), time.Now().Add(21*time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * feed.Reread)
		s.revoke(t, "y", time.Now(), time.Now().Add(20*time.Minute))
		time.Sleep(feed.Period + time.Millisecond)
		has(t, f, "x", true)
	})
}

// Clocks that differ by more than a minute are detected, by the instance behind and by the one ahead.
func TestFeedNoticesClocks(t *testing.T) {
	for name, c := range map[string]struct {
		by   time.Duration
		want error
	}{
		"a minute ahead": {time.Minute, nil}, "ahead": {65 * time.Second, clocks.ErrAhead},
		"a minute behind": {-time.Minute, nil}, "three minutes behind": {-3 * time.Minute, clocks.ErrLate},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &flawed{Memory: store.NewMemory()}
				watch := clocks.NewWatch(nil)
				f := feed.New(feed.Config{Store: s, Timeout: 10 * time.Second, Leeway: 5 * time.Minute, Clocks: watch})
				defer f.Close()
				s.revoke(t, "old", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)) // written before this instance started
				has(t, f, "old", true)
				if err := watch.Err(); err != nil {
					t.Errorf("at first: %v", err)
				}
				s.revoke(t, "x", time.Now().Add(c.by), time.Now().Add(time.Hour))
				time.Sleep(feed.Period + time.Millisecond)
				if err := watch.Err(); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

// While the store is down, the last list is used, and Ready fails after a minute.
func TestFeedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		s.fail(true)
		if _, err := f.Has(t.Context(), "x"); !errors.Is(err, errStore) {
			t.Errorf("before the first look: %v", err)
		}
		if err := f.Ready(t.Context()); !errors.Is(err, errStore) {
			t.Errorf("Ready: %v", err)
		}
		s.fail(false)
		time.Sleep(3 * time.Second)
		s.revoke(t, "x", time.Now(), time.Now().Add(7*24*time.Hour))
		has(t, f, "x", true)
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Minute) // longer than the overlap of reads
		s.fail(true)
		time.Sleep(57 * time.Second)
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if err := f.Ready(t.Context()); !errors.Is(err, feed.ErrLate) {
			t.Error(err)
		}
		has(t, f, "x", true)
		time.Sleep(25 * time.Hour)
		if revoked, err := f.Has(t.Context(), "x"); err == nil && !revoked {
			t.Error("forgotten while the store was down")
		}
		s.fail(false)
		time.Sleep(5 * time.Second)
		has(t, f, "x", true) // it was revoked before the overlap of reads
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Own revocations are dropped once they are in the store's list, and are never missing from both.
func TestFeedForgetsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		has(t, f, "x", false)
		until := time.Now().Add(time.Hour)
		for n := range 200 {
			id := strconv.Itoa(n)
			f.Add(id, until)
			if n%2 == 0 {
				s.revoke(t, id, time.Now(), until)
			}
		}
		f.Add("longer", until.Add(time.Hour))
		s.revoke(t, "longer", time.Now(), until)
		for range 20 {
			time.Sleep(feed.Period / 4)
			for n := range 200 {
				has(t, f, strconv.Itoa(n), true)
			}
		}
		if n := f.Own(); n != 101 {
			t.Errorf("%d own entries, want those alone that the store has not, or not for so long", n)
		}
		time.Sleep(2 * time.Hour)
		if n := f.Own(); n != 0 {
			t.Errorf("%d own entries after their end", n)
		}
	})
}

// A store keeps whole milliseconds: an own revocation that ends between two of them is in the list all the same.
func TestFeedForgetsOwnOfAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		has(t, f, "x", false)
		until := time.Now().Add(time.Hour + 999*time.Microsecond)
		f.Add("x", until)
		s.revoke(t, "x", time.Now(), until.Truncate(time.Millisecond))
		for range 3 {
			time.Sleep(feed.Period)
			has(t, f, "x", true)
		}
		if n := f.Own(); n != 0 {
			t.Errorf("%d own entries, although the store has them", n)
		}
	})
}

// Whoever keeps a moment does not keep the list of that time: sessions in memory that nobody uses any more have moments of long ago.
func TestMomentIsSmall(t *testing.T) {
	const entries, moments = 5000, 50
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		until := time.Now().Add(time.Hour)
		for n := range entries {
			s.revoke(t, "session "+strconv.Itoa(n), time.Now(), until)
		}
		has(t, f, "session 0", true)
		var kept []feed.Moment
		before := heap()
		for n := range moments {
			s.revoke(t, "further "+strconv.Itoa(n), time.Now(), until)
			time.Sleep(feed.Period)
			has(t, f, "session 0", true)
			time.Sleep(time.Millisecond) // the list is read behind the request
			has(t, f, "further "+strconv.Itoa(n), true)
			moment, err := f.At(t.Context(), time.Now())
			if err != nil || slices.Contains(kept, moment) {
				t.Fatalf("the moment is an earlier one: %v", err)
			}
			kept = append(kept, moment)
		}
		if grown := heap() - before; grown > entries*200 {
			t.Errorf("%d moments keep %d bytes", len(kept), grown)
		}
		if moment, err := f.At(t.Context(), time.Now()); err != nil || moment != kept[moments-1] {
			t.Errorf("without news it is another moment: %v", err)
		}
		runtime.KeepAlive(kept)
	})
}

func heap() int64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}

// A logout copies few of the own revocations, even if many are not stored yet.
func TestFeedAddIsCheap(t *testing.T) {
	_, f := start(t)
	defer f.Close()
	until := time.Now().Add(time.Hour)
	for n := range 20_000 {
		f.Add("session "+strconv.Itoa(n), until)
	}
	const more = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for n := range more {
		f.Add("further "+strconv.Itoa(n), until)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / more; each > 16<<10 { // a copy of all takes over 1 MiB
		t.Errorf("a logout allocates %d bytes", each)
	}
	if n := f.Own(); n != 21_000 {
		t.Errorf("%d entries", n)
	}
}

// Concurrent calls of Add and Has.
func TestFeedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := start(t)
		defer f.Close()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				id := string(rune('a' + i))
				f.Add(id, time.Now().Add(time.Hour))
				has(t, f, id, true)
			})
		}
		wg.Wait()
	})
}
