package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Revoke is [store.Store.Revoke]: one transaction.
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
		return store.ErrConflict
	}
	return err
}

// Revoked is [store.Store.Revoked].
func (s *Store) Revoked(ctx context.Context, since, now time.Time) (list []store.Revocation, err error) {
	err = s.do(ctx, "revoked", func() error {
		list, err = query(ctx, s, readRevocation, `SELECT id, at_ms, until_ms FROM oidcauth_revocations WHERE at_ms >= ? AND until_ms > ?`,
			millis(since), millis(now))
		return err
	})
	return list, err
}

// amongStep is how many IDs more each further statement of RevokedAmong takes.
const amongStep = 8

// RevokedAmong is [store.Store.RevokedAmong]. It repeats the last ID until the statement has a multiple of eight IDs, so that few different
// statements are prepared.
func (s *Store) RevokedAmong(ctx context.Context, ids []string, now time.Time) (list []store.Revocation, err error) {
	err = s.do(ctx, "revoked among", func() error {
		if len(ids) == 0 {
			return nil
		}
		args := []any{millis(now)}
		for i := range (len(ids) + amongStep - 1) / amongStep * amongStep {
			args = append(args, text(ids[min(i, len(ids)-1)]))
		}
		list, err = query(ctx, s, readRevocation, `SELECT id, at_ms, until_ms FROM oidcauth_revocations WHERE until_ms > ? AND id IN (?`+
			strings.Repeat(", ?", len(args)-2)+`)`, args...)
		return err
	})
	return list, err
}

func readRevocation(row *sql.Rows) (entry store.Revocation, err error) {
	var at, until int64
	err = row.Scan(&entry.ID, &at, &until)
	entry.ID, entry.At, entry.Until = untext(entry.ID), moment(at), moment(until)
	return entry, err
}
