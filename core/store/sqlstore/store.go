package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Store is a [store.Store] on one database. Make one with [New] or [Own]; the zero value is not usable. Safe for concurrent use.
type Store struct {
	db       *sql.DB
	dialect  Dialect
	close    func() error
	prepared sync.Map      // text to *sql.Stmt: see statement
	turn     chan struct{} // to write: see alone
}

var _ store.Store = (*Store)(nil)

// New makes a store on a database handle that the caller owns: [Store.Close] leaves it open. The handle must use the driver whose error
// codes the dialect's [Classify] knows. New does not connect.
func New(db *sql.DB, dialect Dialect) *Store {
	return &Store{db: db, dialect: dialect, close: func() error { return nil }, turn: make(chan struct{}, 1)}
}

// Own makes a store that owns the database handle: [Store.Close] closes it. The handle must use the driver whose error codes the
// dialect's [Classify] knows. Own does not connect.
func Own(db *sql.DB, dialect Dialect) *Store {
	return &Store{db: db, dialect: dialect, close: sync.OnceValue(db.Close), turn: make(chan struct{}, 1)}
}

// LimitPool limits a handle to 16 connections to a database server, idle ones included. The handle closes a connection after a minute
// without work, and after five minutes in any case, so that it follows a host name that now leads to another server. The packages in
// brokerstore call it for the handles that they open.
func LimitPool(db *sql.DB) {
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(5 * time.Minute)
}

// Close closes the prepared statements, and the handle if the store owns it ([Own]). It may be called again.
func (s *Store) Close() error {
	s.prepared.Range(func(text, statement any) bool {
		s.prepared.Delete(text)
		_ = statement.(*sql.Stmt).Close() // of a server that cannot be reached any more, perhaps
		return true
	})
	if err := s.close(); err != nil {
		return fmt.Errorf("sqlstore: close: %w", err)
	}
	return nil
}

// patience is how long work is retried that the database undid in favour of another transaction.
const patience = 10 * time.Second

// do is [Retry] for the methods.
func (s *Store) do(ctx context.Context, operation string, work func() error) error {
	return Retry(ctx, s.dialect, operation, work)
}

// Retry runs work, and runs it again while it fails with a [Transient] fault, for ten seconds or until the context ends. work must be one
// statement or one transaction, so that a failed attempt leaves nothing behind. Retry returns [store.ErrConflict] and [store.ErrNotFound]
// unchanged, and wraps any other error with the name of the operation. It is for packages that implement a store on this one.
func Retry(ctx context.Context, dialect Dialect, operation string, work func() error) error {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		err := ctx.Err()
		if err == nil {
			err = work()
		}
		switch {
		case err == nil, errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
			return err
		case ctx.Err() != nil, time.Since(start) > patience, dialect.classify(err) != Transient:
			return failed(ctx, operation, err)
		}
		pause(ctx, attempt)
	}
}

// failed words an error once. A driver whose work was broken off need not say why: the context does.
func failed(ctx context.Context, operation string, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("sqlstore: %s: %w: %w", operation, ended, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", operation, err)
}

// pause waits for some milliseconds, up to fifty, rarely as long as another caller that waits.
func pause(ctx context.Context, attempt int) {
	timer := time.NewTimer(rand.N(time.Duration(min(attempt, 5)) * 10 * time.Millisecond)) //nolint:gosec // no secret: it keeps two that wait apart
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// alone waits for the turn to write; done ends it. Where a database lets one write at a time, those of this process wait
// here, in order and for no longer than their context: SQLite would have each look again and again, after pauses that
// become longer and in which perhaps nothing is written.
func (s *Store) alone(ctx context.Context) (done func(), err error) {
	if !s.dialect.oneWriter {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// runner is a transaction or the store itself.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// handle runs statements outside of transactions. Where the driver does not see to it by itself, they are prepared once:
// a server of MySQL would be asked three times for each, to prepare it, to execute it and to forget it, and SQLite would
// spend half of the time of a read on its text.
type handle struct{ *Store }

// ExecContext is [sql.DB.ExecContext].
func (h handle) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	done, err := h.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if !h.dialect.prepare {
		return h.db.ExecContext(ctx, text, args...)
	}
	statement, err := h.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// QueryContext is [sql.DB.QueryContext].
func (h handle) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if !h.dialect.prepare {
		return h.db.QueryContext(ctx, text, args...)
	}
	statement, err := h.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// statement returns a prepared one, which many may use at the same time.
func (s *Store) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if found, ok := s.prepared.Load(text); ok {
		return found.(*sql.Stmt), nil
	}
	made, err := s.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first, ok := s.prepared.LoadOrStore(text, made); ok {
		return first.(*sql.Stmt), made.Close()
	}
	return made, nil
}

// exec runs a statement and returns how many rows it made, changed or deleted. A row that exists already is
// [store.ErrConflict].
func (s *Store) exec(ctx context.Context, on runner, statement string, args ...any) (int64, error) {
	result, err := on.ExecContext(ctx, s.dialect.placeholders(statement), args...)
	switch {
	case err == nil:
		return result.RowsAffected()
	case s.dialect.classify(err) == Duplicate:
		return 0, store.ErrConflict
	default:
		return 0, err
	}
}

// query runs a statement and reads its rows, each by read.
func query[T any](ctx context.Context, s *Store, read func(*sql.Rows) (T, error), statement string, args ...any) (list []T, err error) {
	rows, err := handle{s}.QueryContext(ctx, s.dialect.placeholders(statement), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		row, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// transaction runs work in one transaction. Read committed is what the statements need: each decides by the rows that
// it changes, and the gaps between rows stay free for others.
func (s *Store) transaction(ctx context.Context, work func(*sql.Tx) error) error {
	done, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer done()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.isolation})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing, and before it the first error is the one to tell
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}
