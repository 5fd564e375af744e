package storetest

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// handleChecks hold "Close closes what the store has opened itself, never a handle that it was given. It may be called
// again", and what a place can be opened by.
func handleChecks() []check {
	return []check{
		{"Close may be called again", closeTwice},
		{"Close of one instance leaves the others at work", closeOne},
		{"a handle that was given stays open", handleStaysOpen},
		{"the URL opens the same data", urlOpens},
	}
}

func closeTwice(t testing.TB, backend Backend) {
	place := backend.Place(t)
	used, unused := openAt(t, place), openAt(t, place)
	must(t, "Init", used.Init(within(t)))
	for range 2 {
		must(t, "Close", used.Close())
		must(t, "Close of a store that was never used", unused.Close())
	}
}

func closeOne(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session := newSession()
	put(t, stores[0], session)
	must(t, "Close", stores[0].Close())
	wantStored(t, stores[1], session)
}

func handleStaysOpen(t testing.TB, backend Backend) {
	place := backend.Place(t)
	if place.Handle == nil {
		t.Skip("this store has no handles")
	}
	db, use := place.Handle(t)
	must(t, "Init", db.Init(within(t)))
	session := newSession()
	put(t, db, session)
	wantStored(t, openAt(t, place), session)
	for range 2 {
		must(t, "Close", db.Close())
		must(t, "use of the handle after Close", use(within(t)))
	}
}

func urlOpens(t testing.TB, backend Backend) {
	place := backend.Place(t)
	if place.URL == "" {
		t.Skip("other processes cannot open this store")
	}
	db := openAt(t, place)
	must(t, "Init", db.Init(within(t)))
	opened := OpenURL(t, place.URL)
	must(t, "Init", opened.Init(within(t)))
	session, key := newSession(), newKey(1)
	put(t, opened, session)
	addKeys(t, db, key)
	wantStored(t, db, session)
	wantKeys(t, opened, key)
	must(t, "Revoke", opened.Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
	wantAbsent(t, db, session.ID)
	if local, ok := opened.(store.Local); ok && place.Address != "" {
		if path, ok := local.SecretFile(); ok {
			t.Errorf("a store at a network address says that it is local, its secret in %q", path)
		}
	}
}

// OpenURL opens a store with [store.Open], without calling Init, and closes it when the test ends.
func OpenURL(t testing.TB, url string) store.Store {
	t.Helper()
	db, err := store.Open(url)
	must(t, "store.Open", err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
