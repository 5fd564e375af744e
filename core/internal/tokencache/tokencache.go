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
	// Average is how many bytes an entry may take on average: 2.7 KiB, less the cache's own share for each place. Larger entries evict
	// more of the others.
	Average = 27*1024/10 - share
	share   = 10
	// Largest is the size in bytes of the largest entry that is stored.
	Largest = ways * Average
	// tail is how many bytes at the end of a text are hashed to choose its sets. The end of a token is its signature, which
	// only the signer can choose. Get compares whole texts.
	tail = 32
	// patience is how many used entries the clock passes before it evicts one of them.
	patience = 64
	// lives is how often the clock has to pass an entry before an unused one goes. With one, an entry that is used each second would go
	// whenever two passes happen to follow each other sooner.
	lives = 2
)

// Cache maps texts to values. Safe for concurrent use.
type Cache[V any] struct {
	seed maphash.Seed
	// Each text has two sets where it may be. tags has for each set one byte of the hash per slot, to skip slots that cannot match. It
	// lies apart from the sets, so that a lookup reads of them only the set that has the text.
	tags []atomic.Uint64
	sets []set[V]

	mu           sync.Mutex // held by writers; guards the fields below
	count, most  int        // entries
	bytes, limit int        // of all entries
	hand         int        // slot at which the clock goes on
	turn         uint       // of the slots of full sets
}

// set is one line of the processor's cache.
type set[V any] [ways]atomic.Pointer[Node[V]]

// Node is the place of an entry. It is a part of the value, in the same memory, so that a lookup that has compared the text has the
// value near. The zero value is ready for [Cache.Put].
type Node[V any] struct {
	text  string
	value V
	bytes int32
	lives atomic.Int32 // how often the clock still passes it without a use
}

// New makes a cache for size entries, at least eight, and size x [Average] bytes.
func New[V any](size int) *Cache[V] {
	size = max(size, ways)
	sets := (size + ways - 1) / ways
	return &Cache[V]{seed: maphash.MakeSeed(), tags: make([]atomic.Uint64, sets), sets: make([]set[V], sets), most: size, limit: size * Average}
}

// hash has in its low byte the tag of a text, and in two other parts the sets where it may be, which may be the same.
func (c *Cache[V]) hash(text string) uint64 {
	return maphash.String(c.seed, text[max(0, len(text)-tail):])
}

func (c *Cache[V]) first(hash uint64) int { return int(hash >> 32 * uint64(len(c.sets)) >> 32) }
func (c *Cache[V]) second(hash uint64) int {
	return int(hash >> 8 & 0xffffff * uint64(len(c.sets)) >> 24)
}

// Get returns the value stored for exactly this text. It takes no lock.
func (c *Cache[V]) Get(text string) (value V, ok bool) {
	hash := c.hash(text)
	n, _ := c.find(c.first(hash), hash, text)
	if n == nil {
		if n, _ = c.find(c.second(hash), hash, text); n == nil {
			return value, false
		}
	}
	if n.lives.Load() != lives {
		n.lives.Store(lives)
	}
	return n.value, true
}

// find returns the entry of a text in a set and its slot, nil if it is not there.
func (c *Cache[V]) find(set int, hash uint64, text string) (n *Node[V], slot int) {
	const ones = 0x0101010101010101
	differs := c.tags[set].Load() ^ hash&0xff*ones
	// The high bit of each byte that is zero, and now and then of the byte above it.
	for same := (differs - ones) &^ differs & (ones << 7); same != 0; same &= same - 1 {
		slot = bits.TrailingZeros64(same) / 8
		if n = c.sets[set][slot].Load(); n != nil && n.text == text {
			return n, slot
		}
	}
	return nil, 0
}

// Put stores a value for a text in a new node and keeps text itself, not a copy. bytes is the size of all of it; an entry larger than
// [Largest] is not stored.
func (c *Cache[V]) Put(n *Node[V], text string, value V, bytes int) {
	if bytes > Largest {
		return
	}
	n.text, n.value, n.bytes = text, value, int32(bytes)
	hash := c.hash(text)
	sets := [...]int{c.first(hash), c.second(hash)} // lookups begin in the first one
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, set := range sets {
		if old, slot := c.find(set, hash, text); old != nil {
			n.lives.Store(old.lives.Load()) // what is made again for a caller is as much in use as it was
			c.remove(set, slot)
		}
	}
	set, slot := c.room(sets)
	for c.count >= c.most || c.bytes+bytes > c.limit {
		c.evict()
	}
	c.count++
	c.bytes += bytes
	c.put(set, slot, hash, n)
}

// room returns an empty slot in one of two sets. If both are full, another entry moves or goes.
func (c *Cache[V]) room(both [2]int) (set, slot int) {
	for _, set := range both {
		if slot, ok := c.empty(set); ok {
			return set, slot
		}
	}
	if c.count < c.most {
		for _, set := range both {
			for slot := range ways {
				if c.move(set, slot) {
					return set, slot
				}
			}
		}
	}
	for range (lives + 1) * len(both) * ways { // every entry so often
		c.turn++
		set, slot = both[c.turn/ways%2], int(c.turn%ways)
		if !c.sets[set][slot].Load().survives() {
			break
		}
	}
	c.remove(set, slot)
	return set, slot
}

// survives takes one life of an entry, and reports false if it has none.
func (n *Node[V]) survives() bool {
	left := n.lives.Load()
	if left > 0 {
		n.lives.CompareAndSwap(left, left-1)
	}
	return left > 0
}

func (c *Cache[V]) empty(set int) (slot int, ok bool) {
	for slot := range ways {
		if c.sets[set][slot].Load() == nil {
			return slot, true
		}
	}
	return 0, false
}

// move moves an entry to the other of its two sets. A lookup in the meantime may miss it.
func (c *Cache[V]) move(set, slot int) bool {
	n := c.sets[set][slot].Load()
	hash := c.hash(n.text)
	other := c.first(hash) + c.second(hash) - set
	free, ok := c.empty(other)
	if ok {
		c.put(other, free, hash, n)
		c.sets[set][slot].Store(nil)
	}
	return ok
}

// put stores an entry in an empty slot.
func (c *Cache[V]) put(set, slot int, hash uint64, n *Node[V]) {
	c.sets[set][slot].Store(n)
	c.tags[set].Store(c.tags[set].Load()&^(0xff<<(8*slot)) | hash&0xff<<(8*slot))
}

// evict removes the next entry that was not used since the clock last passed it. The cache must not be empty.
func (c *Cache[V]) evict() {
	for passed := 0; ; {
		set, slot := c.hand/ways, c.hand%ways
		c.hand = (c.hand + 1) % (len(c.sets) * ways)
		n := c.sets[set][slot].Load()
		if n == nil {
			continue
		}
		if passed++; !n.survives() || passed > patience {
			c.remove(set, slot)
			return
		}
	}
}

func (c *Cache[V]) remove(set, slot int) {
	n := c.sets[set][slot].Swap(nil)
	c.count--
	c.bytes -= int(n.bytes)
}
