package soak

import (
	"context"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// event is one thing that happens to the service.
type event struct {
	at   time.Duration
	part part
}

// plan is the events of a run. A long one has an outage each hundred seconds, of the provider and the store by turns, and each ten
// minutes a kill instead. A short one has all of them at least once, and each third is a kill.
func plan(whole time.Duration) (events []event, lasts time.Duration) {
	period, kills := 100*time.Second, 6
	if whole < 20*time.Minute {
		period, kills = min(period, whole/5), 3
	}
	n := 0
	for at := period; at <= whole-period/2; at += period {
		n++
		switch {
		case n%kills == 0:
			events = append(events, event{at, process})
		case (n-n/kills)%2 == 1:
			events = append(events, event{at, provider})
		default:
			events = append(events, event{at, store})
		}
	}
	return events, min(10*time.Second, period/3)
}

// happen makes the events of the run happen.
func (r *run) happen(ctx context.Context) {
	events, lasts := plan(r.length)
	var times [parts]int
	for _, e := range events {
		if !sleepUntil(ctx, r.begun.Add(e.at)) {
			return
		}
		n := times[e.part]
		times[e.part]++
		switch e.part {
		case provider:
			r.failProvider(ctx, n, lasts)
		case store:
			r.failStore(ctx, n, lasts)
		case process:
			r.kill(1)
		}
	}
}

// faults of the provider, by turns.
var faults = []struct {
	what  string
	fault func() oidctest.Fault
}{
	{"it refuses connections", oidctest.Refused},
	{"it answers 503", func() oidctest.Fault { return oidctest.Status(503) }},
	{"it does not answer", oidctest.Hang},
	{"it answers with a page", func() oidctest.Fault { return oidctest.HTML(200) }},
}

// failProvider makes all endpoints fail that the service calls. People can still log in there, and come back in vain.
func (r *run) failProvider(ctx context.Context, n int, lasts time.Duration) {
	r.rotating.Lock() // no new key while it is away
	defer r.rotating.Unlock()
	how := faults[n%len(faults)]
	end := r.board.begin(provider)
	for _, endpoint := range []oidctest.Endpoint{
		oidctest.Discovery, oidctest.JWKS, oidctest.Token, oidctest.UserInfo, oidctest.Revocation, oidctest.EndSession,
	} {
		r.idp.Fault(endpoint, how.fault())
	}
	r.say("the provider is away for %s: %s", lasts, how.what)
	sleepUntil(ctx, time.Now().Add(lasts))
	r.idp.Heal()
	end()
}

func (r *run) failStore(ctx context.Context, n int, lasts time.Duration) {
	end := r.board.begin(store)
	what, heal := r.database.fail(n)
	r.say("the store is away for %s: %s", lasts, what)
	sleepUntil(ctx, time.Now().Add(lasts))
	heal()
	end()
}

// kill ends an instance without a word, and starts another in its place.
func (r *run) kill(slot int) {
	end := r.board.begin(process)
	victim := r.fleet.slots[slot].Load()
	at := time.Now()
	for n := range r.people {
		if p := r.people[n].Load(); p != nil {
			p.killed(victim, at)
		}
	}
	r.say("instance %d is killed", victim.number)
	if err := victim.kill(); err != nil {
		r.violation("ended", "%v: see %s", err, victim.log)
	}
	r.fleet.slots[slot].Store(r.fleet.start(slot))
	end()
	r.say("instance %d has taken its place after %s", r.fleet.slots[slot].Load().number, time.Since(at).Round(time.Millisecond))
}

// rotate replaces the provider's key each minute, in a short run four times.
func (r *run) rotate(ctx context.Context) {
	period := min(time.Minute, r.length/5)
	for at := r.begun.Add(period); sleepUntil(ctx, at); at = at.Add(period) {
		r.rotating.Lock()
		r.rotated.Store(time.Now().Add(busy).UnixMilli()) // a token with the new key may be sent at once
		if err := r.idp.RotateKey(""); err != nil {
			r.violation("ended", "the provider has no new key: %v", err)
		}
		r.rotated.Store(time.Now().UnixMilli())
		r.rotating.Unlock()
		r.count.rotations.Add(1)
	}
}

// sleepUntil returns false if ctx ends before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
