package store

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory is an in-memory store. Its sessions and signing keys end with the process, and other instances do not see them. Use it for
// tests, and for a single instance that may log all users out when it restarts. The zero value is ready for use. Safe for concurrent
// use.
type Memory struct {
	mu       sync.Mutex
	keys     map[int64]Key
	sessions map[string]Session
	revoked  map[string]Revocation
	index    memoryIndex
}

var _ Local = (*Memory)(nil)

// NewMemory makes an empty store. The URL "memory://" opens the same.
func NewMemory() *Memory { return &Memory{} }

// SecretFile returns "" and true: a service without SecretKeys uses a secret key that ends with the process, like the data.
func (m *Memory) SecretFile() (string, bool) { return "", true }

// locked calls fn while it holds the lock, unless the context has ended.
func (m *Memory) locked(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys, m.sessions, m.revoked = make(map[int64]Key), make(map[string]Session), make(map[string]Revocation)
	}
	return fn()
}

// Init does nothing.
func (m *Memory) Init(ctx context.Context) error { return ctx.Err() }

// AddKey is [Store.AddKey].
func (m *Memory) AddKey(ctx context.Context, key Key) error {
	return m.locked(ctx, func() error {
		if _, taken := m.keys[key.Generation]; taken {
			return ErrConflict
		}
		m.keys[key.Generation] = copyKey(key)
		return nil
	})
}

// RetireKey is [Store.RetireKey].
func (m *Memory) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return m.locked(ctx, func() error {
		if key, ok := m.keys[generation]; ok && key.Until.IsZero() {
			key.Until = until
			m.keys[generation] = copyKey(key)
		}
		return nil
	})
}

// Keys is [Store.Keys].
func (m *Memory) Keys(ctx context.Context) (keys []Key, err error) {
	err = m.locked(ctx, func() error {
		for _, key := range m.keys {
			keys = append(keys, copyKey(key))
		}
		return nil
	})
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Generation, b.Generation) })
	return keys, err
}

// PutSession is [Store.PutSession].
func (m *Memory) PutSession(ctx context.Context, session Session) error {
	return m.locked(ctx, func() error {
		if _, taken := m.sessions[session.ID]; taken {
			return ErrConflict
		}
		m.sessions[session.ID] = copySession(session)
		m.index.add(session)
		return nil
	})
}

// Session is [Store.Session].
func (m *Memory) Session(ctx context.Context, id string, now time.Time) (session Session, err error) {
	err = m.locked(ctx, func() error {
		stored, ok := m.sessions[id]
		if !ok || hasEnded(stored, now) {
			return ErrNotFound
		}
		session = copySession(stored)
		return nil
	})
	return session, err
}

// Swap is [Store.Swap].
func (m *Memory) Swap(ctx context.Context, session Session) error {
	return m.locked(ctx, func() error {
		stored, ok := m.sessions[session.ID]
		if !ok || stored.Version != session.Version {
			return ErrConflict
		}
		session = copySession(session)
		session.Kind, session.Subject, session.Started, session.Note = stored.Kind, stored.Subject, stored.Started, stored.Note
		session.Owner, session.ProviderSession = stored.Owner, stored.ProviderSession
		session.Seen, session.Idle = stored.Seen, stored.Idle
		session.Version++
		m.sessions[session.ID] = session
		return nil
	})
}

// Touch is [Store.Touch].
func (m *Memory) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	return m.locked(ctx, func() error {
		stored, ok := m.sessions[id]
		if !ok {
			return ErrNotFound
		}
		stored.Seen, stored.Idle = later(stored.Seen, seen).UTC(), later(stored.Idle, idle).UTC()
		m.sessions[id] = stored
		return nil
	})
}

