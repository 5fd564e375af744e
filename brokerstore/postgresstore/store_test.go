package postgresstore_test

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore/sqltest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
		url, address := dbserver.PostgreSQL(t)
		return storetest.Place{
			URL: url, Address: address,
			Handle: func(t testing.TB) (store.Store, func(context.Context) error) {
				db := handle(t, url)
				return postgresstore.New(db), db.PingContext
			},
		}
	}})
}

// handle makes a handle as an application has it, closed with the test.
func handle(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSQL(t *testing.T) {
	sqltest.Run(t, sqltest.Backend{
		Place: func(t testing.TB) func(testing.TB) *sql.DB {
			url, _ := dbserver.PostgreSQL(t)
			return func(t testing.TB) *sql.DB { return handle(t, url) }
		},
		New:     func(db *sql.DB) store.Store { return postgresstore.New(db) },
		Dialect: "postgres", Migrations: postgresstore.Migrations(), Transactional: true,
		Remote: func(address string) string { return "postgres://user:secret@" + address + "/d?sslmode=disable" },
	})
}
