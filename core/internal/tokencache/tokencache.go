// Package tokencache caches values by text, such as the results of verified tokens. It limits the number of entries and their
// size in bytes; readers take no lock, and there is no goroutine.
package tokencache

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	ways = 8
	// Average is how many bytes an entry of a set may take on average. Larger entries evict more of the others.
	Average = 2700
	budget  = ways * Average
	// tail is how many bytes at the end of a text are hashed to choose its set. The end of a token is its signature, which
	// only the signer can choose. Get compares whole texts.
	tail = 32
)

// Cache maps texts to values. Safe for concurrent use.
type Cache[V any] struct {
	seed maphash.Seed
	sets []set[V]
}

// set holds the entries of one hash value: eight slots, and the clock hand that picks the next one to evict.
type set[V any] struct {
	tags  atomic.Uint64 // one byte of the hash per slot, to skip slots that cannot match
	ways  [ways]atomic.Pointer[entry[V]]
	mu    sync.Mutex // held by writers
	bytes int
	hand  int
}

type entry[V any] struct {
	text  string
	value V
	bytes int
	used  atomic.Bool // since the hand last passed
}

// New makes a cache for about size entries, rounded up to a power of two; at least eight.
func New[V any](size int) *Cache[V] {
	sets := 1 << bits.Len(uint(max(size, ways)-1)/ways)
	return &Cache[V]{seed: maphash.MakeSeed(), sets: make([]set[V], sets)}
}

func (c *Cache[V]) place(text string) (*set[V], byte) {
	hash := maphash.String(c.seed, text[max(0, len(text)-tail):])
	return &c.sets[hash&uint64(len(c.sets)-1)], byte(hash >> 56)
}

// Get returns the value stored for exactly this text. It takes no lock.
func (c *Cache[V]) Get(text string) (value V, ok bool) {
	s, tag := c.place(text)
	tags := s.tags.Load()
	for i := range ways {
		if byte(tags>>(8*i)) != tag {
			continue
		}
		if e := s.ways[i].Load(); e != nil && e.text == text {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.value, true
		}
	}
	return value, false
}

// Put stores a value for a text and keeps text itself, not a copy. bytes is the size of both together; an entry larger than
// the limit of a set is not stored.
func (c *Cache[V]) Put(text string, value V, bytes int) {
	if bytes > budget {
		return
	}
	s, tag := c.place(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.holds(text)
	if i >= 0 {
		s.remove(i)
	}
	for s.bytes+bytes > budget {
		s.remove(s.victim())
	}
	if i = s.free(); i < 0 {
		i = s.victim()
		s.remove(i)
	}
	s.bytes += bytes
	s.ways[i].Store(&entry[V]{text: text, value: value, bytes: bytes})
	s.tags.Store(s.tags.Load()&^(0xff<<(8*i)) | uint64(tag)<<(8*i))
}

func (s *set[V]) holds(text string) int {
	for i := range ways {
		if e := s.ways[i].Load(); e != nil && e.text == text {
			return i
		}
	}
	return -1
}

func (s *set[V]) free() int {
	for i := range ways {
		if s.ways[i].Load() == nil {
			return i
		}
	}
	return -1
}

// victim returns the next slot whose entry was not used since the hand last passed, or any slot with an entry if all are in
// constant use. The set must not be empty.
func (s *set[V]) victim() (last int) {
	for range 2 * ways {
		i := s.hand
		s.hand = (s.hand + 1) % ways
		if e := s.ways[i].Load(); e != nil {
			if last = i; !e.used.Swap(false) {
				break
			}
		}
	}
	return last
}

func (s *set[V]) remove(i int) {
	s.bytes -= s.ways[i].Swap(nil).bytes
}
