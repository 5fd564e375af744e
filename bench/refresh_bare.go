package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// bare is a database asked through its driver alone, with statements prepared once: the least that a row costs there.
type bare struct {
	read  func(ctx context.Context, id string) error         // the whole row
	write func(ctx context.Context, row store.Session) error // all that may change of it, if the version is still the row's
	add   func(ctx context.Context, rows []store.Session) error
	// adders is how many may add at the same time.
	adders int
	// settle lets the database do what adding many rows has left for later.
	settle func(ctx context.Context) error
	size   func(ctx context.Context) (int64, error) // bytes of everything, indexes too
	close  func() error
}

var errNoRow = errors.New("the row is not there, or has another version")

// changing are the parameters of a write, and those of a new row but for its name and subject.
func changing(row store.Session) []any {
	return []any{row.Current, row.Last, row.Data, row.Answer, row.Rotated.UnixMilli(), row.Lease.UnixMilli(), row.Expires.UnixMilli(),
		row.Started.UnixMilli(), row.LastExpiry.UnixMilli()}
}

// address takes a URL of a server apart.
func address(text string) (host, user, password, database string) {
	u, err := url.Parse(text)
	if err != nil {
		panic(err) // of dbserver's own
	}
	password, _ = u.User.Password()
	return u.Host, u.User.Username(), password, u.Path[1:]
}
