package storetest

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// timeChecks hold "A store has no clock: what has expired is judged by the now that it is given."
func timeChecks() []check {
	return []check{
		{"a session whose Expires is not after now is not found", sessionExpires},
		{"a store has no clock", noClock},
		{"expiry does not matter to Swap", swapOfExpired},
		{"expiry does not matter to PutSession and Revoke", expiredIsThere},
		{"Keys returns ended ones too, by generation", keysInOrder},
	}
}

func sessionExpires(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	put(t, db, session)
	for _, now := range []time.Time{{}, after(0), session.Expires.Add(-time.Millisecond)} {
		_, err := db.Session(within(t), session.ID, now)
		must(t, "Session before its end", err)
	}
	for _, now := range []time.Time{session.Expires, session.Expires.Add(time.Millisecond), epoch.AddDate(100, 0, 0)} {
		got, err := db.Session(within(t), session.ID, now)
		wantError(t, "Session at its end or later", err, store.ErrNotFound)
		if got.Data != nil {
			t.Error("an expired session was returned beside the error")
		}
	}
	_, err := db.Session(within(t), newID(), after(0))
	wantError(t, "Session of an unknown ID", err, store.ErrNotFound)
}

// noClock lets sessions end in the past and in the far future of the machine that runs it.
func noClock(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, end := range []time.Time{time.UnixMilli(1).UTC(), after(0), time.Now().UTC().Truncate(time.Millisecond), epoch.AddDate(1000, 0, 0)} {
		session := newSession()
		session.Expires = end
		put(t, db, session)
		wantStored(t, db, session)
		must(t, "Swap", db.Swap(within(t), session))
		session.Version++
		wantStored(t, db, session)
		_, err := db.Session(within(t), session.ID, end)
		wantError(t, "Session at its end", err, store.ErrNotFound)

		entry := store.Revocation{ID: newID(), At: end.Add(-time.Hour), Until: end}
		must(t, "Revoke", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
		list, err := db.Revoked(within(t), entry.At, end.Add(-time.Millisecond))
		must(t, "Revoked", err)
		if !holds(list, entry) {
			t.Errorf("a revocation until %v is not in the feed a moment before", end)
		}
	}
}

func holds(list []store.Revocation, entry store.Revocation) bool {
	for _, got := range list {
		if got.ID == entry.ID {
			return differenceOfFeeds([]store.Revocation{entry}, []store.Revocation{got}) == ""
		}
	}
	return false
}

// swapOfExpired holds "Expiry does not matter", and that what is swapped may last longer than before.
func swapOfExpired(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	session.Expires = time.UnixMilli(1).UTC()
	put(t, db, session)
	session.Expires = after(time.Hour)
	must(t, "Swap of an expired session", db.Swap(within(t), session))
	session.Version++
	wantStored(t, db, session)
	session.Expires = time.UnixMilli(2).UTC()
	must(t, "Swap that shortens a session", db.Swap(within(t), session))
	session.Version++
	wantStored(t, db, session)
}

// expiredIsThere: until it is purged, an expired session is a row like any other, except to Session.
func expiredIsThere(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	session.Expires = time.UnixMilli(1).UTC()
	put(t, db, session)
	wantError(t, "PutSession over an expired session", db.PutSession(within(t), session), store.ErrConflict)
	wantError(t, "Revoke of another version", db.Revoke(within(t), session.ID, 2, after(0), after(time.Hour)), store.ErrConflict)
	must(t, "Revoke of its version", db.Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
	wantAbsent(t, db, session.ID)
	wantFeed(t, db, store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
}

func keysInOrder(t testing.TB, backend Backend) {
	db := open(t, backend)
	wantKeys(t, db)
	var want []store.Key
	for _, generation := range []int64{1, 2, 9, 10, 11, 100, 1 << 40} {
		want = append(want, newKey(generation))
	}
	want[0].Until, want[3].Until = time.UnixMilli(1).UTC(), after(0)
	for _, i := range []int{5, 0, 3, 6, 2, 4, 1} {
		addKeys(t, db, want[i])
	}
	wantKeys(t, db, want...)
}
