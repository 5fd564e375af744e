package redisstore

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	arguments := []any{session.ID, rand.Text(), millis(session.Expires), "version", number(session.Version), "subject", session.Subject, "started", millis(session.Started)}
	return s.run(ctx, "put session", putScript, []string{sessionKey + session.ID, sessionsKey}, append(arguments, changing(session)...)...)
}

// Swap is [store.Store.Swap].
func (s *Store) Swap(ctx context.Context, session store.Session) error {
	arguments := []any{session.ID, rand.Text(), millis(session.Expires), number(session.Version), number(session.Version + 1)}
	return s.run(ctx, "swap", swapScript, []string{sessionKey + session.ID, sessionsKey}, append(arguments, changing(session)...)...)
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
		if err == nil && !session.Expires.After(now) {
			return store.Session{}, store.ErrNotFound
		}
		return session, err
	})
}

func readSession(id string, stored map[string]string) (store.Session, error) {
	var n numbers
	session := store.Session{
		ID: id, Subject: stored["subject"],
		Current: bytesOf(stored["current"]), Last: bytesOf(stored["last"]), Data: bytesOf(stored["data"]), Answer: bytesOf(stored["answer"]),
		Rotated: n.time(stored["rotated"]), Lease: n.time(stored["lease"]), Expires: n.time(stored["expires"]),
		Started: n.time(stored["started"]), LastExpiry: n.time(stored["last_expiry"]), Version: n.int(stored["version"]),
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
