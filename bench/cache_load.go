package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// misses sends tokens that are evicted before they are repeated, with the algorithm that is cheapest to verify.
func misses(ctx context.Context, r *report, e effort) error {
	const alg = "RS256"
	size := 8192
	if e.quick {
		size = 512
	}
	k, err := newKey(alg)
	if err != nil {
		return err
	}
	headers := make([]core.Credentials, 3*size)
	var all sync.WaitGroup
	for worker := range runtime.NumCPU() {
		all.Go(func() {
			for i := worker; i < len(headers); i += runtime.NumCPU() {
				headers[i] = bearer(numbered(k, i))
			}
		})
	}
	all.Wait()
	p := newProvider(k)
	var subjects []subject
	for _, way := range []struct {
		name string
		size int
	}{{"no cache", -1}, {"a miss through the cache", size}} {
		auth, err := core.New(p.config(way.size))
		if err != nil {
			return err
		}
		defer func() { _ = auth.Close() }()
		guard, next := auth.Required(), 0
		subjects = append(subjects, subject{way.name, func() error {
			err := admitted(guard.Admit(ctx, headers[next]))
			next = (next + 1) % len(headers)
			return err
		}})
	}
	seen, err := compare(subjects, e.rounds, 2*time.Millisecond)
	if err != nil {
		return err
	}
	cost := seen[1].over(seen[0])
	r.note("A miss, %s, %d tokens in turn with %d entries:", alg, len(headers), size)
	r.table([]string{"", "x no cache"}, [][]string{{seen[0].name, "1"}, {seen[1].name, cost.String()}})
	r.judge(7, "a miss through the cache at most 1.05 x no cache", cost.String(), cost.mid <= 1.05)
	return nil
}

// flood measures good tokens while other clients send forged ones with a known key id, each of which costs a signature check.
func flood(ctx context.Context, r *report, e effort) error {
	k, err := newKey("RS256")
	if err != nil {
		return err
	}
	auth, err := core.New(newProvider(k).config(0))
	if err != nil {
		return err
	}
	defer func() { _ = auth.Close() }()
	guard := auth.Required()
	good := make([]core.Credentials, 1000)
	for i := range good {
		good[i] = bearer(numbered(k, i))
		if err := admitted(guard.Admit(ctx, good[i])); err != nil {
			return err
		}
	}
	bad, err := badTokens(k)
	if err != nil {
		return err
	}
	requests := 2_000_000
	if e.quick {
		requests = 200_000
	}
	var rows [][]string
	for _, attackers := range []int{0, 1, runtime.NumCPU(), 4 * runtime.NumCPU()} {
		forged, times, err := underFlood(ctx, guard, good, bearer(bad["another's key"]), attackers, requests)
		if err != nil {
			return err
		}
		at := func(part float64) string {
			return time.Duration(times[int(part*float64(len(times)-1))]).String()
		}
		rows = append(rows, []string{strconv.Itoa(attackers), fmt.Sprint(forged), at(0.5), at(0.99), at(0.999)})
	}
	r.note("Cached tokens, one request after the other, while goroutines send forged ones as fast as they can (RS256). The times are those of one decision; if\n" +
		"there are more goroutines than cores, the scheduler causes the longest ones:")
	r.table([]string{"attackers", "forged tokens meanwhile", "median", "p99", "p99.9"}, rows)
	return nil
}

func underFlood(ctx context.Context, guard *core.Guard, good []core.Credentials, forged core.Credentials, attackers, requests int) (refused int64, times []int64, err error) {
	var count atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range attackers {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if guard.Admit(ctx, forged).Err != nil {
					count.Add(1)
				}
			}
		})
	}
	end := func() { close(stop); all.Wait() }
	times = make([]int64, requests)
	for i := range times {
		begin := time.Now()
		err = admitted(guard.Admit(ctx, good[i%len(good)]))
		times[i] = time.Since(begin).Nanoseconds()
		if err != nil {
			end()
			return 0, nil, fmt.Errorf("a valid token was refused during the flood: %w", err)
		}
	}
	refused = count.Load()
	end()
	slices.Sort(times)
	return refused, times, nil
}
