package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// bare uses a database directly through its driver, with prepared statements: the minimum cost of a row there.
type bare struct {
	read  func(ctx context.Context, id string) error           // the whole row
	list  func(ctx context.Context, owner []byte) (int, error) // how many sessions a person has, without their data; nil where it is not compared
	write func(ctx context.Context, row store.Session) error   // every column that may change, if the version still matches
	add   func(ctx context.Context, rows []store.Session) error
	// adders is how many goroutines may add rows at the same time.
	adders int
	// generate lets the server make short rows, and returns the bytes of their values; nil where it cannot.
	generate func(ctx context.Context, rows int) (int64, error)
	// settle lets the database finish the work that it deferred while rows were added.
	settle func(ctx context.Context) error
	size   func(ctx context.Context) (int64, error) // bytes of everything, including indexes
	close  func() error
	db     *sql.DB // nil: no SQL
}

var errNoRow = errors.New("the row is not there, or has another version")

// changing returns the parameters of a write: what [store.Store.Swap] changes, but for the version.
func changing(row store.Session) []any {
	return []any{blob(row.Current), blob(row.Last), blob(row.Data), blob(row.Answer), row.Rotated.UnixMilli(), row.Lease.UnixMilli(), row.Expires.UnixMilli(),
		row.LastExpiry.UnixMilli()}
}

// lasting returns the parameters of a new row that a write does not change, but for its id.
func lasting(row store.Session) []any {
	return []any{row.Kind, row.Subject, blob(row.Owner), blob(row.ProviderSession), row.Started.UnixMilli(), row.Seen.UnixMilli(), row.Idle.UnixMilli(), blob(row.Note)}
}

// blob returns bytes that are not nil, which drivers take for NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// address parses the URL of a server.
func address(text string) (host, user, password, database string) {
	u, err := url.Parse(text)
	if err != nil {
		panic(err) // made by dbserver
	}
	password, _ = u.User.Password()
	return u.Host, u.User.Username(), password, u.Path[1:]
}
