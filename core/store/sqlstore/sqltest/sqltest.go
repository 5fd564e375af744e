// Package sqltest holds the stores of database/sql to what is theirs alone, beside the suite in core/store/storetest
// that holds for every store: migrations, handles of all sorts, and databases that block.
package sqltest

import (
	"context"
	"database/sql"
	"io/fs"
	"testing" //nolint:depguard // for the tests of the store modules, and in nobody's program

	"github.com/pressly/goose/v3"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Backend is a database/sql store as these tests need it.
type Backend struct {
	// Place makes an empty database and returns what makes handles to it, each closed with the test.
	Place func(t testing.TB) func(t testing.TB) *sql.DB
	// New makes a store on a handle.
	New func(db *sql.DB) store.Store
	// Dialect is the database's name in goose.
	Dialect goose.Dialect
	// Migrations are the store's.
	Migrations fs.FS
	// Remote is a URL with an address in it, a user's name and the password "secret"; nil when there is no server.
	Remote func(address string) string
	// Transactional says that a migration is one transaction, so that a failed migration leaves nothing.
	Transactional bool
}

// Run runs the tests.
func Run(t *testing.T, backend Backend) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Backend){
		"migrations from every earlier version":       everyVersion,
		"a schema of a later release":                 laterSchema,
		"a migration that fails":                      failedMigration,
		"a handle with one connection":                oneConnection,
		"errors before Init":                          beforeInit,
		"a row that is locked":                        heldRow,
		"purge leaves what was prolonged":             prolonged,
		"purge is bounded":                            boundedPurge,
		"texts that a column would not take":          strangeTexts,
		"ids that differ in what a collation ignores": nearIDs,
		"a server that is not there":                  unreachable,
		"a server that never answers":                 silent,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, backend) })
	}
}

// ready makes a store with its tables, and its handle.
func ready(t testing.TB, backend Backend) (store.Store, *sql.DB) {
	t.Helper()
	db := backend.Place(t)(t)
	opened := backend.New(db)
	must(t, opened.Init(t.Context()))
	return opened, db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// execute runs statements on something that is not the store.
func execute(t testing.TB, on interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := on.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%v: %s", err, statement)
		}
	}
}
