package soak

import (
	"sync"
	"time"
)

// part is what an outage concerns.
type part int

const (
	provider part = iota
	store
	process // an instance was killed
	parts
)

func (p part) String() string { return [...]string{"the provider", "the store", "an instance"}[p] }

const (
	// settle is how long after an outage answers may still be those of the outage.
	settle = 5 * time.Second
	// pause is the time between two fetches of the provider's documents while it fails: an instance may know of a new key so much later.
	pause = 10 * time.Second
)

// outage is announced: from begins before anything fails, to is after everything is healthy again.
type outage struct {
	part     part
	from, to time.Time // to is zero as long as it lasts
}

// board is where outages are announced. Safe for concurrent use.
type board struct {
	mu      sync.Mutex
	outages []outage
}

func (b *board) begin(p part) (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.outages)
	b.outages = append(b.outages, outage{part: p, from: time.Now()})
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.outages[n].to = time.Now()
	}
}

// during reports whether some of the time between from and to was in an outage, or up to after its end.
func (b *board) during(p part, from, to time.Time, after time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.outages {
		if o.part == p && o.from.Before(to) && (o.to.IsZero() || from.Before(o.to.Add(after))) {
			return true
		}
	}
	return false
}

// count returns how many outages there were, and how long they lasted.
func (b *board) count(p part) (n int, lasted time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.outages {
		if o.part == p && !o.to.IsZero() {
			n, lasted = n+1, lasted+o.to.Sub(o.from)
		}
	}
	return n, lasted
}
