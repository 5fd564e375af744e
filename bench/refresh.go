package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/go-oidc-auth/oidcauth/core/broker/brokertest/dbserver"
)

// workers refresh at the same time, each sessions of its own.
const workers = 8

// refreshing is the table of refreshes on every store.
func refreshing(ctx context.Context, r *report, e effort) error {
	defer dbserver.StopAll()
	r.section("Refreshes", fmt.Sprintf("At the token route, %d clients at the same time, each with sessions of its own among all the rows; the provider answers from memory with tokens signed "+
		"before. A\nrefresh reads the row once and writes it twice, each time if it has not changed; it verifies two tokens of the provider and signs one. The bare\nwrite is "+
		"one conditional write (Swap) of such a row by itself. The first row is what the service could do if a store cost nothing. Servers are those of the tests, on the same machine: what they share with\nthe service, they take from it.", workers))
	var rows [][]string
	err := scratch(func(dir string) error {
		for _, p := range places(dir) {
			url, err := p.started(ctx)
			if err != nil {
				rows = append(rows, []string{p.name, p.how, "left out: " + err.Error(), "", "", ""})
				continue
			}
			more, err := refreshingOn(ctx, p, url, e)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rows = append(rows, more...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.table([]string{"store", "", "rows", "refreshes / bare writes", "refreshes in a second here", "bare writes in a second here"}, rows)
	return nil
}

func refreshingOn(ctx context.Context, p place, url string, e effort) (rows [][]string, err error) {
	store, err := open(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	k, err := newKey("RS256")
	if err != nil {
		return nil, err
	}
	s, err := newService(k, newProvider(k), store)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.auth.Close() }()
	sessions := 32
	if e.quick {
		sessions = 4
	}
	all, err := newClients(ctx, s, store, sessions)
	if err != nil {
		return nil, err
	}
	counts := []int{10_000, 1_000_000}
	if e.quick || url == "" { // in memory, rows cost nothing but memory
		counts = counts[:1]
	}
	have := 0
	for _, want := range counts {
		if have, err = p.seed(ctx, store, url, all[0].rows[0], have, want); err != nil {
			return nil, err
		}
		row, err := measureRefreshes(ctx, all, e)
		if err != nil {
			return nil, err
		}
		rows = append(rows, append([]string{p.name, p.how, fmt.Sprint(have)}, row...))
		log.Printf("refresh: %s with %d rows", p.name, have)
	}
	return rows, nil
}

// client holds sessions that it refreshes in turn, and the rows of others that it writes.
type client struct {
	service *service
	store   broker.Store
	tokens  []*core.Token
	rows    []broker.Session
	next    int
}

// newClients logs in everybody, before other rows come between theirs.
func newClients(ctx context.Context, s *service, store broker.Store, sessions int) ([]*client, error) {
	all := make([]*client, workers)
	errs := make([]error, workers)
	var busy sync.WaitGroup
	for i := range all {
		all[i] = &client{service: s, store: store}
		busy.Go(func() {
			for len(all[i].rows) < sessions && errs[i] == nil {
				errs[i] = all[i].begin(ctx)
			}
		})
	}
	busy.Wait()
	return all, errors.Join(errs...)
}

// begin adds a session to refresh, and one to write that has been refreshed: its row holds all that a row ever does.
func (c *client) begin(ctx context.Context) error {
	token, err := c.service.login(ctx)
	if err != nil {
		return err
	}
	c.tokens = append(c.tokens, token)
	written, err := c.service.login(ctx)
	if err == nil {
		written, err = c.service.refresh(ctx, written)
	}
	if err != nil {
		return err
	}
	id, err := sessionID(written)
	if err != nil {
		return err
	}
	row, err := c.store.Session(ctx, id, time.Now())
	c.rows = append(c.rows, row)
	return err
}

func (c *client) turn() int {
	c.next = (c.next + 1) % len(c.rows)
	return c.next
}

func (c *client) refresh(ctx context.Context) error {
	i := c.turn()
	token, err := c.service.refresh(ctx, c.tokens[i])
	if err == nil {
		c.tokens[i] = token
	}
	return err
}

func (c *client) write(ctx context.Context) error {
	row := &c.rows[c.turn()]
	err := c.store.Swap(ctx, *row)
	row.Version++
	return err
}

// measureRefreshes lets all clients do one thing and then the other, for the same time each.
func measureRefreshes(ctx context.Context, all []*client, e effort) ([]string, error) {
	does := []func(*client, context.Context) error{(*client).refresh, (*client).write}
	seen := []*measured{{}, {}}
	for round := range max(4, e.slices/2) {
		for i := range does {
			i = (i + round) % len(does)
			took, err := together(ctx, all, does[i], 2*e.slice)
			if err != nil {
				return nil, err
			}
			seen[i].times = append(seen[i].times, took)
		}
	}
	refreshes, writes := seen[0], seen[1]
	perSecond := func(m *measured) string { return fmt.Sprintf("%.0f", 1e9/spreadOf(m.times).mid) }
	return []string{writes.over(refreshes).String(), perSecond(refreshes), perSecond(writes)}, nil
}

// together returns the nanoseconds that one of all things took, over all clients.
func together(ctx context.Context, all []*client, do func(*client, context.Context) error, length time.Duration) (float64, error) {
	var done atomic.Int64
	var busy sync.WaitGroup
	errs := make([]error, len(all))
	begin := time.Now()
	for i, c := range all {
		busy.Go(func() {
			for time.Since(begin) < length && errs[i] == nil {
				errs[i] = do(c, ctx)
				done.Add(1)
			}
		})
	}
	busy.Wait()
	took := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(took.Nanoseconds()) / float64(done.Load()), nil
}
