package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// bare uses a database directly through its driver, with prepared statements: the minimum cost of a row there.
type bare struct {
	read  func(ctx context.Context, id string) error         // the whole row
	write func(ctx context.Context, row store.Session) error // every column that may change, if the version still matches
	add   func(ctx context.Context, rows []store.Session) error
	// adders is how many goroutines may add rows at the same time.
	adders int
	// settle lets the database finish the work that it deferred while rows were added.
	settle func(ctx context.Context) error
	size   func(ctx context.Context) (int64, error) // bytes of everything, including indexes
	close  func() error
}

var errNoRow = errors.New("the row is not there, or has another version")

// changing returns the parameters of a write; a new row also needs its id and subject.
func changing(row store.Session) []any {
	return []any{row.Current, row.Last, row.Data, row.Answer, row.Rotated.UnixMilli(), row.Lease.UnixMilli(), row.Expires.UnixMilli(),
		row.Started.UnixMilli(), row.LastExpiry.UnixMilli()}
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
