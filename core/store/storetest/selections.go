package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// selectionChecks hold what is written at [store.Store] about SessionsOf, except for time: see timeChecks.
func selectionChecks() []check {
	return []check{
		{"SessionsOf finds by owner, and by provider session", selected},
		{"SessionsOf begins with the one that started last, and ends at the limit", selectedInOrder},
		{"an empty selection finds nothing, not even sessions of nobody", selectedNothing},
		{"owners are compared byte for byte", ownersAreExact},
		{"SessionsOf finds what Swap and Touch have changed", selectedChanges},
		{"a revoked session is not found any more", selectedRevoked},
		{"a purged session is not found any more", selectedPurged},
		{"each of many owners finds its own sessions", manyOwners},
	}
}

// sessionOf makes a session that started so long after epoch.
func sessionOf(owner, providerSession []byte, started time.Duration) store.Session {
	session := newSession()
	session.Owner, session.ProviderSession, session.Started = owner, providerSession, after(started)
	return session
}

func selected(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	alice, bob, here, there := newHash(), newHash(), newHash(), newHash()
	first, second, third := sessionOf(alice, here, 1e6), sessionOf(alice, there, 1e9), sessionOf(alice, nil, 2e9)
	other, last := sessionOf(bob, here, 3e9), sessionOf(nil, alice, 4e9) // a provider session that looks like an owner
	first.Kind, first.Current, first.Note = store.KindToken, nil, nil
	put(t, stores[0], first, second, third, other, last)
	for _, db := range stores {
		wantSessions(t, db, store.Selection{Owner: alice}, third, second, first)
		wantSessions(t, db, store.Selection{Owner: bob}, other)
		wantSessions(t, db, store.Selection{ProviderSession: here}, other, first)
		wantSessions(t, db, store.Selection{ProviderSession: there}, second)
		wantSessions(t, db, store.Selection{ProviderSession: alice}, last)
		wantSessions(t, db, store.Selection{Owner: here})
		wantSessions(t, db, store.Selection{ProviderSession: bob})
		wantSessions(t, db, store.Selection{Owner: newHash()})
	}
}

// selectedInOrder has starts before 1970 and of the same moment among them, whose order is open.
func selectedInOrder(t testing.TB, backend Backend) {
	db := open(t, backend)
	owner := newHash()
	starts := []time.Duration{2e9, 0, time.Millisecond, 3e9, 1e9, -time.Hour, 10e9, -40 * 365 * 24 * time.Hour}
	byStart := map[time.Duration]store.Session{}
	for _, start := range starts {
		byStart[start] = sessionOf(owner, owner, start)
		put(t, db, byStart[start])
	}
	var want []store.Session
	for _, start := range []time.Duration{10e9, 3e9, 2e9, 1e9, time.Millisecond, 0, -time.Hour, -40 * 365 * 24 * time.Hour} {
		want = append(want, byStart[start])
	}
	for _, of := range []store.Selection{{Owner: owner}, {ProviderSession: owner}} {
		for _, limit := range []int{-1, 0, 1, 2, 7, 8, 9, 1 << 30} {
			wantFound(t, db, of, after(0), limit, want[:min(max(limit, 0), len(want))]...)
		}
	}
	twins := newHash()
	put(t, db, sessionOf(twins, nil, 0), sessionOf(twins, nil, 0), sessionOf(twins, nil, 0))
	for limit := range 5 {
		got, err := db.SessionsOf(within(t), store.Selection{Owner: twins}, after(0), limit)
		must(t, "SessionsOf", err)
		if len(got) != min(limit, 3) {
			t.Errorf("%d of three that started at once, limit %d", len(got), limit)
		}
	}
}

func selectedNothing(t testing.TB, backend Backend) {
	db := open(t, backend)
	nobody, empty := newSession(), newSession()
	nobody.Owner, nobody.ProviderSession = nil, nil
	empty.Owner, empty.ProviderSession = []byte{}, []byte{}
	put(t, db, nobody, empty, store.Session{ID: newID(), Kind: store.KindOnce, Expires: after(time.Hour), Version: 1})
	for _, of := range []store.Selection{{}, {Owner: []byte{}}, {ProviderSession: []byte{}}, {Owner: []byte{}, ProviderSession: []byte{}}} {
		wantSessions(t, db, of)
	}
	must(t, "Swap", db.Swap(within(t), nobody))
	must(t, "Touch", db.Touch(within(t), empty.ID, after(0), after(5*time.Hour)))
	wantSessions(t, db, store.Selection{})
	must(t, "Revoke", db.Revoke(within(t), empty.ID, 1, after(0), after(time.Hour)))
	wantAbsent(t, db, empty.ID)
	nobody.Version++
	wantStored(t, db, nobody)
}

// awkwardHashes are owners that a database may shorten, fold, or take for parts of one another.
func awkwardHashes() [][]byte {
	return [][]byte{
		{0}, {0, 0}, {1}, {1, 0}, {0, 1}, {' '}, {'a'}, {'A'}, {'a', ' '}, {'*'}, {'%'}, {'_'}, {'?'}, {'a', ':', 'b'}, {'{', '}'}, {'\\'}, {'\\', 'x'}, {0xff}, {0xff, 0xff},
		[]byte("\u00e9"), []byte("e\u0301"), bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0}, 32), append(make([]byte, 31), 1), []byte("$1'\"`;--"),
	}
}

