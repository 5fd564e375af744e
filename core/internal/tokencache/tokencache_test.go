package tokencache_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

func text(i int) string { return fmt.Sprintf("header.payload.%032d", i) }

func put[V any](c *tokencache.Cache[V], text string, value V, bytes int) {
	c.Put(new(tokencache.Node[V]), text, value, bytes)
}

// kept returns how many of the texts are cached.
func kept(c *tokencache.Cache[int], from, to int) (n int) {
	for i := from; i < to; i++ {
		if _, ok := c.Get(text(i)); ok {
			n++
		}
	}
	return n
}

// A value is found only under exactly its text.
func TestExactText(t *testing.T) {
	c := tokencache.New[int](4096)
	for i := range 500 {
		put(c, text(i), i, 100)
	}
	for i := range 500 {
		if got, ok := c.Get(text(i)); !ok || got != i {
			t.Errorf("%d: got %d, %v", i, got, ok)
		}
	}
	for _, other := range []string{"", "x", text(500), text(1) + "x", "Header.payload." + text(1)[15:], text(1)[1:], text(1)[:len(text(1))-1]} {
		if got, ok := c.Get(other); ok {
			t.Errorf("%q: got %d", other, got)
		}
	}
	put(c, text(1), -1, 100)
	if got, _ := c.Get(text(1)); got != -1 {
		t.Errorf("put again: got %d", got)
	}
}

// Texts with the same end share their sets and are distinguished.
func TestSameEnd(t *testing.T) {
	c := tokencache.New[int](1)
	end := strings.Repeat("s", 32)
	for i := range 8 {
		put(c, fmt.Sprint(i, end), i, 1)
	}
	for i := range 8 {
		if got, ok := c.Get(fmt.Sprint(i, end)); !ok || got != i {
			t.Errorf("%d: got %d, %v", i, got, ok)
		}
	}
}

// Many texts with one end stay within their sets, and the rest of the cache stays as it is.
func TestManyWithSameEnd(t *testing.T) {
	c := tokencache.New[int](800)
	for i := range 700 {
		put(c, text(i), i, 1)
	}
	end := strings.Repeat("s", 32)
	for i := range 1000 {
		put(c, fmt.Sprint(i, end), i, 1)
		if got, ok := c.Get(fmt.Sprint(i, end)); !ok || got != i {
			t.Fatalf("the newest, %d: got %d, %v", i, got, ok)
		}
	}
	if n := kept(c, 0, 700); n < 700-16 {
		t.Errorf("%d of 700 others are kept", n)
	}
}

// The cache never exceeds its capacity, in number and in bytes, and always has the newest entry. Texts that take no more than the average
// use all places.
func TestBounds(t *testing.T) {
	for _, size := range []int{8, 64, 100, 1000} {
		for name, bytes := range map[string]int{
			"small": 1, "average": tokencache.Average, "a little more": tokencache.Average * 11 / 10,
			"three to a set": tokencache.Largest / 3, "largest": tokencache.Largest,
		} {
			c := tokencache.New[int](size)
			for i := range 3 * size {
				put(c, text(i), i, bytes)
				if got, ok := c.Get(text(i)); !ok || got != i {
					t.Fatalf("%d, %s: the newest is not there", size, name)
				}
			}
			if n, most := kept(c, 0, 3*size), min(size, size*tokencache.Average/bytes); n > most || n < most*99/100 {
				t.Errorf("%d, %s: %d of at most %d are kept", size, name, n, most)
			}
		}
	}
}

// As many texts as there are places find theirs, almost all. Each cache places them by a hash of its own: what counts is the mean of some.
func TestFull(t *testing.T) {
	for _, size := range []int{8, 1000, 8192} {
		n := mean(16000/size+2, func() int {
			c := tokencache.New[int](size)
			for i := range size {
				put(c, text(i), i, tokencache.Average)
			}
			n := kept(c, 0, size)
			if n < size*95/100 {
				t.Errorf("one cache keeps %d of %d", n, size)
			}
			return n
		})
		if n < size*98/100 {
			t.Errorf("%d of %d are kept", n, size)
		}
	}
}

