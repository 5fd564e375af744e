package trouble

import (
	"sync"
	"time"
)

// Limit is a rate limit for lines of the log. The zero value allows none. Safe for concurrent use.
type Limit struct {
	Lines int           // allowed lines per window
	Every time.Duration // length of a window

	mu      sync.Mutex
	begun   time.Time // start of the window
	taken   int       // lines in the window
	dropped int       // lines dropped since the last one that was logged
}

// OncePerMinute makes a limit of one line per minute.
func OncePerMinute() *Limit { return &Limit{Lines: 1, Every: time.Minute} }

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

// Last returns the start of the last window in which a line was asked for; the zero time if there was none.
func (l *Limit) Last() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}
