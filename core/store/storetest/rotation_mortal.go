package storetest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// fate is what becomes of the call for which a mortal was doomed.
type fate int

const (
	fails     fate = iota // an error, and nothing is done
	failsDone             // an error, and all is done
	dies                  // the process ends before
	diesDone              // the process ends after it was done
)

// errLost is what a store says that lost its connection.
var errLost = errors.New("connection lost")

// mortal is the store of a process that may die at any of its calls. Death ends the goroutine that calls, as it would
// end all of them: later callers end there, too, and write no more.
type mortal struct {
	store.Store
	now  func() time.Time
	died context.CancelFunc // called at the death

	mu    sync.Mutex
	dead  bool
	calls int // until the fate; 0: none is near
	fate  fate
}

// doom lets the fate come with a later call, the next one being 1.
func (m *mortal) doom(calls int, fate fate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.fate = calls, fate
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// live ends the goroutine of a process that is dead.
func (m *mortal) live() {
	if m.isDead() {
		runtime.Goexit()
	}
}

func (m *mortal) die() {
	m.mu.Lock()
	m.dead = true
	m.mu.Unlock()
	m.died()
	runtime.Goexit()
}

// call does what the store is asked for, or what fate wants.
func (m *mortal) call(do func() error) error {
	m.live()
	m.mu.Lock()
	m.calls = max(m.calls-1, -1)
	now, fate := m.calls == 0, m.fate
	m.mu.Unlock()
	switch {
	case now && fate == dies:
		m.die()
	case now && fate == fails:
		return errLost
	}
	err := do()
	switch {
	case now && fate == diesDone:
		m.die()
	case now && fate == failsDone:
		return errLost
	}
	return err
}

func (m *mortal) PutSession(ctx context.Context, session store.Session) error {
	return m.call(func() error { return m.Store.PutSession(ctx, session) })
}

// Session also ends the wait of a request for the lease of another one: while an action of the model runs, no time passes.
func (m *mortal) Session(ctx context.Context, id string, now time.Time) (session store.Session, err error) {
	err = m.call(func() (err error) {
		session, err = m.Store.Session(ctx, id, now)
		return err
	})
	if visit, ok := ctx.Value(visitKey{}).(*visit); ok && err == nil {
		visit.meets(session, m.now())
	}
	return session, err
}

// Swap is first called to take the lease, with the context of all the work that follows: it ends with that.
func (m *mortal) Swap(ctx context.Context, session store.Session) error {
	if visit, ok := ctx.Value(visitKey{}).(*visit); ok && visit.works == nil {
		visit.works = ctx.Done()
	}
	return m.call(func() error { return m.Store.Swap(ctx, session) })
}

func (m *mortal) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return m.call(func() error { return m.Store.Revoke(ctx, id, version, now, until) })
}

type visitKey struct{}

// meets ends the wait of a visitor whose token another request is spending.
func (v *visit) meets(session store.Session, now time.Time) {
	if !v.asked.Load() && session.Lease.Add(clocks.Skew).After(now) && bytes.Equal(session.Current, v.token.hash) {
		v.held.Store(true)
		v.cancel()
	}
}
