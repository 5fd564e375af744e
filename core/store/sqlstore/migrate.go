package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// versionTable is where goose writes down which migrations are applied.
const versionTable = "oidcauth_migrations"

// Init creates or upgrades the tables, as [store.Store.Init] specifies. One instance at a time does so, under a lock in the database; the
// others wait for it until their contexts end.
func (s *Store) Init(ctx context.Context) error {
	return s.do(ctx, "init", func() error {
		provider, err := s.dialect.provider(s.db)
		if err != nil {
			return err
		}
		// It makes the version table with the lock held, which Up would not.
		if _, err := provider.GetDBVersion(ctx); err != nil {
			return err
		}
		_, err = provider.Up(ctx)
		return err
	})
}

// provider makes a migrator without anything that is shared by the process: no logger, no registry.
func (d Dialect) provider(db *sql.DB) (*goose.Provider, error) {
	store, err := database.NewStore(d.goose, versionTable)
	if err != nil {
		return nil, err
	}
	store, locker := d.locking(store)
	return goose.NewProvider(goose.DialectCustom, db, d.Migrations(), goose.WithStore(store), goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()), goose.WithIsolateDDL(d.goose == database.DialectSQLite3))
}

// session is a lock that a connection holds.
type session struct {
	lock, unlock func(context.Context, *sql.Conn) error
}

// SessionLock is [lock.SessionLocker.SessionLock].
func (s session) SessionLock(ctx context.Context, conn *sql.Conn) error { return s.lock(ctx, conn) }

// SessionUnlock is [lock.SessionLocker.SessionUnlock].
func (s session) SessionUnlock(ctx context.Context, conn *sql.Conn) error { return s.unlock(ctx, conn) }

// statements runs several on one connection.
func statements(texts ...string) func(context.Context, *sql.Conn) error {
	return func(ctx context.Context, conn *sql.Conn) error {
		for _, text := range texts {
			if _, err := conn.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}
}

// lockPostgreSQL waits in the server. The number is the library's own.
func lockPostgreSQL(store database.Store) (database.Store, lock.SessionLocker) {
	return store, session{statements(`SELECT pg_advisory_lock(7236837105238469)`), statements(`SELECT pg_advisory_unlock(7236837105238469)`)}
}

// The name is one for each database, as locks of MySQL are the whole server's.
const mysqlLock = `CONCAT('oidcauth-', MD5(DATABASE()))`

// lockMySQL asks again every second, so that a server that does not notice the end of a connection has no lock waited
// for in vain for long.
func lockMySQL(store database.Store) (database.Store, lock.SessionLocker) {
	return store, session{func(ctx context.Context, conn *sql.Conn) error {
		for {
			var got sql.NullInt64
			if err := conn.QueryRowContext(ctx, `SELECT GET_LOCK(`+mysqlLock+`, 1)`).Scan(&got); err != nil {
				return err
			}
			switch {
			case !got.Valid:
				return errors.New("the server cannot lock")
			case got.Int64 == 1:
				return nil
			}
		}
	}, statements(`DO RELEASE_LOCK(` + mysqlLock + `)`)}
}

// lockSQLite locks by a transaction around everything, as SQLite knows no other lock. What a migration has done is kept
// when its version is written down; what one that failed has left is undone.
func lockSQLite(store database.Store) (database.Store, lock.SessionLocker) {
	begin := statements(`BEGIN IMMEDIATE`, `SAVEPOINT migration`)
	end := statements(`ROLLBACK TO migration`, `COMMIT`)
	return keeping{store}, session{begin, func(ctx context.Context, conn *sql.Conn) error {
		err := end(ctx, conn)
		if err != nil {
			_, _ = conn.ExecContext(ctx, `ROLLBACK`) // a transaction that SQLite has ended itself is no longer there
		}
		return err
	}}
}

// keeping is a version table that moves the savepoint on with each version.
type keeping struct{ database.Store }

// Insert is [database.Store.Insert].
func (k keeping) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	if err := k.Store.Insert(ctx, db, req); err != nil {
		return err
	}
	for _, text := range []string{`RELEASE migration`, `SAVEPOINT migration`} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("keep version %d: %w", req.Version, err)
		}
	}
	return nil
}
