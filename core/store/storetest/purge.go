package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// purgeChecks hold what is written at [store.Store] about Purge.
func purgeChecks() []check {
	return []check{
		{"Purge deletes what has ended and nothing else", purgeBounds},
		{"Purge deletes what has ended by its Idle", purgeIdle},
		{"Purge ends with thousands of rows", purgeMany},
		{"Purge does not disturb concurrent callers", purgeBeside},
		{"Purge by several instances counts each row once", purgeTogether},
	}
}

func purgeBounds(t testing.TB, backend Backend) {
	db := open(t, backend)
	const moment = time.Millisecond
	var kept []store.Session
	for i := range 3 {
		session := newSession()
		session.Expires = after(time.Duration(i-1) * moment) // before now, now, after now
		put(t, db, session)
		must(t, "Revoke", db.Revoke(within(t), fmt.Sprint("gone ", i), 0, after(-time.Hour), session.Expires))
		key := newKey(int64(i + 1))
		key.Until = session.Expires
		addKeys(t, db, key)
		kept = append(kept, session)
	}
	addKeys(t, db, newKey(4)) // without an end
	wantPurged(t, db, time.Time{}, 0)
	wantPurged(t, db, after(-2*moment), 0)
	wantPurged(t, db, after(0), 6)
	wantAbsent(t, db, kept[0].ID)
	wantAbsent(t, db, kept[1].ID)
	wantStored(t, db, kept[2])
	wantFeed(t, db, store.Revocation{ID: "gone 2", At: after(-time.Hour), Until: after(moment)})
	last := newKey(3)
	last.Until = after(moment)
	wantKeys(t, db, last, newKey(4))
	wantPurged(t, db, after(0), 0)
	wantPurged(t, db, epoch.AddDate(1000, 0, 0), 3)
	wantKeys(t, db, newKey(4))
	wantFeed(t, db)
	wantError(t, "Swap of a purged session", db.Swap(within(t), kept[2]), store.ErrConflict)
	put(t, db, kept[0]) // its ID is free again
}

// purgeIdle: a session goes at the earlier of both ends, counts once, and one without Idle has no such end.
func purgeIdle(t testing.TB, backend Backend) {
	db := open(t, backend)
	var sessions []store.Session
	for i := range 9 { // Expires and Idle: before now, now, after now
		session := newSession()
		session.Expires, session.Idle = moment(i/3-1), moment(i%3-1)
		sessions = append(sessions, session)
	}
	endless, expired, touched := newSession(), newSession(), newSession()
	endless.Idle = time.Time{}
	expired.Expires, expired.Idle = after(0), time.Time{}
	touched.Idle = after(0)
	put(t, db, append(sessions, endless, expired, touched)...)
	touched.Seen, touched.Idle = after(0), after(time.Second)
	must(t, "Touch", db.Touch(within(t), touched.ID, touched.Seen, touched.Idle))
	wantPurged(t, db, moment(-2), 0)
	wantPurged(t, db, after(0), 9)
	for i, session := range sessions[:8] {
		_, err := db.Session(within(t), session.ID, time.Time{})
		wantError(t, fmt.Sprint("Session of a purged one, ", i), err, store.ErrNotFound)
	}
	for _, kept := range []store.Session{sessions[8], endless, touched} {
		wantStored(t, db, kept)
	}
	wantPurged(t, db, after(0), 0)
	wantPurged(t, db, after(time.Second), 2)
	wantStored(t, db, endless)
	wantPurged(t, db, endless.Expires, 1)
}

func wantPurged(t testing.TB, db store.Store, now time.Time, want int) {
	t.Helper()
	got, err := db.Purge(within(t), now)
	must(t, "Purge", err)
	if got != want {
		t.Errorf("Purge at %v: %d, want %d", now, got, want)
	}
}

// purgeAll calls Purge until it finds nothing more, and returns how many went.
func purgeAll(t testing.TB, db store.Store, now time.Time) (total int) {
	t.Helper()
	for {
		removed, err := db.Purge(within(t), now)
		must(t, "Purge", err)
		if removed == 0 {
			return total
		}
		total += removed
	}
}

func purgeMany(t testing.TB, backend Backend) {
	const sessions, revocations = 2600, 500
	db := open(t, backend)
	live := fill(t, db, sessions, revocations)
	if total := purgeAll(t, db, after(0)); total != sessions+revocations {
		t.Errorf("Purge removed %d in all, want %d", total, sessions+revocations)
	}
	wantStored(t, db, live)
	wantFeed(t, db, store.Revocation{ID: live.ID, At: after(-time.Hour), Until: after(time.Hour)})
}

// fill adds sessions and revocations that have ended at epoch, and one of each that has not.
func fill(t testing.TB, db store.Store, sessions, revocations int) (live store.Session) {
	t.Helper()
	const workers = 16
	atOnce(t, workers, func(worker int) error {
		for i := worker; i < sessions; i += workers {
			session := newSession()
			if ended := after(-time.Duration(i) * time.Millisecond); i%3 == 0 {
				session.Idle = ended
			} else {
				session.Expires = ended
			}
			if err := db.PutSession(t.Context(), session); err != nil {
				return err
			}
		}
		for i := worker; i < revocations; i += workers {
			if err := db.Revoke(t.Context(), newID(), 0, after(-time.Hour), after(-time.Duration(i)*time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	})
	live = newSession()
	must(t, "Revoke", db.Revoke(within(t), live.ID, 0, after(-time.Hour), after(time.Hour)))
	put(t, db, live)
	return live
}

// purgeBeside holds "It does not disturb concurrent callers: a session that ended may be gone before Swap or
// Touch, never one that has not."
func purgeBeside(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 3)
	var done atomic.Bool
	var purging sync.WaitGroup
	for _, db := range stores {
		purging.Go(func() {
			for !done.Load() {
				if _, err := db.Purge(t.Context(), after(0)); err != nil {
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
func beside(t testing.TB, db store.Store, generation int64) error {
	if err := db.AddKey(t.Context(), newKey(generation)); err != nil {
		return fmt.Errorf("AddKey: %w", err)
	}
	for range 15 {
		session := newSession()
		if err := db.PutSession(t.Context(), session); err != nil {
			return fmt.Errorf("PutSession: %w", err)
		}
		for range 3 {
			if err := db.Swap(t.Context(), session); err != nil {
				return fmt.Errorf("Swap of a session that lives: %w", err)
			}
			session.Version++
			if err := db.Touch(t.Context(), session.ID, after(0), after(3*time.Hour)); err != nil {
				return fmt.Errorf("Touch of a session that lives: %w", err)
			}
		}
		if err := db.Revoke(t.Context(), newID(), 0, after(-time.Hour), after(0)); err != nil {
			return fmt.Errorf("Revoke: %w", err)
		}
		session.Expires = after(0)
		if err := db.Swap(t.Context(), session); err != nil {
			return fmt.Errorf("Swap that ends a session: %w", err)
		}
		session.Version++
		if err := db.Swap(t.Context(), session); err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("Swap of an ended session: %w", err)
		}
		if err := db.Touch(t.Context(), session.ID, after(0), after(4*time.Hour)); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("Touch of an ended session: %w", err)
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
