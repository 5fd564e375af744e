package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// AddKey is [store.Store.AddKey].
func (s *Store) AddKey(ctx context.Context, key store.Key) error {
	return s.do(ctx, "add key", func() error {
		_, err := s.exec(ctx, handle{s}, `INSERT INTO oidcauth_keys (generation, kid, sealed, from_ms, until_ms) VALUES (?, ?, ?, ?, ?)`,
			key.Generation, text(key.ID), blob(key.Sealed), millis(key.From), millis(key.Until))
		return err
	})
}

// RetireKey is [store.Store.RetireKey].
func (s *Store) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.do(ctx, "retire key", func() error {
		_, err := s.exec(ctx, handle{s}, `UPDATE oidcauth_keys SET until_ms = ? WHERE generation = ? AND until_ms = `+never, millis(until), generation)
		return err
	})
}

// Keys is [store.Store.Keys].
func (s *Store) Keys(ctx context.Context) (keys []store.Key, err error) {
	err = s.do(ctx, "keys", func() error {
		keys, err = query(ctx, s, readKey, `SELECT generation, kid, sealed, from_ms, until_ms FROM oidcauth_keys ORDER BY generation`)
		return err
	})
	return keys, err
}

func readKey(row *sql.Rows) (key store.Key, err error) {
	var from, until int64
	err = row.Scan(&key.Generation, &key.ID, &key.Sealed, &from, &until)
	key.ID, key.From, key.Until = untext(key.ID), moment(from), moment(until)
	return key, err
}
