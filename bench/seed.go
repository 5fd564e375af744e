package main

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"sync/atomic"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	batch     = 200 // rows added at once
	shortData = 512 // bytes of sealed data in a short row: a million full ones would fill the disk
)

// short returns a copy of a row with little data.
func short(row store.Session) store.Session {
	row.Data, row.Answer = random(shortData), []byte{}
	return row
}

// length returns the bytes of a row's values, eight for each time and version.
func length(row store.Session) int {
	return len(row.ID) + len(row.Subject) + len(row.Current) + len(row.Last) + len(row.Data) + len(row.Answer) + 4*8
}

// seed adds copies of a row, a whole number of batches, and returns the bytes per row.
func (b *bare) seed(ctx context.Context, like store.Session, rows int) (float64, error) {
	if err := b.settle(ctx); err != nil {
		return 0, err
	}
	before, err := b.size(ctx)
	if err != nil {
		return 0, err
	}
	if err := b.addAll(ctx, like, rows/batch); err != nil {
		return 0, err
	}
	if err := b.settle(ctx); err != nil {
		return 0, err
	}
	after, err := b.size(ctx)
	return float64(after-before) / float64(rows), err
}

func (b *bare) addAll(ctx context.Context, like store.Session, batches int) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, b.adders)
	for i := range errs {
		all.Go(func() {
			for n := next.Add(1) - 1; n < int64(batches) && errs[i] == nil; n = next.Add(1) - 1 {
				errs[i] = b.add(ctx, spreadOut(like, uint64(n), uint64(batches)))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// spreadOut returns one of many batches. Ids are random except for their beginning, which rises from batch to batch: together
// they are as evenly spread as real ones, and the ids of one batch are close to each other in the database.
func spreadOut(like store.Session, n, batches uint64) []store.Session {
	rows := make([]store.Session, batch)
	step := math.MaxUint64 / (batches * batch)
	for i := range rows {
		name := random(32)
		binary.BigEndian.PutUint64(name, (n*batch+uint64(i))*step)
		rows[i] = like
		rows[i].ID, rows[i].Version = encode(name), 1
	}
	return rows
}
