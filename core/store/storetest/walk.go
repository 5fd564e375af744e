package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Times of the walk.
const (
	idleTime     = 20 * time.Minute
	lifetime     = 90 * time.Minute
	refreshAfter = 5 * time.Minute
)

// sessionWalk walks docs/models/session.pml over the methods of a store: logins, requests, renewals under the lease, logouts, the end
// of all sessions of a person, and instances that die, each one call of the store after another in a random order, and from
// time to time several calls at the same moment. After each step the store has to know what it has acknowledged, and the
// rules of the model have to hold; see walk_calls.go and walk_rules.go.
func sessionWalk(t testing.TB, backend Backend, rotates bool) {
	stores := openSome(t, backend, rivals)
	explore(t, func(rt *rapid.T) {
		clearPlace(t, stores[0])
		w := newWalk(t, rt, stores, rotates)
		defer w.close()
		w.prelude(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"log in": w.logsIn, "request": w.requests, "late request": w.comesLate, "log out": w.logsOut, "end all": w.endsAll, "read the list": w.readsList, "purge": w.cleans,
			"time passes": w.timePasses, "a moment passes": w.momentPasses, "crash": w.crash, "steps": w.steps, "more steps": w.steps, "": w.examine,
		})
		w.settle(rt)
	})
}

// walk is the world of the model.
type walk struct {
	ctx       context.Context
	rotates   bool
	unlucky   world // some worlds have no such trouble: what happens there has no excuse
	processes []*process
	actors    []*actor

	// mu is held by an actor except where it waits and while a call is under way. The test itself looks only while all wait.
	mu      sync.Mutex
	clock   time.Time // moves only while all wait
	lives   []*life
	listed  map[string]store.Revocation // what the store has acknowledged of the list
	ends    map[string]time.Time        // names that everything was ended of, and when each end began
	purging int                         // calls of Purge under way
	looks   int                         // at rows, between steps
	broken  string                      // the first rule that did not hold
}

// world has the troubles of one walk.
type world struct{ crashes, losses, overruns bool }

// process is an instance of the service.
type process struct {
	name  string
	db    store.Store
	dead  bool
	seats map[*life]time.Time  // the sessions in its memory, and until when they are not idle
	list  map[string]time.Time // what it has read of the revocation list, and added itself
	read  time.Time
}

func newWalk(t testing.TB, rt *rapid.T, stores []store.Store, rotates bool) *walk {
	w := &walk{
		ctx: within(t), rotates: rotates, clock: epoch, listed: map[string]store.Revocation{}, ends: map[string]time.Time{},
		unlucky: world{rapid.Bool().Draw(rt, "crashes"), rapid.Bool().Draw(rt, "losses"), rapid.Bool().Draw(rt, "overruns")},
	}
	for i, db := range stores {
		w.processes = append(w.processes, newProcess(fmt.Sprint("process ", i), db))
	}
	return w
}

func newProcess(name string, db store.Store) *process {
	return &process{name: name, db: db, seats: map[*life]time.Time{}, list: map[string]time.Time{}}
}

// advance lets some actors make their next steps at the same moment.
func (w *walk) advance(rt *rapid.T, some ...*actor) {
	for _, a := range some {
		a.turn <- struct{}{}
	}
	for _, a := range some {
		w.await(a)
	}
	w.actors = slices.DeleteFunc(w.actors, func(a *actor) bool { return a.done })
	w.verdict(rt)
}

// verdict fails the walk at the first rule that was broken.
func (w *walk) verdict(rt *rapid.T) {
	if w.broken != "" {
		rt.Fatalf("%s", w.broken)
	}
}

// breaks notes that a rule does not hold.
func (w *walk) breaks(rule, format string, args ...any) {
	if w.broken == "" {
		w.broken = rule + ": " + fmt.Sprintf(format, args...)
	}
}

// steps lets a few actors go on, mostly one after another.
func (w *walk) steps(rt *rapid.T) {
	if len(w.actors) == 0 {
		rt.Skip("nobody has anything to do")
	}
	for range rapid.IntRange(1, 8).Draw(rt, "steps") {
		w.step(rt, true)
	}
}

func (w *walk) step(rt *rapid.T, trouble bool) {
	if len(w.actors) == 0 {
		return
	}
	some := rapid.Permutation(w.actors).Draw(rt, "actors")
	switch rapid.SampledFrom([]string{"one", "one", "two", "three", "all of a session", "all"}).Draw(rt, "at once") {
	case "one":
		some = some[:1]
	case "two":
		some = some[:min(2, len(some))]
	case "three":
		some = some[:min(3, len(some))]
	case "all of a session":
		about := some[0].about
		some = slices.DeleteFunc(some, func(a *actor) bool { return a.about != about })
	}
	for _, a := range some {
		a.fate, a.says = normal, good
		switch {
		case !trouble:
		case a.asks:
			a.says = rapid.SampledFrom(w.verdicts()).Draw(rt, "verdict")
		case w.unlucky.losses:
			a.fate = rapid.SampledFrom([]fate{normal, normal, normal, normal, fails, failsDone}).Draw(rt, "fate")
		}
	}
	w.advance(rt, some...)
}

func (w *walk) verdicts() []verdict {
	if w.unlucky.losses {
		return []verdict{good, good, good, down, lost, refused}
	}
	return []verdict{good, good, good, down, refused}
}
