// Package clocks says by how much the clocks of a service's instances may differ, and notices when they differ by more.
// A store has no clock: every time in it was written by an instance, and is read by another one.
package clocks

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Skew is by how much the clocks of two instances may differ without an effect: no session is lost, no lease is taken
// from its holder, no logout is missed.
const Skew = time.Minute

// memory is for how long [Watch.Err] reports a difference after it was seen last.
const memory = 10 * time.Minute

var (
	// ErrAhead says that another instance has written a time that lies too far in this one's future.
	ErrAhead = errors.New("clocks: the clock of another instance is ahead of this one's by more than a minute: synchronise both")
	// ErrLate says that a time that another instance has written was first seen when it was too old.
	ErrLate = errors.New("clocks: a logout was seen too late: the clock of another instance is more than a minute behind this one's, or the store commits late")
)

// Watch notices clocks that differ by more than [Skew]. Its methods do nothing on a nil Watch. Safe for concurrent use.
type Watch struct {
	changed func(error)

	mu   sync.Mutex
	err  error     // what was seen last; nil: nothing
	seen time.Time // when
}

// NewWatch makes a watch. changed is called when a difference is first seen, and with nil when none was seen for ten
// minutes and [Watch.Err] is asked; nil: nothing is called.
func NewWatch(changed func(error)) *Watch {
	if changed == nil {
		changed = func(error) {}
	}
	return &Watch{changed: changed}
}

// Written judges a time that an instance has stored as its own present, or so long after it.
func (w *Watch) Written(at, now time.Time, after time.Duration) {
	if by := at.Sub(now) - after; by > Skew {
		w.note(fmt.Errorf("%w (%s)", ErrAhead, by.Round(time.Second)))
	}
}

// Late notes that a time was seen for the first time so long after it had been written.
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

// Err returns [ErrAhead] or [ErrLate], with the difference, when one was seen within the last ten minutes.
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
