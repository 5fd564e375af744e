package sqlitestore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore/sqltest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
		path := newFile(t)
		return storetest.Place{
			URL: "sqlite:///" + path,
			Handle: func(t testing.TB) (store.Store, func(context.Context) error) {
				db := handle(t, path)
				return sqlitestore.New(db), db.PingContext
			},
		}
	}})
}

// Stores in memory are all different, so that instances in a test have to be one store.
func TestStoreInMemory(t *testing.T) {
	storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
		opened := storetest.OpenURL(t, "sqlite://")
		return storetest.Place{Open: func(testing.TB) store.Store { return unclosed{opened} }}
	}})
}

// unclosed is an instance among several on one store.
type unclosed struct{ store.Store }

func (unclosed) Close() error { return nil }

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "broker.sqlite") }

// handle makes a handle as an application has it, closed with the test.
func handle(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSQL(t *testing.T) {
	sqltest.Run(t, sqltest.Backend{
		Place: func(t testing.TB) func(testing.TB) *sql.DB {
			path := newFile(t)
			return func(t testing.TB) *sql.DB { return handle(t, path) }
		},
		New:     func(db *sql.DB) store.Store { return sqlitestore.New(db) },
		Dialect: "sqlite3", Migrations: sqlitestore.Migrations(), Transactional: true,
	})
}
