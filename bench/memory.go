package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// liveSessions are how many sessions live in the store of the instance that is measured.
var liveSessions = []int{10_000, 100_000}

// memory writes the table about what an instance holds in memory for sessions that live: the last figures of goal 11.
func memory(ctx context.Context, r *report, e effort) error {
	counts := liveSessions
	if e.quick {
		counts = []int{100, 1_000}
	}
	var rows [][]string
	for _, kind := range []struct {
		name string
		hold func(context.Context, int) (int64, error)
	}{{"own tokens (broker mode)", holdTokens}, {"session cookies", holdBrowsers}} {
		for i, count := range counts {
			bytes, err := kind.hold(ctx, count)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			rows = append(rows, []string{kind.name, grouped(count), fmt.Sprintf("%.1f", float64(bytes)/1e6), fmt.Sprint(bytes / int64(count))})
			if i == len(counts)-1 {
				r.brief.tell(rankMemory, "%.0f MB with %s %s", float64(bytes)/1e6, grouped(count), kind.name)
			}
		}
	}
	r.section("Memory of an instance", "What an instance holds for sessions that live in its store, each of which it has seen in one request: the heap after a garbage collection, with the\n"+
		"`Auth` and without it, while store and provider stay. `TokenCacheSize` is its default of 8,192, which bounds what is held.")
	r.table([]string{"sessions with", "sessions", "MB", "bytes per session"}, rows)
	return nil
}

// atOnce calls do for each number below count, on all cores.
func atOnce(count int, do func(i int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, runtime.NumCPU())
	for worker := range errs {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(count) && errs[worker] == nil; i = next.Add(1) - 1 {
				errs[worker] = do(int(i))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// holdTokens returns the bytes that an instance in broker mode holds after as many people have logged in and sent one request each with
// their token.
func holdTokens(ctx context.Context, count int) (int64, error) {
	k, err := newKey("ES256")
	if err != nil {
		return 0, err
	}
	p, db := newProvider(k), store.NewMemory()
	defer func() { _ = db.Close() }()
	s, err := newCachingService(k, p, db, "EdDSA")
	if err != nil {
		return 0, err
	}
	headers := make([]core.Credentials, count)
	err = atOnce(count, func(i int) error {
		token, err := s.login(ctx)
		if err == nil {
			headers[i] = bearer(token.AccessToken)
		}
		return err
	})
	auth := s.auth
	s = nil
	return holds(ctx, auth, headers, err)
}

// holdBrowsers does the same with browsers.
func holdBrowsers(ctx context.Context, count int) (int64, error) {
	db := store.NewMemory()
	defer func() { _ = db.Close() }() // it stays, with its rows, when the Auth is gone
	w, err := newWebService(func(c *core.Config) { c.Store = db })
	if err != nil {
		return 0, err
	}
	idp, auth := w.idp, w.auth
	defer func() { _ = idp.Close() }()
	headers := make([]core.Credentials, count)
	err = atOnce(count, func(i int) error {
		header, err := w.browser("alice")
		headers[i] = reading(header)
		return err
	})
	w = nil
	return holds(ctx, auth, headers, err)
}

// holds sends a request with each of the headers, closes the Auth, and returns what it held. err is that of their logins.
func holds(ctx context.Context, auth *core.Auth, headers []core.Credentials, err error) (int64, error) {
	guard := auth.Required()
	for i := 0; err == nil && i < len(headers); i++ {
		err = admitted(guard.Admit(ctx, headers[i]))
	}
	if err != nil {
		return 0, errors.Join(err, auth.Close())
	}
	full := heap()
	if err := auth.Close(); err != nil {
		return 0, err
	}
	runtime.KeepAlive(guard)
	gone := make(chan struct{})
	runtime.AddCleanup(auth, func(gone chan struct{}) { close(gone) }, gone)
	auth, guard = nil, nil
	if err := collected(gone); err != nil {
		return 0, err
	}
	held := full - heap()
	runtime.KeepAlive(headers)
	return held, nil
}

var errKept = errors.New("something keeps the Auth after Close")

// collected runs the garbage collector until what closes gone is garbage: what runs in the background after Close may keep it for a moment.
func collected(gone <-chan struct{}) error {
	for range 1000 {
		runtime.GC()
		select {
		case <-gone:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errKept
}
