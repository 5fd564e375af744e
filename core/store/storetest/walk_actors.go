package storetest

import (
	"fmt"
	"runtime"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// actor is one piece of work of a process: a login, a request, a logout. It waits before each of its steps, which is a call of
// the store or of the provider.
type actor struct {
	walk  *walk
	on    *process
	what  string // "request of session 1", and its next step, for who reads a failure
	next  string
	turn  chan struct{} // it may make its next step
	rests chan struct{} // it waits for its turn, or has ended
	done  bool
	fate  fate    // of its next call of the store
	asks  bool    // its next step is at the provider
	says  verdict // what the provider says then
	about *life   // the session that it works on
	hand  string  // upstream token that it has to write or to revoke; "": none
	of    *life   // whose
	holds *life   // whose lease it has
}

// normal is no fate at all.
const normal = fate(-1)

// begin makes an actor, which waits before its first step.
func (w *walk) begin(on *process, what string, do func(a *actor)) {
	a := &actor{walk: w, on: on, what: what, turn: make(chan struct{}, 1), rests: make(chan struct{}, 1), fate: normal}
	go func() {
		defer func() {
			a.done = true
			a.rests <- struct{}{}
		}()
		w.mu.Lock()
		defer w.mu.Unlock()
		defer a.lets()
		do(a)
	}()
	if w.await(a); !a.done {
		w.actors = append(w.actors, a)
	}
}

// GoString implements [fmt.GoStringer]: rapid prints it for each drawn value of a failure.
func (a *actor) GoString() string { return fmt.Sprintf("%#v, %s: %s", a.on, a.what, a.next) }

// GoString implements [fmt.GoStringer], as that of actor.
func (p *process) GoString() string { return p.name }

// GoString implements [fmt.GoStringer], as that of actor.
func (l *life) GoString() string { return l.id }

// await waits until an actor waits for its turn, or has ended.
func (w *walk) await(a *actor) {
	select {
	case <-a.rests:
	case <-w.ctx.Done():
		panic("the walk hangs")
	}
}

// waits for the next turn. It reports whether the call fails before it reaches the store. A dead process goes no further.
func (a *actor) waits(next string) (failing bool) {
	a.next = next
	a.walk.mu.Unlock()
	a.rests <- struct{}{}
	<-a.turn
	a.walk.mu.Lock()
	if a.on.dead {
		runtime.Goexit()
	}
	return a.fate == fails
}

// outside makes a call, which others may make at the same moment.
func (a *actor) outside(call func(db store.Store) error) error {
	a.walk.mu.Unlock()
	defer a.walk.mu.Lock()
	return call(a.on.db)
}

// told is what an actor hears of a call.
func (a *actor) told(err error) error {
	if a.fate == failsDone {
		return errLost
	}
	return err
}

// lets go of a lease, with its life's last breath at the latest.
func (a *actor) lets() {
	if a.holds != nil && a.holds.holder == a {
		a.holds.holder = nil
	}
	a.holds = nil
}

// refuses says that a process knows of the end of a session.
func (p *process) refuses(l *life) bool {
	_, one := p.list[l.id]
	_, single := p.list[l.single]
	return one || single || p.list[l.owner].After(l.begun)
}
