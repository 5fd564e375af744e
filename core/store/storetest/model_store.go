package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// storeModel holds a store to the reference: the same calls on both, answers and errors compared.
func storeModel(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	explore(t, func(rt *rapid.T) {
		clearPlace(t, stores[0])
		m := &storeMachine{ctx: within(t), stores: stores, want: newReference()}
		rt.Repeat(map[string]func(*rapid.T){
			"AddKey": m.addKey, "RetireKey": m.retireKey, "PutSession": m.putSession, "Session": m.session, "Swap": m.swap,
			"Touch": m.touch, "SessionsOf": m.sessionsOf, "Revoke": m.revoke, "Revoked": m.revoked, "RevokedAmong": m.revokedAmong,
			"Purge": m.purge, "everything": m.compare,
		})
		m.compare(rt)
	})
}

type storeMachine struct {
	ctx    context.Context
	stores []store.Store
	want   *reference
}

func (m *storeMachine) store(rt *rapid.T) store.Store {
	return rapid.SampledFrom(m.stores).Draw(rt, "store")
}

// few values, so that they meet.
func drawID(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "A", "a "}).Draw(rt, "id") }

func drawTime(rt *rapid.T, name string) time.Time {
	return after(time.Duration(rapid.IntRange(0, 5).Draw(rt, name)) * time.Millisecond)
}

func drawMaybeTime(rt *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(rt, "no "+name) {
		return time.Time{}
	}
	return drawTime(rt, name)
}

func drawBytes(rt *rapid.T, name string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(rt, name)
}

func drawHash(rt *rapid.T, name string) []byte {
	return rapid.SampledFrom([][]byte{nil, {}, {0}, {'a'}, {'a', 0}}).Draw(rt, name)
}

func drawVersion(rt *rapid.T) int64 { return rapid.Int64Range(0, 4).Draw(rt, "version") }

func drawSession(rt *rapid.T) store.Session {
	return store.Session{
		ID: drawID(rt), Kind: rapid.SampledFrom([]string{"", store.KindToken, store.KindBrowser}).Draw(rt, "kind"),
		Subject: rapid.SampledFrom([]string{"", "s", "S "}).Draw(rt, "subject"), Current: drawBytes(rt, "current"),
		Last: drawBytes(rt, "last"), Data: drawBytes(rt, "data"), Answer: drawBytes(rt, "answer"), Rotated: drawMaybeTime(rt, "rotated"),
		Lease: drawMaybeTime(rt, "lease"), Expires: drawTime(rt, "expires"), Version: 1,
		Owner: drawHash(rt, "owner"), ProviderSession: drawHash(rt, "provider session"), Note: drawBytes(rt, "note"),
		Started: drawMaybeTime(rt, "started"), Seen: drawMaybeTime(rt, "seen"), Idle: drawMaybeTime(rt, "idle"), LastExpiry: drawMaybeTime(rt, "last expiry"),
	}
}

// agree holds an error of a store to the one of the reference.
func agree(rt *rapid.T, got, want error) {
	if want == nil && got == nil || want != nil && errors.Is(got, want) {
		return
	}
	rt.Fatalf("error %v, want %v", got, want)
}

func (m *storeMachine) addKey(rt *rapid.T) {
	key := store.Key{
		Generation: rapid.Int64Range(1, 3).Draw(rt, "generation"), ID: drawID(rt), Sealed: drawBytes(rt, "sealed"),
		From: drawMaybeTime(rt, "from"), Until: drawMaybeTime(rt, "until"),
	}
	agree(rt, m.store(rt).AddKey(m.ctx, key), m.want.addKey(key))
}

func (m *storeMachine) retireKey(rt *rapid.T) {
	generation, until := rapid.Int64Range(1, 4).Draw(rt, "generation"), drawTime(rt, "until")
	m.want.retireKey(generation, until)
	agree(rt, m.store(rt).RetireKey(m.ctx, generation, until), nil)
}

func (m *storeMachine) putSession(rt *rapid.T) {
	session := drawSession(rt)
	agree(rt, m.store(rt).PutSession(m.ctx, session), m.want.putSession(session))
}

func (m *storeMachine) session(rt *rapid.T) {
	id, now := drawID(rt), drawTime(rt, "now")
	got, err := m.store(rt).Session(m.ctx, id, now)
	want, wantErr := m.want.session(id, now)
	agree(rt, err, wantErr)
	if diff := differenceOfSessions(want, got); err == nil && diff != "" {
		rt.Fatalf("session: %s", diff)
	}
}

