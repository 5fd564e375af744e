package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"    // by its URL
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore" // by its URL
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"    // by its URL
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"   // by its URL
)

// place is a kind of database to measure on.
type place struct {
	name, how string
	url       func(testing.TB) string         // of a new, empty database; "": in memory
	bare      func(url string) (*bare, error) // direct access to the same database; nil for memory
	explain   *explainer                      // nil: the database has no plans
	most      bool                            // there is also a database with mostRows
}

func places(dir string) []place {
	files := 0
	file := func() string {
		files++
		return filepath.ToSlash(filepath.Join(dir, fmt.Sprintf("bench%d.sqlite", files)))
	}
	return []place{
		{"none", "in the process's memory", func(testing.TB) string { return "" }, nil, nil, false},
		{"SQLite", "a file, flushed at each commit", func(testing.TB) string { return "sqlite:///" + file() }, bareSQLite, explainSQLite, false},
		{"PostgreSQL", "without fsync", func(t testing.TB) string { url, _ := dbserver.PostgreSQL(t); return url }, barePostgreSQL, explainPostgreSQL, true},
		{"MariaDB", "flushed once a second", func(t testing.TB) string { url, _ := dbserver.MariaDB(t); return url }, bareMariaDB, explainMariaDB, false},
		{"Redis", "in memory", func(t testing.TB) string {
			address, database := dbserver.Redis(t)
			// The client's default of three seconds is too short while a million rows are added on a busy machine.
			return fmt.Sprintf("redis://%s/%d?read_timeout=30s&write_timeout=30s", address, database)
		}, bareRedis, nil, false},
	}
}

// open opens the store of a URL, with its tables.
func open(ctx context.Context, url string) (store.Store, error) {
	if url == "" {
		return store.NewMemory(), nil
	}
	db, err := store.Open(url)
	if err != nil {
		return nil, err
	}
	return db, db.Init(ctx)
}

// sqlitePath returns the file in a store's URL.
func sqlitePath(url string) string { return strings.TrimPrefix(url, "sqlite:///") }

// host implements what dbserver needs of a test: its helpers end the goroutine where they would end the test.
type host struct {
	testing.TB
	ctx    context.Context
	reason string
}

func (h *host) Helper()                  {}
func (h *host) Context() context.Context { return h.ctx }

func (h *host) Skip(why ...any)  { h.reason = fmt.Sprint(why...); runtime.Goexit() }
func (h *host) Fatal(why ...any) { h.Skip(why...) }

// started returns the URL of a new database, or the reason why there is none.
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

// scratch runs do with a temporary folder.
func scratch(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "oidcauth-bench-")
	if err != nil {
		return err
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}

// freeDisk returns the free bytes of a folder's file system.
func freeDisk(folder string) uint64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}
