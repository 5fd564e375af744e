package storetest

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// conflictChecks hold which caller wins, and that the loser changes nothing.
func conflictChecks() []check {
	return []check{
		{"Init may be called again and keeps everything", initAgain},
		{"AddKey refuses a generation that exists", addKeyTwice},
		{"RetireKey gives an end once", retireKey},
		{"PutSession refuses an ID that exists", putTwice},
		{"Swap needs the version", swapVersions},
		{"Swap of an absent session is a conflict", swapAbsent},
		{"Swap keeps what stays and counts", swapCounts},
		{"a name of KindOnce is put once until it is purged", onceTwice},
	}
}

func initAgain(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session, key := newSession(), newKey(1)
	put(t, stores[0], session)
	addKeys(t, stores[0], key)
	entry := store.Revocation{ID: newID(), At: after(0), Until: after(time.Hour)}
	must(t, "Revoke", stores[0].Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
	for _, db := range []store.Store{stores[0], stores[1], stores[1]} {
		must(t, "Init again", db.Init(within(t)))
		wantStored(t, db, session)
		wantKeys(t, db, key)
		wantFeed(t, db, entry)
	}
}

func addKeyTwice(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	key, other := newKey(1), newKey(1)
	other.ID, other.Sealed, other.Until = "another", []byte("another"), after(time.Hour)
	addKeys(t, stores[0], key)
	for _, db := range stores {
		wantError(t, "AddKey of a generation that exists", db.AddKey(within(t), other), store.ErrConflict)
		wantError(t, "AddKey of the very same key", db.AddKey(within(t), key), store.ErrConflict)
	}
	wantKeys(t, stores[0], key)
	other.Generation = 2
	addKeys(t, stores[1], other)
	wantKeys(t, stores[0], key, other)
}

// retireKey holds "gives a key that has no Until this one. A key that has one keeps it; an absent one stays absent."
func retireKey(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	kept, retired := newKey(1), newKey(2)
	kept.Until = after(time.Hour)
	addKeys(t, stores[0], kept, retired)
	must(t, "RetireKey", stores[0].RetireKey(within(t), 2, after(2*time.Hour)))
	retired.Until = after(2 * time.Hour)
	wantKeys(t, stores[1], kept, retired)
	for _, until := range []time.Time{after(time.Minute), after(3 * time.Hour)} {
		for generation := range int64(4) {
			must(t, "RetireKey of what has an end, or is absent", stores[1].RetireKey(within(t), generation, until))
		}
	}
	wantKeys(t, stores[0], kept, retired)
	addKeys(t, stores[0], newKey(3))
	wantKeys(t, stores[0], kept, retired, newKey(3))
}

func putTwice(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session := newSession()
	put(t, stores[0], session)
	other := newSession()
	other.ID, other.Subject, other.Data, other.Expires = session.ID, "another", []byte("another"), after(5*time.Hour)
	for _, db := range stores {
		wantError(t, "PutSession of an ID that exists", db.PutSession(within(t), other), store.ErrConflict)
		wantError(t, "PutSession of the very same session", db.PutSession(within(t), session), store.ErrConflict)
		wantStored(t, db, session)
	}
}

func swapVersions(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	stored, bystander := newSession(), newSession()
	put(t, stores[0], stored, bystander)
	must(t, "Swap", stores[1].Swap(within(t), stored))
	stored.Version = 2
	changed := cloneSession(stored)
	changed.Data, changed.Expires = []byte("changed"), after(9*time.Hour)
	for _, version := range []int64{1, 0, -1, 3, 1 << 40} {
		changed.Version = version
		for _, db := range stores {
			wantError(t, "Swap of another version", db.Swap(within(t), changed), store.ErrConflict)
		}
	}
	wantStored(t, stores[0], stored)
	wantStored(t, stores[0], bystander)
}

func swapAbsent(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	for _, version := range []int64{1, 0, 2} {
		session.Version = version
		wantError(t, "Swap of an absent session", db.Swap(within(t), session), store.ErrConflict)
		wantAbsent(t, db, session.ID)
	}
	session.Version = 1
	put(t, db, session)
	must(t, "Revoke", db.Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
	wantError(t, "Swap of a revoked session", db.Swap(within(t), session), store.ErrConflict)
	wantAbsent(t, db, session.ID)
}

func swapCounts(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	put(t, db, session)
	for version := int64(1); version <= 12; version++ {
		given := cloneSession(session)
		given.Version, given.Data = version, []byte{byte(version)}
		given.Kind, given.Subject, given.Started, given.Note = "else", "somebody else", after(time.Second), []byte("another note")
		given.Owner, given.ProviderSession = hash(7), hash(8)
		given.Seen, given.Idle = after(time.Minute), after(9*time.Hour)
		if version%2 == 0 {
			given.Owner, given.ProviderSession, given.Seen, given.Idle, given.Note = nil, nil, time.Time{}, time.Time{}, nil
		}
		must(t, "Swap", db.Swap(within(t), given))
		session.Version, session.Data = version+1, []byte{byte(version)}
		wantStored(t, db, session)
		wantSessions(t, db, store.Selection{Owner: session.Owner}, session)
		wantSessions(t, db, store.Selection{ProviderSession: session.ProviderSession}, session)
		wantSessions(t, db, store.Selection{Owner: hash(7)})
		wantSessions(t, db, store.Selection{ProviderSession: hash(8)})
		wantError(t, "Swap of the version before", db.Swap(within(t), given), store.ErrConflict)
	}
}

// onceTwice: a name is taken until it is purged, also after its end, and by nobody's owner found.
func onceTwice(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	name := store.Session{ID: newID(), Kind: store.KindOnce, Expires: after(time.Minute), Version: 1}
	put(t, stores[0], name)
	for _, db := range stores {
		wantError(t, "PutSession of a name that was used", db.PutSession(within(t), name), store.ErrConflict)
		wantStored(t, db, name)
		wantPurged(t, db, after(0), 0)
		later := name
		later.Expires = after(time.Hour)
		wantError(t, "PutSession of a name that was used, until later", db.PutSession(within(t), later), store.ErrConflict)
	}
	wantPurged(t, stores[1], after(time.Minute), 1)
	put(t, stores[0], name)
}
