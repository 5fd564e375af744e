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
}

func newWorld(ctx context.Context, p place, url string, e effort) (w *world, err error) {
	w = new(world)
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
	if w.service, err = newService(k, newProvider(k), w.store); err != nil {
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
	return errors.Join(w.service.auth.Close(), w.store.Close(), w.bare.close())
}

// rowSize has the sizes of rows in a store.
type rowSize struct {
	rows         int
	whole, short seeded
	took         time.Duration // to add them
}

// fill adds rows to those of the clients until the number is reached: a few like real ones, the rest short.
func (w *world) fill(ctx context.Context, rows int) (size rowSize, err error) {
	start, like := time.Now(), w.clients[0].rows[0]
	size.rows = rows
	if size.whole, err = w.bare.seed(ctx, like, fewRows); err != nil {
		return size, err
	}
	if rows > fewRows {
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
