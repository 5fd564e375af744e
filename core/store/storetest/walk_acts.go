package storetest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// mostActors is how many actors there are at once.
const mostActors = 8

// mostSteps is more than all of them ever need to come to their ends.
const mostSteps = 1000

// prelude is two sessions that stand when the walk begins.
func (w *walk) prelude(rt *rapid.T) {
	for range 2 {
		w.logsIn(rt)
		w.finish(rt)
	}
}

// finish lets all actors come to their ends, without trouble.
func (w *walk) finish(rt *rapid.T) {
	for range mostSteps {
		if len(w.actors) == 0 {
			return
		}
		w.step(rt, false)
	}
	rt.Fatalf("stuck: %#v go on and on", w.actors)
}

// anybody is a process, if it may have one more thing to do.
func (w *walk) anybody(rt *rapid.T) *process {
	if len(w.actors) >= mostActors {
		rt.Skip("there is enough to do")
	}
	return rapid.SampledFrom(w.processes).Draw(rt, "process")
}

// anySession is one whose cookie a browser has, whether it has ended or not.
func (w *walk) anySession(rt *rapid.T) *life {
	in := slices.DeleteFunc(slices.Clone(w.lives), func(l *life) bool { return !l.in })
	if len(in) == 0 {
		rt.Skip("nobody is logged in")
	}
	return rapid.SampledFrom(in).Draw(rt, "session")
}

func (w *walk) logsIn(rt *rapid.T) {
	if len(w.lives) > 4 {
		rt.Skip("there are enough")
	}
	on, n := w.anybody(rt), len(w.lives)
	owner, single := rapid.IntRange(0, 1).Draw(rt, "person"), rapid.IntRange(0, 1).Draw(rt, "session at the provider")
	l := &life{
		id: fmt.Sprint("session ", n), owner: fmt.Sprint("all.person ", owner), single: fmt.Sprintf("all.provider %d.%d", owner, single), taken: map[int64]bool{},
		grant: &grant{rotates: w.rotates, current: fmt.Sprintf("upstream of login %d", n), spent: map[string]bool{}, serial: 1000 * n},
	}
	l.row = store.Session{
		ID: l.id, Kind: store.KindBrowser, Subject: l.owner, Current: hash(1), Owner: hashOf(l.owner), ProviderSession: hashOf(l.single),
		Note: []byte(l.id), Data: record(l.grant.current, w.clock), Started: w.clock, Seen: w.clock, Idle: w.clock.Add(idleTime), Expires: w.clock.Add(lifetime),
	}
	w.lives = append(w.lives, l)
	w.begin(on, "login of "+l.id, func(a *actor) { a.login(l) })
}

// hashOf is the owner, or the session at the provider, that a name in the list is of.
func hashOf(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

// requests are some on one session, as a page of an application makes them.
func (w *walk) requests(rt *rapid.T) {
	l := w.anySession(rt)
	w.anybody(rt)
	for range rapid.IntRange(1, 3).Draw(rt, "requests") {
		w.begin(rapid.SampledFrom(w.processes).Draw(rt, "process"), "request of "+l.id, func(a *actor) { a.request(l) })
	}
}

// comesLate is a request that is admitted a moment before the idle end, while a purge waits for that.
func (w *walk) comesLate(rt *rapid.T) {
	on, l := w.anybody(rt), w.anySession(rt)
	if !l.stands(w.clock) {
		rt.Skip("it has ended")
	}
	before := len(w.actors)
	w.begin(on, "late request of "+l.id, func(a *actor) { a.request(l) })
	if len(w.actors) > before && w.actors[before].next == "Session" {
		w.advance(rt, w.actors[before])
	}
	w.cleans(rt)
	w.passes(rt, idleTime)
}

func (w *walk) logsOut(rt *rapid.T) {
	on, l := w.anybody(rt), w.anySession(rt)
	w.begin(on, "logout of "+l.id, func(a *actor) { a.logout(l) })
}

func (w *walk) endsAll(rt *rapid.T) {
	on, l := w.anybody(rt), rapid.SampledFrom(w.lives).Draw(rt, "session")
	name, limit := rapid.SampledFrom([]string{l.owner, l.single}).Draw(rt, "of"), rapid.IntRange(1, 4).Draw(rt, "limit")
	w.begin(on, "end of "+name, func(a *actor) { a.endAll(name, limit) })
}

func (w *walk) readsList(rt *rapid.T) { w.begin(w.anybody(rt), "reader", func(a *actor) { a.reads() }) }

func (w *walk) cleans(rt *rapid.T) { w.begin(w.anybody(rt), "purger", func(a *actor) { a.purge() }) }

// timePasses between two steps. A lease ends while its holder works in some worlds alone.
func (w *walk) timePasses(rt *rapid.T) {
	w.passes(rt, rapid.SampledFrom([]time.Duration{time.Second, lease, refreshAfter, refreshAfter, idleTime - time.Second, idleTime}).Draw(rt, "time"))
}

// momentPasses, mostly while others work.
func (w *walk) momentPasses(rt *rapid.T) { w.passes(rt, time.Second) }

func (w *walk) passes(rt *rapid.T, time time.Duration) {
	then := w.clock.Add(time)
	if !w.unlucky.overruns && slices.ContainsFunc(w.actors, func(a *actor) bool { return a.holds != nil && !a.holds.row.Lease.After(then) }) {
		rt.Skip("a lease is held")
	}
	w.clock = then
}

// crash ends a process between two steps of all its actors, and starts another one in its place.
func (w *walk) crash(rt *rapid.T) {
	if !w.unlucky.crashes {
		rt.Skip("no crashes here")
	}
	n := rapid.IntRange(0, len(w.processes)-1).Draw(rt, "process")
	w.kill(w.processes[n])
	w.processes[n] = newProcess(w.processes[n].name+"'", w.processes[n].db)
}

// kill lets all actors of a process end where they are, and what they have in hand be lost.
func (w *walk) kill(p *process) {
	p.dead = true
	for _, a := range w.actors {
		if a.on != p {
			continue
		}
		if a.hand != "" {
			a.of.lost, a.of.excuse = true, "its upstream token was lost"
		}
		a.turn <- struct{}{}
		w.await(a)
	}
	w.actors = slices.DeleteFunc(w.actors, func(a *actor) bool { return a.on == p })
}

// close ends what is still under way, so that no walk sees another.
func (w *walk) close() {
	for _, p := range w.processes {
		w.kill(p)
	}
}