// SessionsOf is [Store.SessionsOf].
func (m *Memory) SessionsOf(ctx context.Context, of Selection, now time.Time, limit int) (list []Session, err error) {
	err = m.locked(ctx, func() error {
		for id := range m.index.of(of) {
			if stored := m.sessions[id]; !hasEnded(stored, now) {
				list = append(list, stored)
			}
		}
		slices.SortFunc(list, func(a, b Session) int { return b.Started.Compare(a.Started) })
		list = list[:max(0, min(limit, len(list)))]
		for i := range list {
			list[i].Data, list[i].Answer = nil, nil
			list[i] = copySession(list[i])
		}
		return nil
	})
	return list, err
}

// Revoke is [Store.Revoke].
func (m *Memory) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return m.locked(ctx, func() error {
		if stored, ok := m.sessions[id]; version != 0 && (!ok || stored.Version != version) {
			return ErrConflict
		}
		m.remove(id)
		entry := m.revoked[id]
		m.revoked[id] = Revocation{ID: id, At: later(entry.At, now).UTC(), Until: later(entry.Until, until).UTC()}
		return nil
	})
}

// remove deletes a session, if there is one, and its entries in the index.
func (m *Memory) remove(id string) {
	m.index.remove(m.sessions[id])
	delete(m.sessions, id)
}

// hasEnded reports whether a session has ended at a time.
func hasEnded(s Session, now time.Time) bool {
	return !s.Expires.After(now) || !s.Idle.IsZero() && !s.Idle.After(now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Revoked is [Store.Revoked].
func (m *Memory) Revoked(ctx context.Context, since, now time.Time) (list []Revocation, err error) {
	err = m.locked(ctx, func() error {
		for _, entry := range m.revoked {
			if !entry.At.Before(since) && entry.Until.After(now) {
				list = append(list, entry)
			}
		}
		return nil
	})
	return list, err
}

// RevokedAmong is [Store.RevokedAmong].
func (m *Memory) RevokedAmong(ctx context.Context, ids []string, now time.Time) (list []Revocation, err error) {
	err = m.locked(ctx, func() error {
		for _, id := range ids {
			if entry, ok := m.revoked[id]; ok && entry.Until.After(now) {
				list = append(list, entry)
			}
		}
		return nil
	})
	return list, err
}

// Purge is [Store.Purge]. One call deletes everything that has ended, and visits all entries.
func (m *Memory) Purge(ctx context.Context, now time.Time) (removed int, err error) {
	err = m.locked(ctx, func() error {
		before := len(m.sessions) + len(m.revoked) + len(m.keys)
		for id, session := range m.sessions {
			if hasEnded(session, now) {
				m.remove(id)
			}
		}
		maps.DeleteFunc(m.revoked, func(_ string, r Revocation) bool { return !r.Until.After(now) })
		maps.DeleteFunc(m.keys, func(_ int64, k Key) bool { return !k.Until.IsZero() && !k.Until.After(now) })
		removed = before - len(m.sessions) - len(m.revoked) - len(m.keys)
		return nil
	})
	return removed, err
}

// Close does nothing: the data is released with the last reference to the store.
func (m *Memory) Close() error { return nil }

func copyKey(key Key) Key {
	key.Sealed, key.From, key.Until = bytes.Clone(key.Sealed), key.From.UTC(), key.Until.UTC()
	return key
}

func copySession(s Session) Session {
	s.Current, s.Last, s.Data, s.Answer = bytes.Clone(s.Current), bytes.Clone(s.Last), bytes.Clone(s.Data), bytes.Clone(s.Answer)
	s.Rotated, s.Lease, s.Expires = s.Rotated.UTC(), s.Lease.UTC(), s.Expires.UTC()
	s.Owner, s.ProviderSession, s.Note = bytes.Clone(s.Owner), bytes.Clone(s.ProviderSession), bytes.Clone(s.Note)
	s.Started, s.Seen, s.Idle, s.LastExpiry = s.Started.UTC(), s.Seen.UTC(), s.Idle.UTC(), s.LastExpiry.UTC()
	return s
}
