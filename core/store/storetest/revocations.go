package storetest

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// revocationChecks hold "Revoke deletes a session and adds it to the feed, both or neither", and what the feed tells.
func revocationChecks() []check {
	return []check{
		{"Revoke with the version deletes and tells", revokeRight},
		{"Revoke with another version does neither", revokeWrong},
		{"Revoke of an absent session with a version does neither", revokeAbsent},
		{"Revoke with version 0 deletes whatever is there and tells always", revokeAny},
		{"a second revocation makes At and Until the later ones", revokeTwice},
		{"Revoked holds what was revoked at since, and ends with Until", revokedBounds},
		{"a revoked ID may be taken again, and stays in the feed", putAfterRevoke},
		{"RevokedAmong finds what is in the feed under the IDs", revokedAmong},
		{"RevokedAmong takes 100 IDs, and compares them byte for byte", revokedAmongMany},
	}
}

func revokeRight(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session, bystander := newSession(), newSession()
	put(t, stores[0], session, bystander)
	must(t, "Swap", stores[0].Swap(within(t), session))
	must(t, "Revoke", stores[1].Revoke(within(t), session.ID, 2, after(0), after(time.Hour)))
	for _, db := range stores {
		wantAbsent(t, db, session.ID)
		wantStored(t, db, bystander)
		wantFeed(t, db, store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
	}
	wantError(t, "Revoke again", stores[0].Revoke(within(t), session.ID, 2, after(1e9), after(2*time.Hour)), store.ErrConflict)
	wantFeed(t, stores[0], store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)})
}

func revokeWrong(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	put(t, db, session)
	must(t, "Swap", db.Swap(within(t), session))
	session.Version = 2
	for _, version := range []int64{1, 3, -1, 1 << 40} {
		err := db.Revoke(within(t), session.ID, version, after(0), after(time.Hour))
		wantError(t, "Revoke of another version", err, store.ErrConflict)
	}
	wantStored(t, db, session)
	wantFeed(t, db)
}

func revokeAbsent(t testing.TB, backend Backend) {
	db := open(t, backend)
	id := newID()
	wantError(t, "Revoke of an absent one", db.Revoke(within(t), id, 1, after(0), after(time.Hour)), store.ErrConflict)
	wantFeed(t, db)
	entry := store.Revocation{ID: id, At: after(0), Until: after(time.Hour)}
	must(t, "Revoke", db.Revoke(within(t), id, 0, entry.At, entry.Until))
	wantError(t, "Revoke of a revoked one", db.Revoke(within(t), id, 1, after(1e9), after(2*time.Hour)), store.ErrConflict)
	wantFeed(t, db, entry)
}

func revokeAny(t testing.TB, backend Backend) {
	db := open(t, backend)
	session, bystander := newSession(), newSession()
	put(t, db, session, bystander)
	for range 3 {
		must(t, "Swap", db.Swap(within(t), session))
		session.Version++
	}
	entry := store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)}
	other := store.Revocation{ID: newID(), At: after(1e9), Until: after(time.Minute)}
	must(t, "Revoke whatever is there", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
	must(t, "Revoke an absent one", db.Revoke(within(t), other.ID, 0, other.At, other.Until))
	wantAbsent(t, db, session.ID)
	wantStored(t, db, bystander)
	wantFeed(t, db, entry, other)
}

// revokeTwice holds "What is in the feed stays there until then at least", in every order of both times.
func revokeTwice(t testing.TB, backend Backend) {
	db := open(t, backend)
	earlier, later := after(0), after(time.Millisecond)
	var want []store.Revocation
	for _, at := range [][2]time.Time{{earlier, later}, {later, earlier}, {later, later}} {
		for _, until := range [][2]time.Time{{after(time.Hour), after(2 * time.Hour)}, {after(2 * time.Hour), after(time.Hour)}, {after(2 * time.Hour), after(2 * time.Hour)}} {
			id := newID()
			for i := range 2 {
				must(t, "Revoke", db.Revoke(within(t), id, 0, at[i], until[i]))
			}
			want = append(want, store.Revocation{ID: id, At: later, Until: after(2 * time.Hour)})
		}
	}
	// With a session that was put meanwhile, the second one deletes it, too, and is the later one or not all the same.
	session := newSession()
	must(t, "Revoke", db.Revoke(within(t), session.ID, 0, later, after(2*time.Hour)))
	put(t, db, session)
	must(t, "Revoke", db.Revoke(within(t), session.ID, 1, earlier, after(time.Hour)))
	wantAbsent(t, db, session.ID)
	wantFeed(t, db, append(want, store.Revocation{ID: session.ID, At: later, Until: after(2 * time.Hour)})...)
}

