package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store/storetest/dbserver"
)

const (
	fewRows, manyRows = 10_000, 1_000_000
	mostRows          = 10_000_000 // on PostgreSQL, short ones
	mostTimes         = 1.2        // goals 10 and 11
	leastFaster       = 2          // goal 10: refreshes with EdDSA, x those with RS256
)

// refreshed has the results for one kind of database.
type refreshed struct {
	place
	missing error         // why there are no results
	sizes   []rowSize     // of each database
	seen    [][]*measured // of each database, by task: nanoseconds by the clock, of all clients together
	plans   plans         // in the database with the most rows
	eddsa   *measured     // refreshes with few rows where own tokens have EdDSA; nil: not measured
	without string        // why there are not as many rows as there might be
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
			if e.store != "" && e.store != p.name {
				continue
			}
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
	tellAlgorithms(r, all)
	tellPeople(r, all)
	tellMoreRows(r, all)
	tellPlans(r, all)
	tellRows(r, all)
	return nil
}

// refreshed measures one kind of database: one with few rows and, side by side, those with more, and one with few rows whose service signs
// with EdDSA.
func (p place) refreshed(ctx context.Context, e effort) (found refreshed, err error) {
	found.place = p
	counts, without := p.counts(e)
	found.without = without
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
		w, err := newWorld(ctx, p, url, e, "RS256")
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
	other, err := p.withEdDSA(ctx, e)
	if other != nil {
		worlds = append(worlds, other)
	}
	if err != nil {
		return found, err
	}
	seen, err := race(ctx, worlds, e)
	if err != nil {
		return found, err
	}
	found.seen = seen[:len(counts)]
	found.eddsa = seen[len(counts)][taskRefresh]
	if p.explain != nil {
		found.plans, err = p.explain.plans(ctx, worlds[len(counts)-1].bare.db)
	}
	return found, err
}

// counts returns how many rows the databases of a place have.
func (p place) counts(e effort) (counts []int, without string) {
	counts = []int{fewRows, manyRows, mostRows}
	switch {
	case e.quick, p.bare == nil: // in memory, more rows cost only memory
		return counts[:1], "a quick run has no such database"
	case !p.most:
		return counts[:2], ""
	case freeDisk(os.TempDir()) < mostDisk:
		return counts[:2], fmt.Sprintf("needs %d GB of free disk", mostDisk>>30)
	}
	return counts, ""
}

// withEdDSA makes a service that signs with EdDSA, on a database with few rows.
func (p place) withEdDSA(ctx context.Context, e effort) (*world, error) {
	url, err := p.started(ctx)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, p, url, e, "EdDSA")
	if err != nil {
		return nil, err
	}
	_, err = w.fill(ctx, fewRows)
	return w, err
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
	type step struct{ world, task int }
	var steps []step // the same task on one database after the other
	for task := range tasks {
		for i, w := range worlds {
			if w.does(task) {
				steps = append(steps, step{i, task})
			}
		}
	}
	for round := range rounds {
		for i := range steps {
			next := steps[(i+round)%len(steps)]
			w, task := next.world, next.task
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
