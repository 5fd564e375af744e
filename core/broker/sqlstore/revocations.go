package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
)

// Revoke is [broker.Store.Revoke]: one transaction.
func (s *Store) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return s.do(ctx, "revoke", func() error {
		return s.transaction(ctx, func(tx *sql.Tx) error {
			if err := s.deleteSession(ctx, tx, id, version); err != nil {
				return err
			}
			_, err := s.exec(ctx, tx, s.dialect.revoke, text(id), millis(now), millis(until))
			return err
		})
	})
}

func (s *Store) deleteSession(ctx context.Context, tx *sql.Tx, id string, version int64) error {
	if version == 0 {
		_, err := s.exec(ctx, tx, `DELETE FROM oidcauth_sessions WHERE id = ?`, text(id))
		return err
	}
	deleted, err := s.exec(ctx, tx, `DELETE FROM oidcauth_sessions WHERE id = ? AND version = ?`, text(id), version)
	if err == nil && deleted == 0 {
		return broker.ErrConflict
	}
	return err
}

// Revoked is [broker.Store.Revoked].
func (s *Store) Revoked(ctx context.Context, since, now time.Time) (list []broker.Revocation, err error) {
	err = s.do(ctx, "revoked", func() error {
		list, err = s.revoked(ctx, since, now)
		return err
	})
	return list, err
}

func (s *Store) revoked(ctx context.Context, since, now time.Time) (list []broker.Revocation, err error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.placeholders(`SELECT id, at_ms, until_ms FROM oidcauth_revocations WHERE at_ms >= ? AND until_ms > ?`),
		millis(since), millis(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var entry broker.Revocation
		var at, until int64
		if err := rows.Scan(&entry.ID, &at, &until); err != nil {
			return nil, err
		}
		entry.ID, entry.At, entry.Until = untext(entry.ID), moment(at), moment(until)
		list = append(list, entry)
	}
	return list, rows.Err()
}
