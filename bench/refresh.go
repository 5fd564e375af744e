package main

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

const (
	fewRows, manyRows = 10_000, 1_000_000
	mostTimes         = 1.2 // goals 10 and 11
)

// refreshed has the results for one kind of database.
type refreshed struct {
	place
	missing error         // why there are no results
	sizes   []rowSize     // of each database
	seen    [][]*measured // of each database, by task: nanoseconds by the clock, of all clients together
}

// why returns the reason for missing results.
func (r refreshed) why() string {
	if r.missing == nil {
		return ""
	}
	return "left out: " + r.missing.Error()
}

// refreshing writes the part about refreshes on every store: goals 10 and 11.
func refreshing(ctx context.Context, r *report, e effort) error {
	defer dbserver.StopAll()
	var all []refreshed
	err := scratch(func(dir string) error {
		for _, p := range places(dir) {
			found, err := p.refreshed(ctx, e)
			if ctx.Err() != nil {
				return err
			}
			if err != nil { // the figures of the other databases do not depend on it
				found = refreshed{place: p, missing: err}
			}
			all = append(all, found)
			log.Print("refresh: " + found.name + " " + found.why())
		}
		return nil
	})
	if err != nil {
		return err
	}
	tellRefreshes(r, all)
	tellShares(r, all)
	tellPeople(r, all)
	tellMoreRows(r, all)
	tellRows(r, all)
	return nil
}

// refreshed measures one kind of database: one with few rows and, side by side, one with many.
func (p place) refreshed(ctx context.Context, e effort) (found refreshed, err error) {
	found.place = p
	counts := []int{fewRows, manyRows}
	if e.quick || p.bare == nil { // in memory, more rows cost only memory
		counts = counts[:1]
	}
	var worlds []*world
	defer func() {
		for _, w := range worlds {
			err = errors.Join(err, w.close())
		}
	}()
	for _, rows := range counts {
		url, err := p.started(ctx)
		if err != nil {
			found.missing = err
			return found, nil
		}
		w, err := newWorld(ctx, p, url, e)
		if err != nil {
			return found, err
		}
		worlds = append(worlds, w)
		size, err := w.fill(ctx, rows)
		if err != nil {
			return found, err
		}
		found.sizes = append(found.sizes, size)
	}
	found.seen, err = race(ctx, worlds, e)
	return found, err
}

// race lets all clients of one database do one task for a moment, then the next task, in rotating order.
func race(ctx context.Context, worlds []*world, e effort) ([][]*measured, error) {
	rounds, slice := 15, 150*time.Millisecond
	if e.quick {
		rounds, slice = 3, 50*time.Millisecond
	}
	seen := make([][]*measured, len(worlds))
	for i := range seen {
		for range tasks {
			seen[i] = append(seen[i], new(measured))
		}
	}
	many := len(worlds) * len(tasks)
	for round := range rounds {
		for i := range many {
			i = (i + round) % many
			w, task := i%len(worlds), i/len(worlds) // the same task on one database after the other
			if prepare := tasks[task].prepare; prepare != nil {
				if err := prepare(worlds[w], ctx); err != nil {
					return nil, err
				}
			}
			took, err := together(ctx, worlds[w].clients, tasks[task].do, slice)
			if err != nil {
				return nil, err
			}
			seen[w][task].times = append(seen[w][task].times, took)
		}
	}
	return seen, nil
}
