package postgresstore

import (
	"database/sql"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

func init() {
	store.Register(func(url string) (store.Store, error) { return Open(url) }, "postgres", "postgresql")
}

var dialect = sqlstore.PostgreSQL(classify)

// New makes a store on a database handle of the driver pgx (github.com/jackc/pgx/v5/stdlib). The caller keeps the handle: Close leaves it
// open. The store finds its tables through the search_path of the handle's connections. New does not connect.
func New(db *sql.DB) *sqlstore.Store { return sqlstore.New(db, dialect) }

// Migrations returns the SQL files that Init applies, for a migration tool of your own. Apply them in the order of their names. If the
// tool is goose, name its version table oidcauth_migrations: Init reads there which files are applied.
func Migrations() fs.FS { return dialect.Migrations() }

// classify knows the codes of PostgreSQL, appendix A of its manual.
func classify(err error) sqlstore.Fault {
	var fault *pgconn.PgError
	if !errors.As(err, &fault) {
		return sqlstore.Other
	}
	switch fault.Code {
	case "23505": // unique_violation
		return sqlstore.Duplicate
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return sqlstore.Transient
	default:
		return sqlstore.Other
	}
}
