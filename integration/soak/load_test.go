package soak

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The load, per second.
const (
	verifications = 2000 // a fifth of them with sessions of browsers
	refreshes     = 50
	changes       = 2 // a logout and a login each, of a program or a browser
	directs       = 2 // requests with a token of the provider's
	haunts        = 20
)

// How many are logged in.
const (
	programs = 500
	people   = 200
)

// counters are what the run did.
type counters struct {
	verified, refreshed, refused, unheard, logins, logouts, rotations, direct, refusedGone atomic.Int64
	lost, lostToKills, alive, forgotten                                                    atomic.Int64
}

// load keeps the service busy until ctx ends.
func (r *run) load(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { paced(ctx, verifications, 24, r.verify) })
	all.Go(func() { paced(ctx, refreshes, 32, r.refreshNext) })
	all.Go(func() { paced(ctx, changes, 8, r.change) })
	all.Go(func() { paced(ctx, directs, 4, r.verifyDirect) })
	all.Go(func() { paced(ctx, haunts, 8, r.haunt) })
	all.Go(func() { r.rotate(ctx) })
	all.Go(func() { r.happen(ctx) })
	all.Wait()
}

// paced does something so many times a second, with so many workers. What they cannot do in time is left out.
func paced(ctx context.Context, perSecond, workers int, do func()) {
	turns := make(chan struct{}, workers)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range turns {
				do()
			}
		})
	}
	begun, sent, tick := time.Now(), 0, time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		for due := int(time.Since(begun).Seconds() * float64(perSecond)); sent < due; sent++ {
			select {
			case turns <- struct{}{}:
			default:
			}
		}
	}
	close(turns)
	all.Wait()
}

// verify sends one request to a guard.
func (r *run) verify() {
	if rand.IntN(5) == 0 {
		n := rand.IntN(len(r.people))
		if p := r.people[n].Load(); p != nil && !p.leaving.Load() && !r.visit(p) {
			r.people[n].CompareAndSwap(p, nil)
		}
		return
	}
	if p := r.programs[rand.IntN(len(r.programs))].Load(); p != nil && !p.leaving.Load() {
		r.use(p)
	}
}

// refreshNext refreshes the programs in turn. The place of one that has lost its session is empty from then on.
func (r *run) refreshNext() {
	place := &r.programs[int(r.turn.Add(1))%len(r.programs)]
	p := place.Load()
	if p == nil || p.waits.Load() {
		return
	}
	if r.refresh(p); p.leaving.Load() {
		place.CompareAndSwap(p, nil)
	}
}

// change logs somebody out and somebody in: a program and a browser by turns. A place that an outage left empty is filled some time
// later.
func (r *run) change() {
	if n := r.changed.Add(1); n%2 == 0 {
		change(r.programs, r.logOut, r.logIn)
	} else {
		change(r.people, r.signOut, r.signIn)
	}
}

func change[T any](places []atomic.Pointer[T], out func(*T), in func(string) *T) {
	n := rand.IntN(len(places))
	for look := range places { // an empty place goes first
		if places[look].Load() == nil {
			n = look
			break
		}
	}
	if one := places[n].Swap(nil); one != nil {
		out(one)
	}
	places[n].CompareAndSwap(nil, in(userName(n)))
}

// verifyDirect sends a new token of the provider, signed with its newest key, to an instance that may not have that key yet.
func (r *run) verifyDirect() {
	name := userName(rand.IntN(programs))
	a := r.any().ask(http.MethodGet, "/direct", bearerHeader(r.idp.AccessToken(name)), nil)
	if a.status == http.StatusUnauthorized && a.from.UnixMilli()-r.rotated.Load() < (pause+busy).Milliseconds() {
		return // an instance that has just fetched the keys fetches them again ten seconds later
	}
	if r.judge("provider's token", a, false) == healthy {
		r.count.direct.Add(1)
	}
}
