package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// contextChecks hold "A method ends when its context does, and returns an error then", and that a method that failed
// "has changed nothing, or has done the whole of what it was asked for".
func contextChecks() []check {
	return []check{
		{"a context that has ended before", contextBefore},
		{"a deadline that has passed", deadlineBefore},
		{"a context that ends in the middle of PutSession and Swap", contextInTheMiddle},
		{"a context that ends in the middle of Revoke", contextInRevoke},
	}
}

func contextBefore(t testing.TB, backend Backend) {
	place := backend.Place(t)
	scene := setScene(t, place)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended(t, scene, openAt(t, place), place.URL, ctx, context.Canceled)
	ended(t, scene, scene.direct, place.URL, ctx, context.Canceled)
}

func deadlineBefore(t testing.TB, backend Backend) {
	place := backend.Place(t)
	scene := setScene(t, place)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	ended(t, scene, scene.direct, place.URL, ctx, context.DeadlineExceeded)
}

// ended calls everything with a context that has ended, and finds the reason in the error and everything as it was.
//
//nolint:revive // the context is what is tried, not what ends the check
func ended(t testing.TB, scene *scene, db store.Store, url string, ctx context.Context, want error) {
	t.Helper()
	for _, operation := range scene.operations() {
		err := operation.do(ctx, db)
		wantError(t, operation.name+" with an ended context", err, want)
		scene.wantSilent(t, operation.name, err, url)
		scene.wantUnchanged(t, operation.name+" with an ended context")
	}
}

// briefly gives do ever more time, from none to more than enough, so that its context ends before, in the middle and
// after what it does; and makes sure that it returned soon.
func briefly(t testing.TB, do func(ctx context.Context) error) error {
	t.Helper()
	started := time.Now()
	err := do(t.Context())
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("returned %v after its context had ended", took)
	}
	return err
}

// steps are how long contexts of the two checks below live.
func steps() (list []time.Duration) {
	for d := 20 * time.Microsecond; d < 20*time.Millisecond; d += d/4 + 1 {
		list = append(list, d)
	}
	return list
}

func contextInTheMiddle(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, limit := range steps() {
		session := newSession()
		err := briefly(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return db.PutSession(ctx, session)
		})
		if err != nil && !landed(t, db, session) {
			mustOrLate(t, "PutSession after one that had no time", db.PutSession(within(t), session))
		}
		wantStored(t, db, session)

		changed := marked(session, 7)
		err = briefly(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return db.Swap(ctx, changed)
		})
		written := changed
		written.Version++
		if err != nil && !landed(t, db, written) {
			mustOrLate(t, "Swap after one that had no time", db.Swap(within(t), changed))
		}
		changed.Version++
		wantStored(t, db, changed)
	}
}

// stored reports whether the session is stored exactly so.
func stored(t testing.TB, db store.Store, session store.Session) bool {
	t.Helper()
	got, err := db.Session(within(t), session.ID, after(0))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Session: %v", err)
	}
	return err == nil && differenceOfSessions(session, got) == ""
}

// landed reports whether a write was done whose caller got an error: a server may finish it after
// the caller has left.
func landed(t testing.TB, db store.Store, session store.Session) bool {
	t.Helper()
	for range 20 {
		if stored(t, db, session) {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// mustOrLate takes a conflict, too: with the write before, which was done even later.
func mustOrLate(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrConflict) {
		must(t, what, err)
	}
}

func contextInRevoke(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, limit := range steps() {
		session := newSession()
		put(t, db, session)
		err := briefly(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return db.Revoke(ctx, session.ID, 1, after(0), after(time.Hour))
		})
		// First the feed: a write that comes to its end between the two looks must not count as half of one.
		added := err != nil && holds(feed(t, db), store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
		if err != nil && stored(t, db, session) {
			if added {
				t.Error("Revoke has added to the feed, and the session is there")
			}
			mustOrLate(t, "Revoke after one that had no time", db.Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
		}
		wantAbsent(t, db, session.ID)
		if !holds(feed(t, db), store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)}) {
			t.Error("Revoke has deleted the session, and the feed does not say so")
		}
	}
}
