package mysqlstore_test

import (
	"context"
	"database/sql"
	"net/url"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/sqlstore/sqltest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

func TestMain(m *testing.M) { dbserver.Main(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Place: func(t testing.TB) storetest.Place {
		url, address := dbserver.MariaDB(t)
		return storetest.Place{
			URL: url, Address: address,
			Handle: func(t testing.TB) (store.Store, func(context.Context) error) {
				db := handle(t, url)
				return mysqlstore.New(db), db.PingContext
			},
		}
	}})
}

// handle makes a handle as an application has it, with nothing set but what it needs, closed with the test.
func handle(t testing.TB, rawURL string) *sql.DB {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = u.User.Username(), "tcp", u.Host, u.Path[1:]
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSQL(t *testing.T) {
	sqltest.Run(t, sqltest.Backend{
		Place: func(t testing.TB) func(testing.TB) *sql.DB {
			url, _ := dbserver.MariaDB(t)
			return func(t testing.TB) *sql.DB { return handle(t, url) }
		},
		New:     func(db *sql.DB) store.Store { return mysqlstore.New(db) },
		Dialect: "mysql", Migrations: mysqlstore.Migrations(),
		Remote: func(address string) string { return "mysql://user:secret@" + address + "/d" },
	})
}
