package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	return s.do(ctx, "put session", func() error {
		_, err := s.exec(ctx, handle{s}, `INSERT INTO oidcauth_sessions
			(id, subject, current_hash, last_hash, data, answer, rotated_ms, lease_ms, expires_ms, started_ms, last_expiry_ms, version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			text(session.ID), text(session.Subject), blob(session.Current), blob(session.Last), blob(session.Data), blob(session.Answer),
			millis(session.Rotated), millis(session.Lease), millis(session.Expires), millis(session.Started), millis(session.LastExpiry), session.Version)
		return err
	})
}

// Session is [store.Store.Session].
func (s *Store) Session(ctx context.Context, id string, now time.Time) (session store.Session, err error) {
	err = s.do(ctx, "session", func() error {
		session, err = s.session(ctx, id, now)
		return err
	})
	return session, err
}

func (s *Store) session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	found, err := query(ctx, s, readSession, `SELECT id, subject, current_hash, last_hash, data, answer, rotated_ms, lease_ms, expires_ms,
		started_ms, last_expiry_ms, version FROM oidcauth_sessions WHERE id = ? AND expires_ms > ?`, text(id), millis(now))
	switch {
	case err != nil:
		return store.Session{}, err
	case len(found) == 0:
		return store.Session{}, store.ErrNotFound
	}
	return found[0], nil
}

func readSession(row *sql.Rows) (session store.Session, err error) {
	var rotated, lease, expires, started, lastExpiry int64
	err = row.Scan(&session.ID, &session.Subject, &session.Current, &session.Last, &session.Data, &session.Answer, &rotated, &lease, &expires,
		&started, &lastExpiry, &session.Version)
	session.ID, session.Subject = untext(session.ID), untext(session.Subject)
	session.Rotated, session.Lease, session.Expires = moment(rotated), moment(lease), moment(expires)
	session.Started, session.LastExpiry = moment(started), moment(lastExpiry)
	return session, err
}

// Swap is [store.Store.Swap]: one statement, so that of many callers with the same version one finds its row. The version
// changes, so MySQL counts the row as changed in each of its modes.
func (s *Store) Swap(ctx context.Context, session store.Session) error {
	return s.do(ctx, "swap", func() error {
		changed, err := s.exec(ctx, handle{s}, `UPDATE oidcauth_sessions SET current_hash = ?, last_hash = ?, data = ?, answer = ?,
			rotated_ms = ?, lease_ms = ?, expires_ms = ?, last_expiry_ms = ?, version = version + 1 WHERE id = ? AND version = ?`,
			blob(session.Current), blob(session.Last), blob(session.Data), blob(session.Answer),
			millis(session.Rotated), millis(session.Lease), millis(session.Expires), millis(session.LastExpiry), text(session.ID), session.Version)
		if err == nil && changed == 0 {
			return store.ErrConflict
		}
		return err
	})
}
