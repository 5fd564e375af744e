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

// Store is a [store.Store] in SQLite; one made by [Open] is also a [store.Local], whose secret key lies beside the data. Make one with
// [Open] or [New]; the zero value is not usable. Safe for concurrent use, and several processes may use the same file.
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

// New makes a store on a database handle of the driver modernc.org/sqlite. The caller keeps the handle: Close leaves it open. The caller
// also sets the file's permissions and the pragmas. Use those of [Open]: journal_mode(WAL); synchronous(FULL), without which a refresh
// token that was used may be valid again after a power failure; and busy_timeout(100), in milliseconds, short because a wait inside SQLite
// does not end with the context. The store does not know where the file is: SecretFile returns false, so the service needs
// core.Config.SecretKeys. New does not open the file.
func New(db *sql.DB) *Store { return &Store{sqlstore.New(db, dialect), handle{}} }

// Migrations returns the SQL files that Init applies, for a migration tool of your own. Apply them in the order of their names. If the
// tool is goose, name its version table oidcauth_migrations: Init reads there which files are applied.
func Migrations() fs.FS { return dialect.Migrations() }

// Init creates or upgrades the tables, as [store.Store.Init] specifies. For a store made by [Open] it first creates the file with mode
// 0600, and missing directories with mode 0700. It returns an error if other users of the machine can open the file or replace it, and
// if the path is a symbolic link.
func (s *Store) Init(ctx context.Context) error {
	if err := s.place.prepare(ctx); err != nil {
		return err
	}
	return s.Store.Init(ctx)
}

// SecretFile returns where a service without SecretKeys keeps its secret key: the path of the database with ".key" after it; "" and true
// for a database in memory; false for a store made by [New].
func (s *Store) SecretFile() (path string, ok bool) { return s.place.secretFile() }

// Close closes what [Open] has opened, and deletes data in memory. It leaves the handle of [New] open. It may be called again.
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
