package postgresstore_test

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/go-oidc-auth/oidcauth/core/broker/brokertest"
	"github.com/go-oidc-auth/oidcauth/core/broker/brokertest/dbserver"
	"github.com/go-oidc-auth/oidcauth/core/broker/sqlstore/sqltest"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) {
	brokertest.Run(t, brokertest.Backend{Place: func(t testing.TB) brokertest.Place {
		url, address := dbserver.PostgreSQL(t)
		return brokertest.Place{
			URL: url, Address: address,
			Handle: func(t testing.TB) (broker.Store, func(context.Context) error) {
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
		New:     func(db *sql.DB) broker.Store { return postgresstore.New(db) },
		Dialect: "postgres", Migrations: postgresstore.Migrations(), Transactional: true,
		Remote: func(address string) string { return "postgres://user:secret@" + address + "/d?sslmode=disable" },
	})
}
