package tokencache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

func text(i int) string { return fmt.Sprintf("header.payload.%032d", i) }

// A value is found only under exactly its text.
func TestExactText(t *testing.T) {
	c := tokencache.New[int](4096)
	for i := range 500 {
		c.Put(text(i), i, 100)
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
	c.Put(text(1), -1, 100)
	if got, _ := c.Get(text(1)); got != -1 {
		t.Errorf("put again: got %d", got)
	}
}

// Texts with the same end share a set and are distinguished.
func TestSameEnd(t *testing.T) {
	c := tokencache.New[int](1)
	end := strings.Repeat("s", 32)
	for i := range 8 {
		c.Put(fmt.Sprint(i, end), i, 1)
	}
	for i := range 8 {
		if got, ok := c.Get(fmt.Sprint(i, end)); !ok || got != i {
			t.Errorf("%d: got %d, %v", i, got, ok)
		}
	}
}

// The cache never exceeds its capacity, in number and in bytes, and always has the newest entry.
func TestBounds(t *testing.T) {
	const size = 64
	for name, bytes := range map[string]int{"small": 1, "average": tokencache.Average, "large": 8 * tokencache.Average, "three to a set": 8 * tokencache.Average / 3} {
		c := tokencache.New[int](size)
		for i := range 100 * size {
			c.Put(text(i), i, bytes)
			if _, ok := c.Get(text(i)); !ok {
				t.Fatalf("%s: the newest is not there", name)
			}
		}
		kept := 0
		for i := range 100 * size {
			if _, ok := c.Get(text(i)); ok {
				kept++
			}
		}
		most := min(size, size*tokencache.Average/bytes)
		if kept > most || kept < most/2 {
			t.Errorf("%s: %d of at most %d are kept", name, kept, most)
		}
	}
}

// An entry larger than the limit of a set is not stored and evicts nothing.
func TestTooLarge(t *testing.T) {
	c := tokencache.New[int](1)
	c.Put(text(1), 1, 100)
	c.Put(text(2), 2, 8*tokencache.Average+1)
	_, first := c.Get(text(1))
	_, second := c.Get(text(2))
	if !first || second {
		t.Errorf("small: %v, large: %v", first, second)
	}
}

// A used entry outlives unused ones.
func TestUsedEntriesStay(t *testing.T) {
	c := tokencache.New[int](8)
	c.Put(text(0), 0, 1)
	for i := 1; i < 1000; i++ {
		if _, ok := c.Get(text(0)); !ok {
			t.Fatalf("gone after %d others", i)
		}
		c.Put(text(i), i, 1)
	}
}

// A read during a write returns the value for its text or nothing.
func TestConcurrentReadsAndWrites(t *testing.T) {
	c := tokencache.New[int](16)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 20_000 {
				n := (i*7 + worker) % 64
				if got, ok := c.Get(text(n)); ok && got != n {
					t.Errorf("asked for %d, got %d", n, got)
				}
				c.Put(text(n), n, 100*(n+1))
			}
		})
	}
	all.Wait()
}

// A hit does not allocate.
func TestHitAllocates(t *testing.T) {
	c := tokencache.New[*int](16)
	value := 1
	c.Put(text(1), &value, 1)
	asked := text(1)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Get(asked) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
