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
		{"a session whose Idle is not after now is not found", sessionIdles},
		{"SessionsOf leaves out what has ended", sessionsOfEnd},
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

// sessionIdles: a session ends at the earlier of Expires and Idle.
func sessionIdles(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	session.Idle = after(time.Minute)
	put(t, db, session)
	for _, now := range []time.Time{{}, after(0), session.Idle.Add(-time.Millisecond)} {
		_, err := db.Session(within(t), session.ID, now)
		must(t, "Session before its Idle", err)
	}
	for _, now := range []time.Time{session.Idle, session.Idle.Add(time.Millisecond), session.Expires} {
		_, err := db.Session(within(t), session.ID, now)
		wantError(t, "Session at its Idle or later", err, store.ErrNotFound)
	}
	must(t, "Touch", db.Touch(within(t), session.ID, after(time.Minute), after(2*time.Hour)))
	_, err := db.Session(within(t), session.ID, session.Expires.Add(-time.Millisecond))
	must(t, "Session that was touched", err)
	_, err = db.Session(within(t), session.ID, session.Expires)
	wantError(t, "Session at its Expires, its Idle later", err, store.ErrNotFound)
}

func sessionsOfEnd(t testing.TB, backend Backend) {
	db := open(t, backend)
	owner := newHash()
	var sessions []store.Session
	for i := range 9 { // Expires and Idle: before now, now, after now; started one after the other
		session := newSession()
		session.Owner, session.ProviderSession, session.Started = owner, owner, after(time.Duration(i)*time.Second)
		session.Expires, session.Idle = moment(i/3-1), moment(i%3-1)
		sessions = append(sessions, session)
	}
	lasting := newSession()
	lasting.Owner, lasting.ProviderSession, lasting.Idle = owner, owner, time.Time{}
	put(t, db, append(sessions, lasting)...)
	for _, of := range []store.Selection{{Owner: owner}, {ProviderSession: owner}} {
		wantFound(t, db, of, after(0), 1000, sessions[8], lasting)
		wantFound(t, db, of, after(0), 2, sessions[8], lasting) // those that have ended do not count
		wantFound(t, db, of, after(time.Millisecond), 2, lasting)
		wantFound(t, db, of, after(time.Millisecond), 1, lasting)
		wantFound(t, db, of, lasting.Expires, 2)
	}
	must(t, "Touch", db.Touch(within(t), sessions[6].ID, after(0), after(time.Second)))
	sessions[6].Seen, sessions[6].Idle = after(0), after(time.Second)
	wantSessions(t, db, store.Selection{Owner: owner}, sessions[8], sessions[6], lasting)
}

// noClock lets sessions end in the past and in the far future of the machine that runs it.
func noClock(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, end := range []time.Time{time.UnixMilli(1).UTC(), after(0), time.Now().UTC().Truncate(time.Millisecond), epoch.AddDate(1000, 0, 0)} {
		session := newSession()
		session.Expires, session.Idle = end, time.Time{}
		put(t, db, session)
		wantStored(t, db, session)
		must(t, "Swap", db.Swap(within(t), session))
		session.Version++
		wantStored(t, db, session)
		_, err := db.Session(within(t), session.ID, end)
		wantError(t, "Session at its end", err, store.ErrNotFound)

		idle := newSession()
		idle.Expires, idle.Idle = end.AddDate(1, 0, 0), end
		put(t, db, idle)
		wantStored(t, db, idle)
		wantFound(t, db, store.Selection{Owner: idle.Owner}, end.Add(-time.Millisecond), 1, idle)
		wantFound(t, db, store.Selection{Owner: idle.Owner}, end, 1)
		_, err = db.Session(within(t), idle.ID, end)
		wantError(t, "Session at its Idle", err, store.ErrNotFound)

		entry := store.Revocation{ID: newID(), At: end.Add(-time.Hour), Until: end}
		must(t, "Revoke", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
		list, err := db.Revoked(within(t), entry.At, end.Add(-time.Millisecond))
		must(t, "Revoked", err)
		if !holds(list, entry) {
			t.Errorf("a revocation until %v is not in the feed a moment before", end)
		}
		list, err = db.RevokedAmong(within(t), []string{entry.ID}, end.Add(-time.Millisecond))
		must(t, "RevokedAmong", err)
		if !holds(list, entry) {
			t.Errorf("RevokedAmong does not find a revocation until %v a moment before", end)
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

// swapOfExpired holds "It does not matter whether the session has ended", and that what is swapped may last longer than before.
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
