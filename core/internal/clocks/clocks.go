// Package clocks defines how far the clocks of a service's instances may differ, and detects when they differ by more.
// A store has no clock of its own: one instance writes a time, and another one reads it.
package clocks

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Skew is how far the clocks of two instances may differ without effect: no session is lost, no lease is taken over early, no
// logout is missed.
const Skew = time.Minute

// memory is how long [Watch.Err] reports a difference after it was last seen.
const memory = 10 * time.Minute

var (
	// ErrAhead says that another instance wrote a time too far in this instance's future.
	ErrAhead = errors.New("clocks: the clock of another instance is more than a minute ahead of this one: synchronise both")
	// ErrLate says that a revocation that another instance wrote was too old when it was first read.
	ErrLate = errors.New("clocks: a logout was read late: the clock of another instance is more than a minute behind this one, or the store commits late")
)

// Watch detects clocks that differ by more than [Skew]. The methods of a nil Watch do nothing. Safe for concurrent use.
type Watch struct {
	changed func(error)

	mu   sync.Mutex
	err  error     // the last difference; nil: none
	seen time.Time // when it was seen
}

// NewWatch makes a watch. It calls changed with an error when it first sees a difference, and with nil in the first call of
// [Watch.Err] after ten minutes without one. changed may be nil.
func NewWatch(changed func(error)) *Watch {
	if changed == nil {
		changed = func(error) {}
	}
	return &Watch{changed: changed}
}

// Written checks a time that an instance stored as its own now plus after.
func (w *Watch) Written(at, now time.Time, after time.Duration) {
	if by := at.Sub(now) - after; by > Skew {
		w.note(fmt.Errorf("%w (%s)", ErrAhead, by.Round(time.Second)))
	}
}

// Late records that a revocation was first read so long after it was written.
func (w *Watch) Late(by time.Duration) {
	w.note(fmt.Errorf("%w (%s)", ErrLate, by.Round(time.Second)))
}

func (w *Watch) note(err error) {
	if w == nil {
		return
	}
	w.mu.Lock()
	first := w.err == nil
	w.err, w.seen = err, time.Now()
	w.mu.Unlock()
	if first {
		w.changed(err)
	}
}

// Err returns [ErrAhead] or [ErrLate], with the difference, if one was seen within the last ten minutes.
func (w *Watch) Err() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	over := w.err != nil && time.Since(w.seen) >= memory
	if over {
		w.err = nil
	}
	err := w.err
	w.mu.Unlock()
	if over {
		w.changed(nil)
	}
	return err
}
