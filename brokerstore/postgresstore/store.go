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

// New makes a store on a handle of the driver pgx, which stays the caller's: Close leaves it open. Tables are found by
// the handle's search_path. New connects to nothing.
func New(db *sql.DB) *sqlstore.Store { return sqlstore.New(db, dialect) }

// Migrations are the files that Init applies, for those who run migrations with a tool of their own: see
// [sqlstore.Dialect.Migrations].
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
