package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	of := listsOf(session)
	keys := append([]string{sessionKey + session.ID, sessionsKey}, append(of.keys(), revokedKey)...)
	arguments := append(of.values(),
		session.ID, rand.Text(), millis(session.Expires), millis(session.Idle), millis(session.Started),
		"version", number(session.Version), "kind", session.Kind, "subject", session.Subject, "owner", of.owner, "provider_session", of.provider,
		"started", millis(session.Started), "seen", millis(session.Seen), "idle", millis(session.Idle), "note", string(session.Note))
	return s.run(ctx, "put session", putScript, keys, append(arguments, changing(session)...)...)
}

// Swap is [store.Store.Swap].
func (s *Store) Swap(ctx context.Context, session store.Session) error {
	arguments := []any{session.ID, rand.Text(), millis(session.Expires), number(session.Version), number(session.Version + 1)}
	arguments = append(arguments, changing(session)...)
	_, err := within(ctx, "swap", func() (struct{}, error) {
		return struct{}{}, s.listed(ctx, session.ID, listsOf(session), func(of lists) error {
			keys := append([]string{sessionKey + session.ID, sessionsKey}, of.keys()...)
			return s.try(ctx, swapScript, keys, append(of.values(), arguments...)...)
		})
	})
	return err
}

// Touch is [store.Store.Touch].
func (s *Store) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	err := s.run(ctx, "touch", touchScript, []string{sessionKey + id, sessionsKey}, id, millis(seen), millis(idle))
	if errors.Is(err, store.ErrConflict) {
		return store.ErrNotFound
	}
	return err
}

// changing lists the fields of a session that a swap replaces. The texts are copies: a call that was cancelled may still
// be sending them.
func changing(s store.Session) []any {
	return []any{
		"current", string(s.Current), "last", string(s.Last), "data", string(s.Data), "answer", string(s.Answer),
		"rotated", millis(s.Rotated), "lease", millis(s.Lease), "expires", millis(s.Expires), "last_expiry", millis(s.LastExpiry),
	}
}

// Session is [store.Store.Session].
func (s *Store) Session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	return within(ctx, "session", func() (store.Session, error) {
		stored, err := s.client.HGetAll(ctx, sessionKey+id).Result()
		if err != nil {
			return store.Session{}, err
		}
		if len(stored) == 0 {
			return store.Session{}, store.ErrNotFound
		}
		session, err := readSession(id, stored)
		if err == nil && over(session, now) {
			return store.Session{}, store.ErrNotFound
		}
		return session, err
	})
}

// over says whether a session has ended.
func over(s store.Session, now time.Time) bool {
	return !s.Expires.After(now) || !s.Idle.IsZero() && !s.Idle.After(now)
}

func readSession(id string, stored map[string]string) (store.Session, error) {
	var n numbers
	session := store.Session{
		ID: id, Kind: stored["kind"], Subject: stored["subject"],
		Owner: bytesOf(stored["owner"]), ProviderSession: bytesOf(stored["provider_session"]), Note: bytesOf(stored["note"]),
		Current: bytesOf(stored["current"]), Last: bytesOf(stored["last"]), Data: bytesOf(stored["data"]), Answer: bytesOf(stored["answer"]),
		Rotated: n.time(stored["rotated"]), Lease: n.time(stored["lease"]), Expires: n.time(stored["expires"]),
		Started: n.time(stored["started"]), Seen: n.time(stored["seen"]), Idle: n.time(stored["idle"]), LastExpiry: n.time(stored["last_expiry"]), Version: n.int(stored["version"]),
	}
	return session, n.err
}

func bytesOf(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// millis writes a time as milliseconds since 1970. The zero time has a number of its own, long before every other.
func millis(t time.Time) string { return number(t.UnixMilli()) }

func number(n int64) string { return strconv.FormatInt(n, 10) }
