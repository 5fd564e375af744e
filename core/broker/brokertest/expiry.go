package brokertest

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
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
	store := open(t, backend)
	session := newSession()
	put(t, store, session)
	for _, now := range []time.Time{{}, after(0), session.Expires.Add(-time.Millisecond)} {
		_, err := store.Session(within(t), session.ID, now)
		must(t, "Session before its end", err)
	}
	for _, now := range []time.Time{session.Expires, session.Expires.Add(time.Millisecond), epoch.AddDate(100, 0, 0)} {
		got, err := store.Session(within(t), session.ID, now)
		wantError(t, "Session at its end or later", err, broker.ErrNotFound)
		if got.Data != nil {
			t.Error("an expired session was returned beside the error")
		}
	}
	_, err := store.Session(within(t), newID(), after(0))
	wantError(t, "Session of an unknown ID", err, broker.ErrNotFound)
}

// noClock lets sessions end in the past and in the far future of the machine that runs it.
func noClock(t testing.TB, backend Backend) {
	store := open(t, backend)
	for _, end := range []time.Time{time.UnixMilli(1).UTC(), after(0), time.Now().UTC().Truncate(time.Millisecond), epoch.AddDate(1000, 0, 0)} {
		session := newSession()
		session.Expires = end
		put(t, store, session)
		wantStored(t, store, session)
		must(t, "Swap", store.Swap(within(t), session))
		session.Version++
		wantStored(t, store, session)
		_, err := store.Session(within(t), session.ID, end)
		wantError(t, "Session at its end", err, broker.ErrNotFound)

		entry := broker.Revocation{ID: newID(), At: end.Add(-time.Hour), Until: end}
		must(t, "Revoke", store.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
		list, err := store.Revoked(within(t), entry.At, end.Add(-time.Millisecond))
		must(t, "Revoked", err)
		if !holds(list, entry) {
			t.Errorf("a revocation until %v is not in the feed a moment before", end)
		}
	}
}

func holds(list []broker.Revocation, entry broker.Revocation) bool {
	for _, got := range list {
		if got.ID == entry.ID {
			return differenceOfFeeds([]broker.Revocation{entry}, []broker.Revocation{got}) == ""
		}
	}
	return false
}

// swapOfExpired holds "Expiry does not matter", and that what is swapped may last longer than before.
func swapOfExpired(t testing.TB, backend Backend) {
	store := open(t, backend)
	session := newSession()
	session.Expires = time.UnixMilli(1).UTC()
	put(t, store, session)
	session.Expires = after(time.Hour)
	must(t, "Swap of an expired session", store.Swap(within(t), session))
	session.Version++
	wantStored(t, store, session)
	session.Expires = time.UnixMilli(2).UTC()
	must(t, "Swap that shortens a session", store.Swap(within(t), session))
	session.Version++
	wantStored(t, store, session)
}

// expiredIsThere: until it is purged, an expired session is a row like any other, except to Session.
func expiredIsThere(t testing.TB, backend Backend) {
	store := open(t, backend)
	session := newSession()
	session.Expires = time.UnixMilli(1).UTC()
	put(t, store, session)
	wantError(t, "PutSession over an expired session", store.PutSession(within(t), session), broker.ErrConflict)
	wantError(t, "Revoke of another version", store.Revoke(within(t), session.ID, 2, after(0), after(time.Hour)), broker.ErrConflict)
	must(t, "Revoke of its version", store.Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
	wantAbsent(t, store, session.ID)
	wantFeed(t, store, broker.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
}

func keysInOrder(t testing.TB, backend Backend) {
	store := open(t, backend)
	wantKeys(t, store)
	var want []broker.Key
	for _, generation := range []int64{1, 2, 9, 10, 11, 100, 1 << 40} {
		want = append(want, newKey(generation))
	}
	want[0].Until, want[3].Until = time.UnixMilli(1).UTC(), after(0)
	for _, i := range []int{5, 0, 3, 6, 2, 4, 1} {
		addKeys(t, store, want[i])
	}
	wantKeys(t, store, want...)
}
