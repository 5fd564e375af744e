package storetest

import (
	"bytes"
	"maps"
	"slices"
	"time"

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
	if session, ok := r.sessions[id]; ok && endOf(session).After(now) {
		return session, nil
	}
	return store.Session{}, store.ErrNotFound
}

func (r *reference) swap(session store.Session) error {
	stored, ok := r.sessions[session.ID]
	if !ok || stored.Version != session.Version {
		return store.ErrConflict
	}
	session.Kind, session.Subject, session.Owner, session.ProviderSession = stored.Kind, stored.Subject, stored.Owner, stored.ProviderSession
	session.Started, session.Seen, session.Idle, session.Note = stored.Started, stored.Seen, stored.Idle, stored.Note
	session.Version++
	r.sessions[session.ID] = session
	return nil
}

func (r *reference) touch(id string, seen, idle time.Time) error {
	session, ok := r.sessions[id]
	if !ok {
		return store.ErrNotFound
	}
	if seen.After(session.Seen) {
		session.Seen = seen
	}
	if idle.After(session.Idle) {
		session.Idle = idle
	}
	r.sessions[id] = session
	return nil
}

// sessionsOf leaves nothing out: who compares does. Sessions that started at once are in the order of their IDs.
func (r *reference) sessionsOf(of store.Selection, now time.Time, limit int) (list []store.Session) {
	for _, id := range slices.Sorted(maps.Keys(r.sessions)) {
		session := r.sessions[id]
		found := len(of.Owner) > 0 && bytes.Equal(of.Owner, session.Owner) ||
			len(of.ProviderSession) > 0 && bytes.Equal(of.ProviderSession, session.ProviderSession)
		if found && endOf(session).After(now) {
			list = append(list, session)
		}
	}
	slices.SortStableFunc(list, func(a, b store.Session) int { return b.Started.Compare(a.Started) })
	return list[:max(0, min(limit, len(list)))]
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

func (r *reference) revokedAmong(ids []string, now time.Time) (list []store.Revocation) {
	for _, id := range ids {
		if entry, ok := r.feed[id]; ok && entry.Until.Compare(now) > 0 {
			list = append(list, entry)
		}
	}
	return list
}

func (r *reference) purge(now time.Time) int {
	before := len(r.keys) + len(r.sessions) + len(r.feed)
	maps.DeleteFunc(r.sessions, func(_ string, s store.Session) bool { return endOf(s).Compare(now) <= 0 })
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
