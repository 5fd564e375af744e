package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// A purge deletes in batches, each a transaction of its own: none holds its locks for longer than some milliseconds, and
// in SQLite, where one writes at a time, others write between two of them.
const (
	purgeBatch   = 500
	purgeBatches = 8 // of each kind in one call
)

// ended are the kinds of rows that end: table, primary key, and the condition, which has one place for now. Sessions have two
// ends, each with an index of its own: no database finds rows by either in one statement and reads no others.
var ended = []struct{ table, key, condition string }{
	{"oidcauth_sessions", "id", "expires_ms <= ?"},
	{"oidcauth_sessions", "id", "idle_ms <= ? AND idle_ms > " + never},
	{"oidcauth_revocations", "id", "until_ms <= ?"},
	{"oidcauth_keys", "generation", "until_ms <= ? AND until_ms <> " + never},
}

// Purge deletes what has ended, as [store.Store.Purge] specifies. One call deletes at most 4,000 revocations, 4,000 keys, 4,000 sessions
// whose Expires has passed and 4,000 whose Idle has passed, in transactions of 500 rows.
func (s *Store) Purge(ctx context.Context, now time.Time) (removed int, err error) {
	for _, kind := range ended {
		statement := s.dialect.purge(kind.table, kind.key, kind.condition)
		for range purgeBatches {
			n, err := s.purge(ctx, statement, now)
			removed += n
			if err != nil {
				return removed, err
			}
			if n < purgeBatch {
				break
			}
		}
	}
	return removed, nil
}

func (s *Store) purge(ctx context.Context, statement string, now time.Time) (removed int, err error) {
	err = s.do(ctx, "purge", func() error {
		return s.transaction(ctx, func(tx *sql.Tx) error {
			n, err := s.exec(ctx, tx, statement, millis(now))
			removed = int(n)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}