func ownersAreExact(t testing.TB, backend Backend) {
	db := open(t, backend)
	hashes := awkwardHashes()
	var sessions []store.Session
	for i, hash := range hashes {
		sessions = append(sessions, sessionOf(hash, hashes[len(hashes)-1-i], time.Duration(i)*time.Second))
	}
	put(t, db, sessions...)
	for i, hash := range hashes {
		wantSessions(t, db, store.Selection{Owner: hash}, sessions[i])
		wantSessions(t, db, store.Selection{ProviderSession: hash}, sessions[len(hashes)-1-i])
	}
	for i, hash := range hashes {
		must(t, "Revoke", db.Revoke(within(t), sessions[i].ID, 1, after(0), after(time.Hour)))
		wantSessions(t, db, store.Selection{Owner: hash})
	}
}

func selectedChanges(t testing.TB, backend Backend) {
	db := open(t, backend)
	session, older := newSession(), newSession()
	older.Owner, older.Started = session.Owner, after(-2*time.Hour)
	put(t, db, session, older)
	older.Current, older.Last, older.Rotated, older.Lease = hash(3), hash(4), after(time.Second), time.Time{}
	older.Expires, older.LastExpiry = after(9*time.Hour), after(8*time.Hour)
	must(t, "Swap", db.Swap(within(t), older))
	older.Version++
	older.Seen, older.Idle = after(time.Minute), after(7*time.Hour)
	must(t, "Touch", db.Touch(within(t), older.ID, older.Seen, older.Idle))
	wantSessions(t, db, store.Selection{Owner: session.Owner}, session, older)
	session.Expires = after(0)
	must(t, "Swap that ends a session", db.Swap(within(t), session))
	wantSessions(t, db, store.Selection{Owner: session.Owner}, older)
	session.Version, session.Expires = 2, after(time.Hour)
	must(t, "Swap of an ended session", db.Swap(within(t), session))
	session.Version++
	wantSessions(t, db, store.Selection{Owner: session.Owner}, session, older)
}

func selectedRevoked(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	owner, place := newHash(), newHash()
	first, second, kept := sessionOf(owner, place, 1e9), sessionOf(owner, place, 2e9), sessionOf(owner, place, 3e9)
	put(t, stores[0], first, second, kept)
	wantError(t, "Revoke of another version", stores[0].Revoke(within(t), kept.ID, 2, after(0), after(time.Hour)), store.ErrConflict)
	must(t, "Revoke with the version", stores[0].Revoke(within(t), first.ID, 1, after(0), after(time.Hour)))
	must(t, "Revoke with version 0", stores[1].Revoke(within(t), second.ID, 0, after(0), after(time.Hour)))
	for _, db := range stores {
		wantSessions(t, db, store.Selection{Owner: owner}, kept)
		wantSessions(t, db, store.Selection{ProviderSession: place}, kept)
	}
	first.Owner, first.ProviderSession = newHash(), nil // its ID is free, for another owner too
	put(t, stores[1], first)
	for _, db := range stores {
		wantSessions(t, db, store.Selection{Owner: owner}, kept)
		wantSessions(t, db, store.Selection{ProviderSession: place}, kept)
		wantSessions(t, db, store.Selection{Owner: first.Owner}, first)
	}
}

func selectedPurged(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	owner, place := newHash(), newHash()
	expired, idle, kept := sessionOf(owner, place, 1e9), sessionOf(owner, place, 2e9), sessionOf(owner, place, 3e9)
	expired.Expires, idle.Idle = after(time.Minute), after(time.Minute)
	put(t, stores[0], expired, idle, kept)
	wantPurged(t, stores[0], after(time.Minute), 2)
	long := after(-24 * time.Hour) // when none of them had ended
	for _, db := range stores {
		wantFound(t, db, store.Selection{Owner: owner}, long, 10, kept)
		wantFound(t, db, store.Selection{ProviderSession: place}, long, 10, kept)
	}
	idle.Owner, idle.ProviderSession = nil, newHash()
	put(t, stores[1], idle)
	wantFound(t, stores[0], store.Selection{Owner: owner}, long, 10, kept)
	wantFound(t, stores[0], store.Selection{ProviderSession: idle.ProviderSession}, long, 10, idle)
}

// manyOwners is about what one owner finds beside many, and the other way round.
func manyOwners(t testing.TB, backend Backend) {
	const owners, each, crowd = 60, 3, 150
	stores := openSome(t, backend, 2)
	all := make([][]store.Session, owners)
	atOnce(t, owners+1, func(worker int) error {
		owner, n := newHash(), each
		if worker == owners { // nobody's
			owner, n = nil, crowd
		}
		for i := range n {
			session := sessionOf(owner, nil, -time.Duration(i)*time.Second)
			if worker < owners {
				all[worker] = append(all[worker], session)
			}
			if err := stores[i%2].PutSession(t.Context(), session); err != nil {
				return err
			}
		}
		return nil
	})
	for i, sessions := range all {
		wantSessions(t, stores[i%2], store.Selection{Owner: sessions[0].Owner}, sessions...)
	}
}
