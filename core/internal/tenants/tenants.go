// Package tenants keeps what a function of the application says about issuers that become known at run time. It limits how many are kept,
// how many calls run at once and how long a caller waits. An answer counts for a short time and is then asked for again, so that an
// issuer that is withdrawn ends. Issuers that are not trusted are remembered apart: they cannot displace a trusted one.
package tenants

import (
	"container/list"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Age is how long an answer counts before it is asked for again, in the background.
	Age = time.Minute
	// WaitAge is the age of an answer at which a request waits for the new one.
	WaitAge = 2 * time.Minute
	// StaleAge is how long the last answer counts while the function fails.
	StaleAge = 10 * time.Minute
	// Pause is the minimum time between two calls about one trusted issuer after a failure.
	Pause = 10 * time.Second
	// RefusedAge is how long an issuer counts as not trusted without another call.
	RefusedAge = 30 * time.Second
	// IdleAge is how long a trusted issuer is kept that nobody asks for.
	IdleAge = 30 * time.Minute

	// Most is how many trusted issuers are kept. If there are more, the one that was asked for least recently goes.
	Most = 20_000
	// mostRefused is how many issuers are remembered that are not trusted.
	mostRefused = 4096
	// maxCalls is how many calls run at once: so many about issuers that are not known, and as many about known ones. maxWaiting is how many
	// of the first kind may wait for their turn.
	maxCalls   = 16
	maxWaiting = 256
)

// The errors of the table itself.
var (
	ErrSlow   = errors.New("the function did not answer in time")
	ErrBusy   = errors.New("too many calls about unknown issuers")
	ErrClosed = errors.New("the service is shutting down")
	errOver   = errors.New("the issuer was forgotten again and again during the calls")
)

// Config has the settings of a Table. All must be set.
type Config[T any] struct {
	// Ask returns what counts for an issuer; nil: it is not trusted. last is what counted so far, nil for nothing: Ask returns it if nothing
	// has changed. ctx ends after Timeout and belongs to no request. Ask must not panic.
	Ask func(ctx context.Context, issuer string, last *Entry[T]) (*Entry[T], error)
	// Drop is called once for each entry that no longer counts. Requests that began before may still use it. It must not call the Table.
	Drop    func(T)
	Timeout time.Duration // of one call, as far as callers wait for it
}

// Entry is a trusted issuer. Make one with Value alone.
type Entry[T any] struct {
	Value T

	good atomic.Int64 // until then the entry counts without a look into the table, in Unix milliseconds

	// The table's mu guards these.
	issuer string
	asked  time.Time // the last answer
	retry  time.Time // after a failure
	err    error     // of the last call, nil if it succeeded
	again  bool      // only a new answer counts
	place  *list.Element
}

// Good returns the time until which the entry counts without a look into the table, in Unix milliseconds. After it [Table.Get] must be asked.
func (e *Entry[T]) Good() *atomic.Int64 { return &e.good }

func (e *Entry[T]) isGood(now time.Time) bool { return now.UnixMilli() < e.good.Load() }

// Peek returns the entry of an issuer if it counts now; nil means that [Table.Get] must be asked.
func (t *Table[T]) Peek(issuer string) *Entry[T] {
	t.mu.RLock()
	e := t.live[issuer]
	t.mu.RUnlock()
	if e != nil && e.isGood(time.Now()) {
		return e
	}
	return nil
}

// Table has the issuers. Safe for concurrent use.
type Table[T any] struct {
	cfg           Config[T]
	first, second chan struct{} // places of calls about unknown and known issuers

	mu      sync.RWMutex
	live    map[string]*Entry[T]
	recent  list.List // of live, the one that was asked for last in front
	refused refusals
	flights map[string]*flight[T]
	waiting int // flights about unknown issuers
	sweeper *time.Timer
	closed  bool
}

// New makes an empty table.
func New[T any](cfg Config[T]) *Table[T] {
	return &Table[T]{
		cfg: cfg, first: make(chan struct{}, maxCalls), second: make(chan struct{}, maxCalls),
		live: make(map[string]*Entry[T]), flights: make(map[string]*flight[T]), refused: newRefusals(mostRefused),
	}
}

