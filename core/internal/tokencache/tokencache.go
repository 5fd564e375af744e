// Package tokencache remembers what was made of a text that came before: bounded in number and in bytes, without a lock for
// readers, and without a goroutine.
package tokencache

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	ways = 8
	// Average is how many bytes an entry may take on the average of its set: texts that take more push more others out.
	Average = 2700
	budget  = ways * Average
	// tail is how much of a text decides where it is kept. The end of a signed token is its signature: nobody can choose
	// it who cannot sign. Where two texts meet, the whole texts are compared.
	tail = 32
)

// Cache keeps a value for each of a number of texts. Safe for concurrent use.
type Cache[V any] struct {
	seed maphash.Seed
	sets []set[V]
}

// set is where all texts of one hash are: eight places, and which of them goes next.
type set[V any] struct {
	tags  atomic.Uint64 // a byte of the hash for each place: which ones are worth a look
	ways  [ways]atomic.Pointer[entry[V]]
	mu    sync.Mutex // held by writers
	bytes int
	hand  int
}

type entry[V any] struct {
	text  string
	value V
	bytes int
	used  atomic.Bool // since the hand came by
}

// New makes a cache for about size texts, rounded up to a power of two; at least eight.
func New[V any](size int) *Cache[V] {
	sets := 1 << bits.Len(uint(max(size, ways)-1)/ways)
	return &Cache[V]{seed: maphash.MakeSeed(), sets: make([]set[V], sets)}
}

func (c *Cache[V]) place(text string) (*set[V], byte) {
	hash := maphash.String(c.seed, text[max(0, len(text)-tail):])
	return &c.sets[hash&uint64(len(c.sets)-1)], byte(hash >> 56)
}

// Get returns the value that was put for exactly this text.
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

// Put keeps a value for a text, of which it makes no copy. bytes is what both take together; what takes more than a whole
// set may is not kept.
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

// victim is the next entry that nobody has asked for since the hand came by, or any when all are asked for all the time; the
// set is not empty.
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
