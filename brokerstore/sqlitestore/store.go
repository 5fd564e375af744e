package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"modernc.org/sqlite"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

func init() {
	store.Register(func(url string) (store.Store, error) { return Open(url) }, "sqlite")
}

var dialect = sqlstore.SQLite(classify)

// Store is a [store.Local] in SQLite. Made by [Open] or [New]. Safe for concurrent use, a file also by several
// processes.
type Store struct {
	*sqlstore.Store
	place place
}

// place is what a store knows of where its data is.
type place interface {
	prepare(ctx context.Context) error // before the first use; may be called again
	secretFile() (string, bool)
	close() error
}

var _ store.Local = (*Store)(nil)

// New makes a store on a handle of the driver modernc.org/sqlite, which stays the caller's: Close leaves it open. Who may
// read the file is the caller's concern, and so are the pragmas: journal_mode(WAL), synchronous(FULL), which keeps a
// refresh token that was spent from coming back after a power failure, and busy_timeout(100), short because a wait in
// SQLite does not end with the context, are those of [Open]. New does not ask where the file is, so SecretFile answers
// that the store is not local. New connects to nothing.
func New(db *sql.DB) *Store { return &Store{sqlstore.New(db, dialect), handle{}} }

// Migrations are the files that Init applies, for those who run migrations with a tool of their own: see
// [sqlstore.Dialect.Migrations].
func Migrations() fs.FS { return dialect.Migrations() }

// Init is [store.Store.Init]. For a store made by [Open] it makes the file, readable by its owner alone, and the
// directories in which it lies, and refuses a file that other users of the machine can open.
func (s *Store) Init(ctx context.Context) error {
	if err := s.place.prepare(ctx); err != nil {
		return err
	}
	return s.Store.Init(ctx)
}

// SecretFile is [store.Local.SecretFile]: the path of the database with ".key" after it.
func (s *Store) SecretFile() (path string, ok bool) { return s.place.secretFile() }

// Close is [store.Store.Close]. Data in memory ends with it.
func (s *Store) Close() error { return errors.Join(s.place.close(), s.Store.Close()) }

// handle is the place of a store that was given one.
type handle struct{}

func (handle) prepare(context.Context) error { return nil }
func (handle) secretFile() (string, bool)    { return "", false }
func (handle) close() error                  { return nil }

// The result codes of SQLite that a store acts upon; the lower byte of a code is its kind.
const (
	busy                 = 5
	locked               = 6
	constraintPrimaryKey = 1555
	constraintUnique     = 2067
	constraintRowID      = 2579
)

// classify knows the codes of SQLite.
func classify(err error) sqlstore.Fault {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return sqlstore.Other
	}
	switch code := fault.Code(); {
	case code == constraintPrimaryKey, code == constraintUnique, code == constraintRowID:
		return sqlstore.Duplicate
	case code&0xff == busy, code&0xff == locked:
		return sqlstore.Transient
	default:
		return sqlstore.Other
	}
}
