package login

import (
	"sync"
	"time"
)

// maxSpent is how many used states one process remembers, so that none is used twice.
const maxSpent = 1 << 16

// spent remembers used states by their nonce: bounded in number, the oldest is dropped first. Safe for concurrent use.
type spent struct {
	mu   sync.Mutex
	seen map[string]time.Time
	ring []string // nonces in order of use, next is the oldest
	next int
}

func newSpent() *spent { return &spent{seen: make(map[string]time.Time)} }

// add reports whether nonce is new.
func (s *spent) add(nonce string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used, ok := s.seen[nonce]; ok && now.Sub(used) <= 2*life {
		return false
	}
	if len(s.ring) < maxSpent {
		s.ring = append(s.ring, nonce)
	} else {
		delete(s.seen, s.ring[s.next])
		s.ring[s.next] = nonce
		s.next = (s.next + 1) % maxSpent
	}
	s.seen[nonce] = now
	return true
}