// revokedBounds holds "what was revoked at since or later and whose Until is after now".
func revokedBounds(t testing.TB, backend Backend) {
	db := open(t, backend)
	first := store.Revocation{ID: newID(), At: after(0), Until: after(time.Hour)}
	second := store.Revocation{ID: newID(), At: after(time.Millisecond), Until: after(time.Minute)}
	for _, entry := range []store.Revocation{first, second} {
		must(t, "Revoke", db.Revoke(within(t), entry.ID, 0, entry.At, entry.Until))
	}
	const moment = time.Millisecond
	for _, ask := range []struct {
		since, now time.Time
		want       []store.Revocation
	}{
		{time.Time{}, time.Time{}, []store.Revocation{first, second}},
		{after(0), after(0), []store.Revocation{first, second}},
		{after(moment), after(0), []store.Revocation{second}},
		{after(2 * moment), after(0), nil},
		{after(0), after(time.Minute - moment), []store.Revocation{first, second}},
		{after(0), after(time.Minute), []store.Revocation{first}},
		{after(moment), after(time.Minute), nil},
		{after(0), after(time.Hour - moment), []store.Revocation{first}},
		{after(0), after(time.Hour), nil},
	} {
		got, err := db.Revoked(within(t), ask.since, ask.now)
		must(t, "Revoked", err)
		if diff := differenceOfFeeds(ask.want, got); diff != "" {
			t.Errorf("Revoked since %v at %v: %s", ask.since, ask.now, diff)
		}
	}
}

// putAfterRevoke: a session is in the feed for its access tokens, not for its row.
func putAfterRevoke(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	entry := store.Revocation{ID: session.ID, At: after(0), Until: after(time.Hour)}
	put(t, db, session)
	must(t, "Revoke", db.Revoke(within(t), session.ID, 1, entry.At, entry.Until))
	put(t, db, session)
	wantStored(t, db, session)
	wantFeed(t, db, entry)
}

// wantRevoked compares what RevokedAmong finds at epoch, in any order.
func wantRevoked(t testing.TB, db store.Store, ids []string, want ...store.Revocation) {
	t.Helper()
	wantRevokedAt(t, db, ids, after(0), want...)
}

func wantRevokedAt(t testing.TB, db store.Store, ids []string, now time.Time, want ...store.Revocation) {
	t.Helper()
	got, err := db.RevokedAmong(within(t), ids, now)
	must(t, "RevokedAmong", err)
	if diff := differenceOfFeeds(want, got); diff != "" {
		t.Errorf("RevokedAmong %q at %v: %s", ids, now, diff)
	}
}

func revokedAmong(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	live, ended := newSession(), newSession()
	put(t, stores[0], live, ended)
	entry := store.Revocation{ID: ended.ID, At: after(0), Until: after(time.Hour)}
	mark := store.Revocation{ID: newID(), At: after(-time.Hour), Until: after(time.Minute)} // of no session
	must(t, "Revoke", stores[0].Revoke(within(t), entry.ID, 1, entry.At, entry.Until))
	must(t, "Revoke", stores[0].Revoke(within(t), mark.ID, 0, mark.At, mark.Until))
	for _, db := range stores {
		wantRevoked(t, db, nil)
		wantRevoked(t, db, []string{})
		wantRevoked(t, db, []string{live.ID, newID(), ""})
		wantRevoked(t, db, []string{ended.ID}, entry)
		wantRevoked(t, db, []string{mark.ID, live.ID, ended.ID, newID()}, entry, mark)
		wantRevokedAt(t, db, []string{mark.ID, ended.ID}, time.Time{}, entry, mark)
		wantRevokedAt(t, db, []string{mark.ID, ended.ID}, mark.Until.Add(-time.Millisecond), entry, mark)
		wantRevokedAt(t, db, []string{mark.ID, ended.ID}, mark.Until, entry)
		wantRevokedAt(t, db, []string{mark.ID, ended.ID}, entry.Until)
	}
	mark.At, mark.Until = after(time.Second), after(2*time.Hour)
	must(t, "Revoke", stores[1].Revoke(within(t), mark.ID, 0, mark.At, mark.Until))
	wantRevoked(t, stores[0], []string{mark.ID}, mark)
	purgeAll(t, stores[0], after(time.Hour))
	wantRevokedAt(t, stores[1], []string{mark.ID, ended.ID}, time.Time{}, mark)
}

func revokedAmongMany(t testing.TB, backend Backend) {
	db := open(t, backend)
	var ids []string
	var entries []store.Revocation
	for i, text := range awkwardTexts() {
		ids = append(ids, text)
		if i%2 == 0 {
			continue // its neighbours are like it
		}
		entry := store.Revocation{ID: text, At: after(time.Duration(i) * time.Second), Until: after(time.Hour)}
		must(t, "Revoke", db.Revoke(within(t), text, 0, entry.At, entry.Until))
		entries = append(entries, entry)
	}
	for _, entry := range entries {
		wantRevoked(t, db, []string{entry.ID}, entry)
	}
	for n := range len(ids) {
		wantRevoked(t, db, ids[:n], entries[:n/2]...)
	}
	for len(ids) < 100 {
		ids = append(ids, newID())
	}
	wantRevoked(t, db, ids, entries...)
}
