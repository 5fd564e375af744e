package brokertest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
)

// purgeChecks hold what is written at [broker.Store] about Purge.
func purgeChecks() []check {
	return []check{
		{"Purge deletes what has ended and nothing else", purgeBounds},
		{"Purge comes to an end with thousands of rows", purgeMany},
		{"Purge disturbs nobody who works at the same time", purgeBeside},
		{"Purge by several instances counts each row once", purgeTogether},
	}
}

func purgeBounds(t testing.TB, backend Backend) {
	store := open(t, backend)
	const moment = time.Millisecond
	var kept []broker.Session
	for i := range 3 {
		session := newSession()
		session.Expires = after(time.Duration(i-1) * moment) // before now, now, after now
		put(t, store, session)
		must(t, "Revoke", store.Revoke(within(t), fmt.Sprint("gone ", i), 0, after(-time.Hour), session.Expires))
		key := newKey(int64(i + 1))
		key.Until = session.Expires
		addKeys(t, store, key)
		kept = append(kept, session)
	}
	addKeys(t, store, newKey(4)) // without an end
	wantPurged(t, store, time.Time{}, 0)
	wantPurged(t, store, after(-2*moment), 0)
	wantPurged(t, store, after(0), 6)
	wantAbsent(t, store, kept[0].ID)
	wantAbsent(t, store, kept[1].ID)
	wantStored(t, store, kept[2])
	wantFeed(t, store, broker.Revocation{ID: "gone 2", At: after(-time.Hour), Until: after(moment)})
	last := newKey(3)
	last.Until = after(moment)
	wantKeys(t, store, last, newKey(4))
	wantPurged(t, store, after(0), 0)
	wantPurged(t, store, epoch.AddDate(1000, 0, 0), 3)
	wantKeys(t, store, newKey(4))
	wantFeed(t, store)
	wantError(t, "Swap of a purged session", store.Swap(within(t), kept[2]), broker.ErrConflict)
	put(t, store, kept[0]) // its ID is free again
}

func wantPurged(t testing.TB, store broker.Store, now time.Time, want int) {
	t.Helper()
	got, err := store.Purge(within(t), now)
	must(t, "Purge", err)
	if got != want {
		t.Errorf("Purge at %v: %d, want %d", now, got, want)
	}
}

// purgeAll calls Purge until it finds nothing more, and returns how many went.
func purgeAll(t testing.TB, store broker.Store, now time.Time) (total int) {
	t.Helper()
	for {
		removed, err := store.Purge(within(t), now)
		must(t, "Purge", err)
		if removed == 0 {
			return total
		}
		total += removed
	}
}

func purgeMany(t testing.TB, backend Backend) {
	const sessions, revocations = 2600, 500
	store := open(t, backend)
	live := fill(t, store, sessions, revocations)
	if total := purgeAll(t, store, after(0)); total != sessions+revocations {
		t.Errorf("Purge removed %d in all, want %d", total, sessions+revocations)
	}
	wantStored(t, store, live)
	wantFeed(t, store, broker.Revocation{ID: live.ID, At: after(-time.Hour), Until: after(time.Hour)})
}

// fill adds sessions and revocations that have ended at epoch, and one of each that has not.
func fill(t testing.TB, store broker.Store, sessions, revocations int) (live broker.Session) {
	t.Helper()
	const workers = 16
	atOnce(t, workers, func(worker int) error {
		for i := worker; i < sessions; i += workers {
			session := newSession()
			session.Expires = after(-time.Duration(i) * time.Millisecond)
			if err := store.PutSession(t.Context(), session); err != nil {
				return err
			}
		}
		for i := worker; i < revocations; i += workers {
			if err := store.Revoke(t.Context(), newID(), 0, after(-time.Hour), after(-time.Duration(i)*time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	})
	live = newSession()
	must(t, "Revoke", store.Revoke(within(t), live.ID, 0, after(-time.Hour), after(time.Hour)))
	put(t, store, live)
	return live
}

// purgeBeside holds "It disturbs nobody who works at the same time: a session that ended may be gone before Swap, never
// one that has not."
func purgeBeside(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 3)
	var done atomic.Bool
	var purging sync.WaitGroup
	for _, store := range stores {
		purging.Go(func() {
			for !done.Load() {
				if _, err := store.Purge(t.Context(), after(0)); err != nil {
					t.Errorf("Purge beside others: %v", err)
					return
				}
			}
		})
	}
	atOnce(t, 6, func(worker int) error { return beside(t, stores[worker%3], int64(worker+1)) })
	done.Store(true)
	purging.Wait()
}

// beside lives through several sessions, of which the last state of each has ended.
func beside(t testing.TB, store broker.Store, generation int64) error {
	if err := store.AddKey(t.Context(), newKey(generation)); err != nil {
		return fmt.Errorf("AddKey: %w", err)
	}
	for range 15 {
		session := newSession()
		if err := store.PutSession(t.Context(), session); err != nil {
			return fmt.Errorf("PutSession: %w", err)
		}
		for range 3 {
			if err := store.Swap(t.Context(), session); err != nil {
				return fmt.Errorf("Swap of a session that lives: %w", err)
			}
			session.Version++
		}
		if err := store.Revoke(t.Context(), newID(), 0, after(-time.Hour), after(0)); err != nil {
			return fmt.Errorf("Revoke: %w", err)
		}
		session.Expires = after(0)
		if err := store.Swap(t.Context(), session); err != nil {
			return fmt.Errorf("Swap that ends a session: %w", err)
		}
		session.Version++
		if err := store.Swap(t.Context(), session); err != nil && !errors.Is(err, broker.ErrConflict) {
			return fmt.Errorf("Swap of an ended session: %w", err)
		}
	}
	return nil
}

func purgeTogether(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 3)
	const sessions, revocations = 400, 100
	live := fill(t, stores[0], sessions, revocations)
	var total atomic.Int64
	atOnce(t, len(stores), func(worker int) error {
		for {
			removed, err := stores[worker].Purge(t.Context(), after(0))
			if err != nil {
				return err
			}
			total.Add(int64(removed))
			if removed == 0 {
				return nil
			}
		}
	})
	// Rows that another one was about to delete may have been passed over.
	if got := int(total.Load()) + purgeAll(t, stores[0], after(0)); got != sessions+revocations {
		t.Errorf("all together removed %d, want %d", got, sessions+revocations)
	}
	wantStored(t, stores[1], live)
}