// Entries of different sizes share the memory of all, in the mean of some caches.
func TestDifferentSizes(t *testing.T) {
	const size, most = 1024, 1024 * tokencache.Average
	bytes := func(i int) int { return tokencache.Average * (i%4 + 1) * 2 / 5 } // the average of all
	used := mean(8, func() (total int) {
		c := tokencache.New[int](size)
		for i := range 4 * size {
			put(c, text(i), i, bytes(i))
		}
		for i := range 4 * size {
			if _, ok := c.Get(text(i)); ok {
				total += bytes(i)
			}
		}
		if total > most || total < most*95/100 {
			t.Errorf("%d of %d bytes are used", total, most)
		}
		return total
	})
	if used < most*98/100 {
		t.Errorf("%d of %d bytes are used", used, most)
	}
}

// mean is that of what some caches make of the same work.
func mean(caches int, one func() int) int {
	total := 0
	for range caches {
		total += one()
	}
	return total / caches
}

// An entry larger than the limit is not stored and evicts nothing.
func TestTooLarge(t *testing.T) {
	c := tokencache.New[int](1)
	put(c, text(1), 1, 100)
	put(c, text(2), 2, tokencache.Largest+1)
	_, first := c.Get(text(1))
	_, second := c.Get(text(2))
	if !first || second {
		t.Errorf("small: %v, large: %v", first, second)
	}
}

// A used entry outlives unused ones, whether places or bytes run out.
func TestUsedEntriesStay(t *testing.T) {
	for _, bytes := range []int{1, 2 * tokencache.Average} {
		for _, size := range []int{8, 100, 1024} {
			c := tokencache.New[int](size)
			put(c, text(0), 0, bytes)
			for i := 1; i < 10*size; i++ {
				if _, ok := c.Get(text(0)); !ok {
					t.Fatalf("%d of %d bytes: gone after %d others", size, bytes, i)
				}
				put(c, text(i), i, bytes)
			}
		}
	}
}

// Entries that are used now and then, or made anew, stay while thousands come that are used once.
func TestSteadyUse(t *testing.T) {
	const size, steady, rounds = 256, 50, 5000
	c := tokencache.New[int](size)
	random := rand.New(rand.NewPCG(1, 2))
	gone := 0
	for round := range rounds {
		for range 15 {
			n := random.IntN(steady)
			if _, ok := c.Get(text(n)); !ok {
				gone++
				put(c, text(n), n, 1000)
			}
		}
		put(c, text(random.IntN(steady)), 0, 1000)
		put(c, text(steady+round), round, 1000)
	}
	if gone > steady+2 { // each comes once
		t.Errorf("%d entries in use went for %d others", gone-steady, rounds)
	}
}

// If all entries are in use, the newest replaces one of them.
func TestAllUsed(t *testing.T) {
	for _, bytes := range []int{1, 2 * tokencache.Average} {
		c := tokencache.New[int](64)
		for i := range 1000 {
			kept(c, max(0, i-64), i) // uses them
			put(c, text(i), i, bytes)
			if _, ok := c.Get(text(i)); !ok {
				t.Fatalf("%d: the newest is not there", i)
			}
		}
	}
}

// A read during a write returns the value for its text or nothing.
func TestConcurrentReadsAndWrites(t *testing.T) {
	c := tokencache.New[int](48)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 20_000 {
				n := (i*7 + worker) % 64
				if got, ok := c.Get(text(n)); ok && got != n {
					t.Errorf("asked for %d, got %d", n, got)
				}
				put(c, text(n), n, 100*(n+1))
			}
		})
	}
	all.Wait()
}

// A hit does not allocate.
func TestHitAllocates(t *testing.T) {
	c := tokencache.New[*int](16)
	value := 1
	put(c, text(1), &value, 1)
	asked := text(1)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Get(asked) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
