package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
)

const (
	seedTime = 60 * time.Second // for the rows of one store at most
	seedSize = 512              // bytes of the sealed data of such a row: a real one's would fill the disk
)

// seed adds sessions through the store until there are want of them, or the time is over; it returns how many there are.
func (p place) seed(ctx context.Context, store broker.Store, url string, like broker.Session, have, want int) (int, error) {
	end := func() error { return nil }
	if p.seeding != nil {
		var err error
		if store, end, err = p.seeding(url); err != nil {
			return have, err
		}
	}
	like.Data, like.Answer, like.Version = random(seedSize), nil, 1
	ctx, cancel := context.WithTimeout(ctx, seedTime)
	defer cancel()
	var rows atomic.Int64
	rows.Store(int64(have))
	errs := make([]error, p.seeders)
	var all sync.WaitGroup
	for i := range errs {
		row := like
		all.Go(func() {
			for errs[i] == nil && ctx.Err() == nil && rows.Add(1) <= int64(want) {
				row.ID = encode(random(32))
				errs[i] = store.PutSession(ctx, row)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		clear(errs) // cut off by the time
	}
	return min(want, int(rows.Load())), errors.Join(append(errs, end())...)
}
