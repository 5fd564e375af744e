package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"
	"weak"

	"github.com/go-oidc-auth/oidcauth/core"
)

// cache writes the tables about cached tokens: goal 7.
func cache(ctx context.Context, r *report, e effort) error {
	r.section("Cached tokens", "Requests at a guard with tokens of realistic size, signed with Ed25519 unless stated otherwise, because many of them can be made quickly.")
	for _, part := range []func(context.Context, *report, effort) error{hitRatios, cacheMemory, misses, flood} {
		if err := part(ctx, r, e); err != nil {
			return err
		}
	}
	return nil
}

// numbered makes a token of the provider for one of many users. Tokens with short signatures have a longer header, so that they are as long
// as those with RS256 and have the same claims.
func numbered(k *key, i int) string {
	header := k.header()
	if k.alg != "RS256" {
		header["padding"] = padding
	}
	return k.sign(header, toJSON(keycloak(claims{"sub": "user-" + strconv.Itoa(i), "jti": "onrtac:7a7e5d0d-5a3c-4a0e-8f6d-" + fmt.Sprintf("%012d", i)})))
}

var padding = encode(random(134))

// seen has the caller that a guard returned for a token, without keeping it alive. Two weak pointers are equal if they were
// made from the same object, so the next answer shows exactly, through the public API, whether the token was cached.
type seen = weak.Pointer[core.IDToken]

// hitRatios sends requests of few and of many users, some of whom are much more frequent than others.
func hitRatios(ctx context.Context, r *report, e effort) error {
	k, err := newKey("EdDSA")
	if err != nil {
		return err
	}
	var rows [][]string
	for _, users := range []int{1, 10_000, 1_000_000} {
		auth, err := core.New(newProvider(k).config(0))
		if err != nil {
			return err
		}
		row, err := hitRatio(ctx, e, k, auth.Required(), users)
		_ = auth.Close()
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	r.note("Requests of many users (Zipf, s = 1.01), 8,192 entries:")
	r.table([]string{"users", "requests", "hits", "time of a hit, x that of one user"}, oneUserFirst(rows))
	r.note("With many users a hit costs more, because their tokens are not in the processor's caches and the whole text of a token is compared.")
	return nil
}

// oneUserFirst divides the cost of hits by that of the first row.
func oneUserFirst(rows [][]string) [][]string {
	first, _ := strconv.ParseFloat(rows[0][3], 64) // written by hitRatio
	for _, row := range rows {
		cost, _ := strconv.ParseFloat(row[3], 64)
		row[3] = fmt.Sprintf("%.1f", cost/first)
	}
	return rows
}

func hitRatio(ctx context.Context, e effort, k *key, guard *core.Guard, users int) ([]string, error) {
	requests := 300_000
	if e.quick {
		requests = 60_000
	}
	who := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, uint64(users-1))
	headers, last := map[int]core.Credentials{}, map[int]seen{}
	hits := 0
	var times []float64
	for i := range requests {
		user := int(who.Uint64())
		header, known := headers[user]
		if !known {
			header = bearer(numbered(k, user))
			headers[user] = header
		}
		begin := time.Now()
		decision := guard.Admit(ctx, header)
		took := time.Since(begin)
		if decision.Err != nil {
			return nil, decision.Err
		}
		this := weak.Make(decision.Caller)
		if this == last[user] {
			hits++
			if i > requests/10 {
				times = append(times, float64(took.Nanoseconds()))
			}
		}
		last[user] = this
	}
	return []string{strconv.Itoa(users), strconv.Itoa(requests), fmt.Sprintf("%.1f %%", 100*float64(hits)/float64(requests)), fmt.Sprint(spreadOf(times).mid)}, nil
}

// cacheMemory fills caches far beyond their size and measures their memory.
func cacheMemory(ctx context.Context, r *report, e effort) error {
	k, err := newKey("EdDSA")
	if err != nil {
		return err
	}
	sizes := []int{8192, 65536}
	if e.quick {
		sizes = sizes[:1]
	}
	var rows [][]string
	within, least := true, 1.0
	for _, size := range sizes {
		kept, bytes, err := filled(ctx, k, size)
		if err != nil {
			return err
		}
		within = within && kept <= size && bytes <= int64(size)*27*1024/10
		least = min(least, float64(kept)/float64(size))
		rows = append(rows, []string{strconv.Itoa(size), strconv.Itoa(3 * size), strconv.Itoa(kept), fmt.Sprintf("%.2f", float64(bytes)/float64(kept)/1024), fmt.Sprintf("%.2f", float64(bytes)/float64(size)/1024)})
	}
	r.note("Memory: the difference of the heap after a garbage collection, with the cache and without; tokens of %d bytes:", len(numbered(k, 0)))
	r.table([]string{"TokenCacheSize", "tokens", "cached", "KiB per cached token", "KiB per entry of TokenCacheSize"}, rows)
	last := rows[len(rows)-1]
	r.judge(7, "all places are used with tokens of 1.4 KB", percent(least), least >= allPlaces)
	r.judge(7, "memory at most 2.7 KiB x capacity, never more entries than capacity", last[4]+" KiB, "+last[2]+" of "+last[0]+" kept", within)
	return nil
}

// allPlaces is the part of the places that tokens at random fill: three tokens for each place leave a few sets with less than they hold.
const allPlaces = 0.99

func filled(ctx context.Context, k *key, size int) (kept int, bytes int64, err error) {
	auth, err := core.New(newProvider(k).config(size))
	if err != nil {
		return 0, 0, err
	}
	guard := auth.Required()
	callers := make([]seen, 3*size)
	for i := range callers {
		decision := guard.Admit(ctx, bearer(numbered(k, i)))
		if decision.Err != nil {
			return 0, 0, decision.Err
		}
		callers[i] = weak.Make(decision.Caller)
	}
	full := heap()
	for _, caller := range callers {
		if caller.Value() != nil {
			kept++
		}
	}
	if err := auth.Close(); err != nil {
		return 0, 0, err
	}
	runtime.KeepAlive(guard)
	auth, guard = nil, nil
	bytes = full - heap()
	runtime.KeepAlive(callers) // they are no part of the cache
	return kept, bytes, nil
}

// heap returns the live memory. The second collection frees what the first has finalized.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
