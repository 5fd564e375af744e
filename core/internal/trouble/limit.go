package trouble

import (
	"sync"
	"time"
)

// Limit bounds how often a line is logged. The zero value lets nothing through. Safe for concurrent use.
type Limit struct {
	Lines int           // so many
	Every time.Duration // within this time

	mu      sync.Mutex
	begun   time.Time // of the window
	taken   int       // lines in it
	dropped int       // lines that were not logged, since the last that was
}

// Take reports whether a line may be logged now, and how many were dropped since the last one.
func (l *Limit) Take() (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.begun) >= l.Every {
		l.begun, l.taken = now, 0
	}
	if l.taken >= l.Lines {
		l.dropped++
		return 0, false
	}
	l.taken++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