func (m *storeMachine) swap(rt *rapid.T) {
	session := drawSession(rt)
	session.Version = drawVersion(rt)
	if stored, ok := m.want.sessions[session.ID]; ok && rapid.Bool().Draw(rt, "right version") {
		session.Version = stored.Version
	}
	agree(rt, m.store(rt).Swap(m.ctx, session), m.want.swap(session))
}

func (m *storeMachine) touch(rt *rapid.T) {
	id, seen, idle := drawID(rt), drawMaybeTime(rt, "seen"), drawMaybeTime(rt, "idle")
	agree(rt, m.store(rt).Touch(m.ctx, id, seen, idle), m.want.touch(id, seen, idle))
}

func (m *storeMachine) sessionsOf(rt *rapid.T) {
	of := store.Selection{Owner: drawHash(rt, "hash")}
	if rapid.Bool().Draw(rt, "by provider session") {
		of = store.Selection{ProviderSession: of.Owner}
	}
	m.compareSelection(rt, m.store(rt), of, drawTime(rt, "now"), rapid.IntRange(0, 4).Draw(rt, "limit"))
}

// compareSelection leaves the order of sessions open that started at once, and with it which of them the limit leaves out.
func (m *storeMachine) compareSelection(rt *rapid.T, db store.Store, of store.Selection, now time.Time, limit int) {
	got, err := db.SessionsOf(m.ctx, of, now, limit)
	agree(rt, err, nil)
	want := m.want.sessionsOf(of, now, limit)
	if len(got) != len(want) {
		rt.Fatalf("SessionsOf: %d sessions, want %d", len(got), len(want))
	}
	for i, session := range got {
		stored := m.want.sessions[session.ID]
		stored.Data, stored.Answer = nil, nil
		if diff := differenceOfSessions(stored, session); diff != "" || !session.Started.Equal(want[i].Started) {
			rt.Fatalf("SessionsOf, at %d: %s, started %v, want %v", i, diff, session.Started, want[i].Started)
		}
	}
}

func (m *storeMachine) revokedAmong(rt *rapid.T) {
	ids, now := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "A", "a ", "b"}), 0, 4, rapid.ID).Draw(rt, "ids"), drawTime(rt, "now")
	got, err := m.store(rt).RevokedAmong(m.ctx, ids, now)
	agree(rt, err, nil)
	if diff := differenceOfFeeds(m.want.revokedAmong(ids, now), got); diff != "" {
		rt.Fatalf("RevokedAmong: %s", diff)
	}
}

func (m *storeMachine) revoke(rt *rapid.T) {
	id, version, now, until := drawID(rt), drawVersion(rt), drawTime(rt, "now"), drawTime(rt, "until")
	agree(rt, m.store(rt).Revoke(m.ctx, id, version, now, until), m.want.revoke(id, version, now, until))
}

func (m *storeMachine) revoked(rt *rapid.T) {
	since, now := drawTime(rt, "since"), drawTime(rt, "now")
	got, err := m.store(rt).Revoked(m.ctx, since, now)
	agree(rt, err, nil)
	if diff := differenceOfFeeds(m.want.revoked(since, now), got); diff != "" {
		rt.Fatalf("feed: %s", diff)
	}
}

func (m *storeMachine) purge(rt *rapid.T) {
	now := drawTime(rt, "now")
	got, err := m.store(rt).Purge(m.ctx, now)
	agree(rt, err, nil)
	if want := m.want.purge(now); got != want {
		rt.Fatalf("Purge: %d, want %d", got, want)
	}
}

// compare looks at everything that there is.
func (m *storeMachine) compare(rt *rapid.T) {
	db := m.stores[1]
	keys, err := db.Keys(m.ctx)
	agree(rt, err, nil)
	entries, err := db.Revoked(m.ctx, time.Time{}, time.Time{})
	agree(rt, err, nil)
	diff := first(differenceOfKeys(m.want.sortedKeys(), keys), differenceOfFeeds(m.want.revoked(time.Time{}, time.Time{}), entries))
	for _, id := range []string{"a", "A", "a "} {
		want, wantErr := m.want.session(id, time.Time{})
		got, err := db.Session(m.ctx, id, time.Time{})
		agree(rt, err, wantErr)
		if err == nil {
			diff = first(diff, differenceOfSessions(want, got))
		}
	}
	if diff != "" {
		rt.Fatalf("in the end: %s", diff)
	}
	for _, hash := range [][]byte{nil, {0}, {'a'}, {'a', 0}} {
		m.compareSelection(rt, db, store.Selection{Owner: hash}, time.Time{}, 10)
		m.compareSelection(rt, db, store.Selection{ProviderSession: hash}, time.Time{}, 10)
	}
}
