package login

import (
	"sync"
	"time"
)

// maxSpent is how many used states one process stores to detect their reuse.
const maxSpent = 1 << 16

// spent stores the nonces of used states. Their number is limited; the oldest is dropped first. Safe for concurrent use.
type spent struct {
	mu   sync.Mutex
	seen map[string]time.Time
	ring []string // nonces in order of use; next is the index of the oldest
	next int
}

func newSpent() *spent { return &spent{seen: make(map[string]time.Time)} }

// add stores a nonce and reports whether it is new.
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
