package mysqlstore

import (
	"database/sql"
	"errors"
	"io/fs"

	"github.com/go-sql-driver/mysql"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore"
)

func init() {
	store.Register(func(url string) (store.Store, error) { return Open(url) }, "mysql", "mariadb")
}

var dialect = sqlstore.MySQL(classify)

// New makes a store on a handle of github.com/go-sql-driver/mysql, which stays the caller's: Close leaves it open. The
// handle has a database, and sql_mode is strict, as it is by default: a value that does not fit is an error then. New
// connects to nothing.
func New(db *sql.DB) *sqlstore.Store { return sqlstore.New(db, dialect) }

// Migrations are the files that Init applies, for those who run migrations with a tool of their own: see
// [sqlstore.Dialect.Migrations].
func Migrations() fs.FS { return dialect.Migrations() }

// classify knows the codes of MySQL and MariaDB.
func classify(err error) sqlstore.Fault {
	var fault *mysql.MySQLError
	if !errors.As(err, &fault) {
		return sqlstore.Other
	}
	switch fault.Number {
	case 1062: // ER_DUP_ENTRY
		return sqlstore.Duplicate
	case 1213, 1020: // ER_LOCK_DEADLOCK; ER_CHECKREAD: the row has changed since the statement began
		return sqlstore.Transient
	default:
		return sqlstore.Other
	}
}
