package sqlstore

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Fault is the class of a driver's error; it decides what the store does about it. The zero value is [Other].
type Fault int

// The values of Fault.
const (
	Other     Fault = iota // any other error: the store returns it to the caller
	Duplicate              // a row with this primary key exists: the store returns [store.ErrConflict]
	Transient              // the database rolled back because of another transaction, or is locked: the store retries for up to ten seconds
)

// Classify returns the Fault of an error by the driver's error code, never by its text. It must accept every error, wrapped or not,
// and must be safe for concurrent use.
type Classify func(error) Fault

// Dialect contains the SQL of one kind of database. Make one with [SQLite], [PostgreSQL] or [MySQL]; the zero value is not usable. Safe
// for concurrent use.
type Dialect struct {
	classify  Classify
	folder    string           // of its migrations
	goose     database.Dialect // its name in goose
	locking   func(database.Store) (database.Store, lock.SessionLocker)
	numbered  bool // placeholders are $1, $2
	prepare   bool // statements are prepared by the store
	oneWriter bool // the database lets one write at a time
	isolation sql.IsolationLevel
	greatest  string // the function that returns the larger of two numbers
	revoke    string // adds to the feed: id, at, until
	purge     func(table, key, condition string) string
}

// SQLite returns the dialect of SQLite 3.24 and later. classify knows the error codes of the driver.
func SQLite(classify Classify) Dialect {
	return Dialect{
		classify: classify, folder: "sqlite", goose: database.DialectSQLite3, locking: lockSQLite,
		prepare: true, oneWriter: true, greatest: "MAX",
		revoke: `INSERT INTO oidcauth_revocations (id, at_ms, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET at_ms = MAX(at_ms, excluded.at_ms), until_ms = MAX(until_ms, excluded.until_ms)`,
		purge: func(table, key, condition string) string {
			return fmt.Sprintf(`DELETE FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s LIMIT %d)`, table, key, key, table, condition, purgeBatch)
		},
	}
}

// PostgreSQL returns the dialect of PostgreSQL 10 and later. classify knows the error codes of the driver.
func PostgreSQL(classify Classify) Dialect {
	return Dialect{
		classify: classify, folder: "postgres", goose: database.DialectPostgres, locking: lockPostgreSQL,
		numbered: true, isolation: sql.LevelReadCommitted, greatest: "GREATEST",
		revoke: `INSERT INTO oidcauth_revocations AS stored (id, at_ms, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET at_ms = GREATEST(stored.at_ms, excluded.at_ms), until_ms = GREATEST(stored.until_ms, excluded.until_ms)`,
		// The inner query locks the rows that it chooses, so none is prolonged afterwards; rows that are locked are left for the
		// next time. ARRAY lets it run once: as a join it may run again for each row that has ended, and choose more each time.
		purge: func(table, _, condition string) string {
			return fmt.Sprintf(`DELETE FROM %s WHERE ctid = ANY (ARRAY (SELECT ctid FROM %s WHERE %s LIMIT %d FOR UPDATE SKIP LOCKED))`,
				table, table, condition, purgeBatch)
		},
	}
}

// MySQL returns the dialect of MySQL 5.7, MariaDB 10.2 and later. classify knows the error codes of the driver.
func MySQL(classify Classify) Dialect {
	return Dialect{
		classify: classify, folder: "mysql", goose: database.DialectMySQL, locking: lockMySQL,
		prepare: true, isolation: sql.LevelReadCommitted, greatest: "GREATEST",
		// VALUES is deprecated in MySQL, but MariaDB knows nothing else.
		revoke: `INSERT INTO oidcauth_revocations (id, at_ms, until_ms) VALUES (?, ?, ?)
			ON DUPLICATE KEY UPDATE at_ms = GREATEST(at_ms, VALUES(at_ms)), until_ms = GREATEST(until_ms, VALUES(until_ms))`,
		purge: func(table, _, condition string) string {
			return fmt.Sprintf(`DELETE FROM %s WHERE %s LIMIT %d`, table, condition, purgeBatch)
		},
	}
}

// placeholders puts the database's own in the place of the question marks. None of the statements has one in a text.
func (d Dialect) placeholders(statement string) string {
	if !d.numbered {
		return statement
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		statement = after
	}
}

//go:embed migrations
var migrations embed.FS

// Migrations returns the files that [Store.Init] applies, for a migration tool of your own: plain SQL with the annotations of
// the tool goose, which are comments to every other tool. Apply them in the order of their names. If you apply them with goose, name
// its version table oidcauth_migrations: Init reads there which files are applied. Without that table, Init applies all files itself.
func (d Dialect) Migrations() fs.FS {
	folder, err := fs.Sub(migrations, "migrations/"+d.folder)
	if err != nil { // the name is one of three constants
		return embed.FS{}
	}
	return folder
}
