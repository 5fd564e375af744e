package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/go-oidc-auth/oidcauth/core/broker/brokertest/dbserver"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"    // by its URL
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore" // by its URL
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"    // by its URL
	"github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
)

// place is a database to measure on.
type place struct {
	name, how string
	url       func(testing.TB) string // "": the memory of this process
	// seeding opens a second store on the same data for rows that nobody measures; nil: the same store.
	seeding func(url string) (broker.Store, func() error, error)
	seeders int
}

func places(dir string) []place {
	file := filepath.ToSlash(filepath.Join(dir, "bench.sqlite"))
	return []place{
		{"none", "in the process's memory", func(testing.TB) string { return "" }, nil, 1},
		{"SQLite", "a file, flushed at each commit", func(testing.TB) string { return "sqlite:///" + file }, seedSQLite(file), 1},
		{"PostgreSQL", "without fsync", func(t testing.TB) string { url, _ := dbserver.PostgreSQL(t); return url }, nil, 8},
		{"MariaDB", "flushed once a second", func(t testing.TB) string { url, _ := dbserver.MariaDB(t); return url }, nil, 8},
		{"Redis", "in memory", func(t testing.TB) string {
			address, database := dbserver.Redis(t)
			return fmt.Sprintf("redis://%s/%d", address, database)
		}, nil, 8},
	}
}

// seedSQLite writes without flushing: a million commits would take hours otherwise.
func seedSQLite(file string) func(string) (broker.Store, func() error, error) {
	return func(string) (broker.Store, func() error, error) {
		db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)")
		if err != nil {
			return nil, nil, err
		}
		return sqlitestore.New(db), db.Close, nil
	}
}

// open opens the store of a URL.
func open(url string) (broker.Store, error) {
	if url == "" {
		return broker.NewMemory(), nil
	}
	return broker.Open(url)
}

// host is what dbserver wants of a test: its helpers end the goroutine where they would end the test.
type host struct {
	testing.TB
	ctx    context.Context
	reason string
}

func (h *host) Helper()                  {}
func (h *host) Context() context.Context { return h.ctx }

func (h *host) Skip(why ...any)  { h.reason = fmt.Sprint(why...); runtime.Goexit() }
func (h *host) Fatal(why ...any) { h.Skip(why...) }

// started returns the URL of a place, or why there is none.
func (p place) started(ctx context.Context) (url string, err error) {
	h := &host{ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		url = p.url(h)
	}()
	<-done
	if h.reason != "" {
		return "", errors.New(h.reason)
	}
	return url, nil
}

// scratch is a folder for the length of do.
func scratch(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "oidcauth-bench-")
	if err != nil {
		return err
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}
