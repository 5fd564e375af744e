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

// New makes a store on a database handle of the driver github.com/go-sql-driver/mysql. The caller keeps the handle: Close leaves it open.
// The handle's data source must name a database, and its sql_mode must be strict, which is the default: then a value that does not fit is an
// error. New does not connect.
func New(db *sql.DB) *sqlstore.Store { return sqlstore.New(db, dialect) }

// Migrations returns the SQL files that Init applies, for a migration tool of your own. Apply them in the order of their names. If the
// tool is goose, name its version table oidcauth_migrations: Init reads there which files are applied.
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