// Get returns the entry of an issuer; nil if it is not trusted. It waits for the function, if its last answer does not count any more, until
// ctx ends. The error is that of the function, or of the table or ctx.
func (t *Table[T]) Get(ctx context.Context, issuer string) (*Entry[T], error) {
	const tries = 4
	for range tries {
		e, wait, err := t.look(issuer)
		if wait == nil {
			return e, err
		}
		select {
		case <-wait.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !wait.void {
			return wait.entry, wait.err
		}
	}
	return nil, errOver
}

// look returns the result, or the call to wait for. It begins a call if one is due.
func (t *Table[T]) look(issuer string) (*Entry[T], *flight[T], error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, e := time.Now(), t.live[issuer]
	switch {
	case t.closed && e == nil:
		return nil, nil, ErrClosed
	case t.closed, e != nil && e.isGood(now):
		return e, nil, nil
	case e == nil && t.refused.has(issuer, now):
		return nil, nil, nil
	case e != nil && e.counts(now):
		if now.After(e.retry) {
			_, _ = t.begin(issuer, e)
		}
		return e, nil, nil
	case e != nil && e.err != nil && now.Before(e.retry):
		return nil, nil, e.err
	}
	wait, err := t.begin(issuer, e)
	return nil, wait, err
}

// counts reports whether the last answer counts although it is time for another one.
func (e *Entry[T]) counts(now time.Time) bool {
	age := now.Sub(e.asked)
	return !e.again && (age < WaitAge || e.err != nil && age < StaleAge)
}

// add puts an entry in. The caller holds mu.
func (t *Table[T]) add(issuer string, e *Entry[T]) {
	for len(t.live) >= Most {
		t.remove(t.recent.Back().Value.(*Entry[T])) //nolint:forcetypeassert // the list has nothing else
	}
	e.issuer, e.place = issuer, t.recent.PushFront(e)
	t.live[issuer] = e
	if t.sweeper == nil {
		t.sweeper = time.AfterFunc(IdleAge/2, t.sweep)
	}
}

// remove takes an entry out; nil is ignored. The caller holds mu.
func (t *Table[T]) remove(e *Entry[T]) {
	if e == nil || t.live[e.issuer] != e {
		return
	}
	e.good.Store(0)
	delete(t.live, e.issuer)
	t.recent.Remove(e.place)
	t.cfg.Drop(e.Value)
}

// sweep removes what nobody asks for.
func (t *Table[T]) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweeper = nil
	if t.closed {
		return
	}
	for back := t.recent.Back(); back != nil; back = t.recent.Back() {
		e := back.Value.(*Entry[T]) //nolint:forcetypeassert // the list has nothing else
		if time.Since(e.asked) < IdleAge {
			break
		}
		t.remove(e)
	}
	if len(t.live) > 0 {
		t.sweeper = time.AfterFunc(IdleAge/2, t.sweep)
	}
}

// Forget makes the next request for an issuer wait for a new answer: nothing that was said before counts, not even if the function fails.
func (t *Table[T]) Forget(issuer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused.remove(issuer)
	if f := t.flights[issuer]; f != nil {
		f.void = true
		delete(t.flights, issuer)
	}
	if e := t.live[issuer]; e != nil {
		e.again, e.retry, e.err = true, time.Time{}, nil
		e.good.Store(0)
	}
}

// Len returns how many trusted issuers are kept.
func (t *Table[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.live)
}

// Close drops all entries. Those that count keep counting for who has them; nothing is asked any more.
func (t *Table[T]) Close() {
	t.mu.Lock()
	var last []*Entry[T]
	if !t.closed {
		last = slices.Collect(maps.Values(t.live))
	}
	t.closed = true
	if t.sweeper != nil {
		t.sweeper.Stop()
	}
	t.mu.Unlock()
	for _, e := range last {
		t.cfg.Drop(e.Value)
	}
}
