package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// world has a database, a service on it, and the clients.
type world struct {
	store   store.Store
	bare    *bare
	service *service
	clients []*client
	people  int // whose sessions a client ends between two additions of new ones
	// algorithm is that of own tokens. A world with another than RS256 only refreshes.
	algorithm string
}

func (w *world) does(task int) bool {
	if task == taskBareList && w.bare.list == nil {
		return false
	}
	return w.algorithm == "RS256" || task == taskRefresh
}

// newWorld makes the clients of a database. If the error is not nil, nothing is left open.
func newWorld(ctx context.Context, p place, url string, e effort, algorithm string) (w *world, err error) {
	w = &world{algorithm: algorithm}
	defer func(opened *world) {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}(w)
	if w.store, err = open(ctx, url); err != nil {
		return nil, err
	}
	if p.bare == nil {
		w.bare = bareMemory(w.store)
	} else if w.bare, err = p.bare(url); err != nil {
		return nil, err
	}
	k, err := newKey("RS256")
	if err != nil {
		return nil, err
	}
	if w.service, err = newService(k, newProvider(k), w.store, algorithm); err != nil {
		return nil, err
	}
	sessions := 16
	w.people = 20
	if e.quick {
		sessions, w.people = 2, 5
	}
	if w.clients, err = newClients(ctx, w, k, sessions); err != nil {
		return nil, err
	}
	return w, w.meet(ctx)
}

func (w *world) close() error {
	var errs []error
	if w.service != nil {
		errs = append(errs, w.service.auth.Close())
	}
	if w.store != nil {
		errs = append(errs, w.store.Close())
	}
	if w.bare != nil {
		errs = append(errs, w.bare.close())
	}
	return errors.Join(errs...)
}

// rowSize has the sizes of rows in a store.
type rowSize struct {
	rows         int
	whole, short seeded
	took         time.Duration // to add them
}

// fill adds rows to those of the clients until the number is reached: a few like real ones, then short ones. More than manyRows are made
// by the server, shorter still.
func (w *world) fill(ctx context.Context, rows int) (size rowSize, err error) {
	start, like := time.Now(), w.clients[0].rows[0]
	size.rows = rows
	if size.whole, err = w.bare.seed(ctx, like, fewRows); err != nil {
		return size, err
	}
	switch {
	case rows > manyRows:
		size.short, err = w.bare.seedServer(ctx, rows-fewRows)
	case rows > fewRows:
		size.short, err = w.bare.seed(ctx, short(like), rows-fewRows)
	}
	size.took = time.Since(start)
	return size, err
}

// bareMemory is the store in memory, which costs almost nothing.
func bareMemory(db store.Store) *bare {
	return &bare{
		read: func(ctx context.Context, id string) error {
			_, err := db.Session(ctx, id, time.Now())
			return err
		},
		write: db.Swap,
		add: func(ctx context.Context, rows []store.Session) error {
			for _, row := range rows {
				if err := db.PutSession(ctx, row); err != nil {
					return err
				}
			}
			return nil
		},
		adders: 1,
		settle: func(context.Context) error { return nil },
		size: func(context.Context) (int64, error) {
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			return int64(memory.HeapAlloc), nil
		},
		close: func() error { return nil },
	}
}
