package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// columns are those of a session but for data and answer, in the order in which [readColumns] reads them.
const columns = `id, kind, subject, owner, provider_session, current_hash, last_hash, rotated_ms, lease_ms, expires_ms, started_ms, seen_ms,
	idle_ms, last_expiry_ms, version, note`

// lasting is the condition that a session has not ended; now has two places in it.
const lasting = `expires_ms > ? AND (idle_ms > ? OR idle_ms = ` + never + `)`

// PutSession is [store.Store.PutSession].
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	return s.do(ctx, "put session", func() error {
		_, err := s.exec(ctx, handle{s}, `INSERT INTO oidcauth_sessions (`+columns+`, data, answer)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			text(session.ID), text(session.Kind), text(session.Subject), blob(session.Owner), blob(session.ProviderSession),
			blob(session.Current), blob(session.Last), millis(session.Rotated), millis(session.Lease), millis(session.Expires),
			millis(session.Started), millis(session.Seen), millis(session.Idle), millis(session.LastExpiry), session.Version,
			blob(session.Note), blob(session.Data), blob(session.Answer))
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
	found, err := query(ctx, s, readSession, `SELECT `+columns+`, data, answer FROM oidcauth_sessions WHERE id = ? AND `+lasting,
		text(id), millis(now), millis(now))
	switch {
	case err != nil:
		return store.Session{}, err
	case len(found) == 0:
		return store.Session{}, store.ErrNotFound
	}
	return found[0], nil
}

func readSession(row *sql.Rows) (session store.Session, err error) {
	var data, answer []byte
	session, err = readColumns(row, &data, &answer)
	session.Data, session.Answer = data, answer
	return session, err
}

func readWithoutData(row *sql.Rows) (store.Session, error) { return readColumns(row) }

// readColumns reads a session, and what follows its columns into others.
func readColumns(row *sql.Rows, others ...any) (session store.Session, err error) {
	var rotated, lease, expires, started, seen, idle, lastExpiry int64
	err = row.Scan(append([]any{
		&session.ID, &session.Kind, &session.Subject, &session.Owner, &session.ProviderSession, &session.Current, &session.Last,
		&rotated, &lease, &expires, &started, &seen, &idle, &lastExpiry, &session.Version, &session.Note,
	}, others...)...)
	session.ID, session.Kind, session.Subject = untext(session.ID), untext(session.Kind), untext(session.Subject)
	session.Rotated, session.Lease, session.Expires = moment(rotated), moment(lease), moment(expires)
	session.Started, session.Seen, session.Idle, session.LastExpiry = moment(started), moment(seen), moment(idle), moment(lastExpiry)
	return session, err
}

// SessionsOf is [store.Store.SessionsOf]. The index has the order of the result, so the database reads only the rows that it returns, and
// those that have ended and are not purged yet. The condition length(…) > 0 is that of the partial index: without it, SQLite and PostgreSQL
// do not use the index.
func (s *Store) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) (list []store.Session, err error) {
	column, value := "owner", of.Owner
	if len(value) == 0 {
		column, value = "provider_session", of.ProviderSession
	}
	err = s.do(ctx, "sessions of", func() error {
		if len(value) == 0 || limit < 1 {
			return nil
		}
		list, err = query(ctx, s, readWithoutData, `SELECT `+columns+` FROM oidcauth_sessions WHERE `+column+` = ? AND length(`+column+`) > 0 AND `+
			lasting+` ORDER BY started_ms DESC LIMIT ?`, value, millis(now), millis(now), limit)
		return err
	})
	return list, err
}

// Swap is [store.Store.Swap]. It is one statement, so that only one of several callers with the same version finds its row. MySQL may
// count only rows whose values change; here the version always does.
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

// Touch is [store.Store.Touch]. One statement writes the row if a time becomes later. If it writes no row, a second statement finds out
// whether the session exists.
func (s *Store) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	greatest := s.dialect.greatest
	return s.do(ctx, "touch", func() error {
		moved, err := s.exec(ctx, handle{s}, `UPDATE oidcauth_sessions SET seen_ms = `+greatest+`(seen_ms, ?), idle_ms = `+greatest+`(idle_ms, ?)
			WHERE id = ? AND (seen_ms < ? OR idle_ms < ?)`, millis(seen), millis(idle), text(id), millis(seen), millis(idle))
		if err != nil || moved > 0 {
			return err
		}
		found, err := query(ctx, s, readVersion, `SELECT version FROM oidcauth_sessions WHERE id = ?`, text(id))
		if err == nil && len(found) == 0 {
			return store.ErrNotFound
		}
		return err
	})
}

func readVersion(row *sql.Rows) (version int64, err error) {
	err = row.Scan(&version)
	return version, err
}
