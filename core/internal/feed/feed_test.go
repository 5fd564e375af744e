package feed_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var errStore = errors.New("store")

// flawed is a store that is down now and then.
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
	return s, feed.New(s, 10*time.Second, func(error) {})
}

// G2: what others revoke is known within a period, what this instance revokes at once.
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

// Looks overlap: an instance whose clock is behind, or whose commit comes late, is heard all the same.
func TestFeedOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := start(t)
		defer f.Close()
		has(t, f, "x", false)
		time.Sleep(10 * time.Minute)
		s.revoke(t, "x", time.Now().Add(-110*time.Second), time.Now().Add(time.Hour))
		time.Sleep(feed.Period + time.Millisecond)
		has(t, f, "x", true)
		if first, last := s.since[0], s.since[len(s.since)-1]; !first.IsZero() || time.Since(last) > 3*time.Minute {
			t.Errorf("looked since %s first and %s last", first, last)
		}
	})
}

// 2.3, store down: the old set stays, also after a day, and Ready says so after a minute.
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
		time.Sleep(10 * time.Minute) // longer than looks overlap
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
		has(t, f, "x", true) // it was revoked longer ago than the looks overlap
		if err := f.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Adds and looks at the same time.
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
