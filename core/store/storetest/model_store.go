package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// reference is a store as its contract describes it, as plainly as can be: for one caller, without contexts and copies.
type reference struct {
	keys     map[int64]store.Key
	sessions map[string]store.Session
	feed     map[string]store.Revocation
}

func newReference() *reference {
	return &reference{map[int64]store.Key{}, map[string]store.Session{}, map[string]store.Revocation{}}
}

func (r *reference) addKey(key store.Key) error {
	if _, ok := r.keys[key.Generation]; ok {
		return store.ErrConflict
	}
	r.keys[key.Generation] = key
	return nil
}

func (r *reference) retireKey(generation int64, until time.Time) {
	if key, ok := r.keys[generation]; ok && key.Until.IsZero() {
		key.Until = until
		r.keys[generation] = key
	}
}

func (r *reference) putSession(session store.Session) error {
	if _, ok := r.sessions[session.ID]; ok {
		return store.ErrConflict
	}
	r.sessions[session.ID] = session
	return nil
}

func (r *reference) session(id string, now time.Time) (store.Session, error) {
	if session, ok := r.sessions[id]; ok && session.Expires.After(now) {
		return session, nil
	}
	return store.Session{}, store.ErrNotFound
}

func (r *reference) swap(session store.Session) error {
	stored, ok := r.sessions[session.ID]
	if !ok || stored.Version != session.Version {
		return store.ErrConflict
	}
	session.Subject, session.Started = stored.Subject, stored.Started
	session.Version++
	r.sessions[session.ID] = session
	return nil
}

func (r *reference) revoke(id string, version int64, now, until time.Time) error {
	stored, ok := r.sessions[id]
	if version != 0 && (!ok || stored.Version != version) {
		return store.ErrConflict
	}
	delete(r.sessions, id)
	if entry, ok := r.feed[id]; ok {
		now, until = time.UnixMilli(max(now.UnixMilli(), entry.At.UnixMilli())).UTC(), time.UnixMilli(max(until.UnixMilli(), entry.Until.UnixMilli())).UTC()
	}
	r.feed[id] = store.Revocation{ID: id, At: now, Until: until}
	return nil
}

func (r *reference) revoked(since, now time.Time) (list []store.Revocation) {
	for _, entry := range r.feed {
		if entry.At.Compare(since) >= 0 && entry.Until.Compare(now) > 0 {
			list = append(list, entry)
		}
	}
	return list
}

func (r *reference) purge(now time.Time) int {
	before := len(r.keys) + len(r.sessions) + len(r.feed)
	maps.DeleteFunc(r.sessions, func(_ string, s store.Session) bool { return s.Expires.Compare(now) <= 0 })
	maps.DeleteFunc(r.feed, func(_ string, e store.Revocation) bool { return e.Until.Compare(now) <= 0 })
	maps.DeleteFunc(r.keys, func(_ int64, k store.Key) bool { return !k.Until.IsZero() && k.Until.Compare(now) <= 0 })
	return before - len(r.keys) - len(r.sessions) - len(r.feed)
}

func (r *reference) sortedKeys() (keys []store.Key) {
	for _, generation := range slices.Sorted(maps.Keys(r.keys)) {
		keys = append(keys, r.keys[generation])
	}
	return keys
}

// storeModel holds a store to the reference: the same calls on both, answers and errors compared.
func storeModel(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	explore(t, func(rt *rapid.T) {
		clearPlace(t, stores[0])
		m := &storeMachine{ctx: within(t), stores: stores, want: newReference()}
		rt.Repeat(map[string]func(*rapid.T){
			"AddKey": m.addKey, "RetireKey": m.retireKey, "PutSession": m.putSession, "Session": m.session, "Swap": m.swap,
			"Revoke": m.revoke, "Revoked": m.revoked, "Purge": m.purge, "everything": m.compare,
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

func drawVersion(rt *rapid.T) int64 { return rapid.Int64Range(0, 4).Draw(rt, "version") }

func drawSession(rt *rapid.T) store.Session {
	return store.Session{
		ID: drawID(rt), Subject: rapid.SampledFrom([]string{"", "s", "S "}).Draw(rt, "subject"), Current: drawBytes(rt, "current"),
		Last: drawBytes(rt, "last"), Data: drawBytes(rt, "data"), Answer: drawBytes(rt, "answer"), Rotated: drawMaybeTime(rt, "rotated"),
		Lease: drawMaybeTime(rt, "lease"), Expires: drawTime(rt, "expires"), Version: 1,
		Started: drawMaybeTime(rt, "started"), LastExpiry: drawMaybeTime(rt, "last expiry"),
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
}
