package storetest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// epoch is when most checks play: long ago, so that a store that asks a clock of its own is found out.
var epoch = time.Date(2001, 9, 9, 1, 46, 40, 123_000_000, time.UTC)

// patience ends what hangs. No check waits for it.
const patience = 30 * time.Second

// after returns the time so long after epoch.
func after(d time.Duration) time.Time { return epoch.Add(d) }

// within is the context of a check, with an end.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open makes a place and one store on it.
func open(t testing.TB, backend Backend) store.Store {
	t.Helper()
	return openSome(t, backend, 1)[0]
}

// openSome makes a place and stores on it, as several instances of a service have them.
func openSome(t testing.TB, backend Backend, n int) []store.Store {
	t.Helper()
	place := backend.Place(t)
	stores := make([]store.Store, n)
	for i := range stores {
		stores[i] = openAt(t, place)
	}
	if err := stores[0].Init(within(t)); err != nil {
		t.Fatalf("Init: %v", err)
	}
	return stores
}

// openAt makes a store without tables, and closes it with the test.
func openAt(t testing.TB, place Place) store.Store {
	t.Helper()
	if place.Open == nil {
		return OpenURL(t, place.URL)
	}
	db := place.Open(t)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newID makes the ID of a session.
func newID() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// newSession makes a session with all fields in use and an owner of its own. It expires an hour after epoch; its Idle is
// later.
func newSession() store.Session {
	return store.Session{
		ID: newID(), Kind: store.KindBrowser, Subject: "https://issuer.example.org alice", Current: hash(1), Last: hash(2),
		Data: []byte("sealed data"), Answer: []byte("sealed answer"), Rotated: after(-time.Minute), Lease: after(time.Minute),
		Expires: after(time.Hour), Version: 1, Owner: newHash(), ProviderSession: newHash(), Started: after(-time.Hour),
		Seen: after(-time.Second), Idle: after(2 * time.Hour), Note: []byte("sealed note"), LastExpiry: after(10 * time.Minute),
	}
}

func newKey(generation int64) store.Key {
	return store.Key{Generation: generation, ID: fmt.Sprintf("kid-%d", generation), Sealed: []byte("sealed key"), From: after(time.Minute)}
}

// hash makes 32 bytes that are no text.
func hash(seed byte) []byte {
	made := make([]byte, 32)
	for i := range made {
		made[i] = seed + byte(i)*37
	}
	return made
}

// newHash makes 32 bytes that no other session has.
func newHash() []byte {
	made := make([]byte, 32)
	_, _ = rand.Read(made) // never fails
	return made
}

// put adds sessions, each of which has to be new.
func put(t testing.TB, db store.Store, sessions ...store.Session) {
	t.Helper()
	for _, session := range sessions {
		must(t, "PutSession", db.PutSession(within(t), session))
	}
}

// addKeys adds keys, each of which has to be new.
func addKeys(t testing.TB, db store.Store, keys ...store.Key) {
	t.Helper()
	for _, key := range keys {
		must(t, "AddKey", db.AddKey(within(t), key))
	}
}

// must ends the test when something failed that has to work.
func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// wantError holds an error to the one that a caller asks for by [errors.Is].
func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// wantStored reads a session back as it was a moment before its end, and compares it.
func wantStored(t testing.TB, db store.Store, want store.Session) {
	t.Helper()
	got, err := db.Session(within(t), want.ID, endOf(want).Add(-time.Millisecond))
	must(t, "Session", err)
	if diff := differenceOfSessions(want, got); diff != "" {
		t.Errorf("session: %s", diff)
	}
}

// endOf returns when a session ends.
func endOf(session store.Session) time.Time {
	if session.Idle.IsZero() || session.Expires.Before(session.Idle) {
		return session.Expires
	}
	return session.Idle
}

// wantSessions compares what a selection finds at epoch, in its order.
func wantSessions(t testing.TB, db store.Store, of store.Selection, want ...store.Session) {
	t.Helper()
	wantFound(t, db, of, after(0), 1000, want...)
}

// wantFound compares what a selection finds, in its order, without what SessionsOf leaves out.
func wantFound(t testing.TB, db store.Store, of store.Selection, now time.Time, limit int, want ...store.Session) {
	t.Helper()
	got, err := db.SessionsOf(within(t), of, now, limit)
	must(t, "SessionsOf", err)
	if diff := differenceOfLists(want, got); diff != "" {
		t.Errorf("SessionsOf at %v: %s", now, diff)
	}
}

// wantAbsent makes sure that there is no such session at a time when it had not expired.
func wantAbsent(t testing.TB, db store.Store, id string) {
	t.Helper()
	_, err := db.Session(within(t), id, epoch.Add(-24*time.Hour))
	wantError(t, "Session of an absent one", err, store.ErrNotFound)
}

// wantKeys compares all keys, in their order.
func wantKeys(t testing.TB, db store.Store, want ...store.Key) {
	t.Helper()
	got, err := db.Keys(within(t))
	must(t, "Keys", err)
	if diff := differenceOfKeys(want, got); diff != "" {
		t.Errorf("keys: %s", diff)
	}
}

// wantFeed compares the whole feed, in any order.
func wantFeed(t testing.TB, db store.Store, want ...store.Revocation) {
	t.Helper()
	if diff := differenceOfFeeds(want, feed(t, db)); diff != "" {
		t.Errorf("feed: %s", diff)
	}
}

// feed returns everything that was ever revoked and not purged.
func feed(t testing.TB, db store.Store) []store.Revocation {
	t.Helper()
	got, err := db.Revoked(within(t), time.Time{}, time.Time{})
	must(t, "Revoked", err)
	return got
}
