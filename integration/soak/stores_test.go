package soak

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/tcpproxy"
)

// database is where the instances keep their sessions.
type database struct {
	url string
	// fail makes it fail in the n-th way until the function that it returns is called. what says how.
	fail func(n int) (what string, heal func())
}

// databases are those that instances can share.
var databases = map[string]func(testing.TB) database{
	"SQLite":     sqlite,
	"PostgreSQL": func(t testing.TB) database { return behindProxy(t, dbserver.PostgreSQL) },
	"MariaDB":    func(t testing.TB) database { return behindProxy(t, dbserver.MariaDB) },
	"MongoDB":    func(t testing.TB) database { return behindProxy(t, dbserver.MongoDB) },
	"Redis": func(t testing.TB) database {
		return behindProxy(t, func(t testing.TB) (string, string) {
			address, database := dbserver.Redis(t)
			return fmt.Sprintf("redis://%s/%d", address, database), address
		})
	},
}

// behindProxy is a server that the instances reach by a proxy, which cuts connections, or accepts them and passes on nothing.
func behindProxy(t testing.TB, place func(testing.TB) (url, address string)) database {
	url, address := place(t)
	proxy := tcpproxy.New(t, address)
	fail := func(n int) (string, func()) {
		what, state := "it refuses connections", tcpproxy.Refuses
		if n%2 == 1 {
			what, state = "it does not answer", tcpproxy.Swallows
		}
		proxy.Become(state)
		return what, func() {
			proxy.Become(tcpproxy.Refuses) // cuts the connections that were swallowed
			proxy.Become(tcpproxy.Passes)
		}
	}
	return database{strings.Replace(url, address, proxy.Address(), 1), fail}
}

// sqlite is a file. It fails as it can: another process holds the write lock, and reads go on.
func sqlite(t testing.TB) database {
	file := filepath.Join(t.TempDir(), "soak.sqlite")
	fail := func(int) (string, func()) {
		db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Error(err)
			return "", func() {}
		}
		lock, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Error(err)
			return "", func() { _ = db.Close() }
		}
		return "another process holds its write lock", func() { _, _ = lock.Rollback(), db.Close() }
	}
	return database{"sqlite:///" + file, fail}
}
