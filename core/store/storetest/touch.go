package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// touchChecks hold "Touch sets Seen and Idle of a session to these times, each only if the stored one is earlier".
func touchChecks() []check {
	return []check{
		{"Touch moves each of both times forward, never back", touchForward},
		{"Touch gives both times to a session without", touchFirst},
		{"Touch changes nothing else, the version least of all", touchBesideSwap},
		{"Touch of an absent session is not found", touchAbsent},
		{"it does not matter to Touch whether the session has ended", touchEnded},
		{"a context that ends in the middle of Touch", contextInTouch},
	}
}

// touchForward tries every order of both times.
func touchForward(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session, bystander := newSession(), newSession()
	put(t, stores[0], session, bystander)
	seen, idle := session.Seen, session.Idle
	const moment = time.Millisecond
	for i, step := range []struct{ seen, idle time.Duration }{
		{0, 0}, {moment, 0}, {0, moment}, {moment, moment}, {-moment, moment}, {moment, -moment}, {-moment, -moment}, {0, 0}, {time.Hour, -time.Hour}, {-time.Hour, time.Hour},
	} {
		given := [2]time.Time{seen.Add(step.seen), idle.Add(step.idle)}
		seen, idle = seen.Add(max(0, step.seen)), idle.Add(max(0, step.idle))
		session.Seen, session.Idle = seen, idle
		must(t, "Touch", stores[i%2].Touch(within(t), session.ID, given[0], given[1]))
		wantStored(t, stores[(i+1)%2], session)
	}
	must(t, "Touch without times", stores[0].Touch(within(t), session.ID, time.Time{}, time.Time{}))
	wantStored(t, stores[1], session)
	wantStored(t, stores[1], bystander)
}

// touchFirst: a zero time is the earliest.
func touchFirst(t testing.TB, backend Backend) {
	db := open(t, backend)
	for _, times := range [][2]time.Time{{after(0), after(time.Minute)}, {{}, after(time.Minute)}, {after(0), {}}, {{}, {}}} {
		session := newSession()
		session.Seen, session.Idle = time.Time{}, time.Time{}
		put(t, db, session)
		must(t, "Touch", db.Touch(within(t), session.ID, times[0], times[1]))
		session.Seen, session.Idle = times[0], times[1]
		wantStored(t, db, session)
	}
}

// touchBesideSwap: who has read a session before it is touched can still swap it.
func touchBesideSwap(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session := newSession()
	put(t, stores[0], session)
	read, err := stores[0].Session(within(t), session.ID, after(0))
	must(t, "Session", err)
	session.Seen, session.Idle = after(time.Second), after(3*time.Hour)
	must(t, "Touch", stores[1].Touch(within(t), session.ID, session.Seen, session.Idle))
	wantStored(t, stores[0], session)
	read.Data, read.Lease = []byte("changed"), after(time.Hour)
	must(t, "Swap of what was touched meanwhile", stores[0].Swap(within(t), read))
	session.Data, session.Lease, session.Version = read.Data, read.Lease, 2
	wantStored(t, stores[1], session)
	must(t, "Revoke of the version", stores[1].Revoke(within(t), session.ID, 2, after(0), after(time.Hour)))
}

func touchAbsent(t testing.TB, backend Backend) {
	stores := openSome(t, backend, 2)
	session := newSession()
	touch := func(db store.Store) error {
		return db.Touch(within(t), session.ID, after(time.Second), after(3*time.Hour))
	}
	wantError(t, "Touch of an absent session", touch(stores[0]), store.ErrNotFound)
	wantAbsent(t, stores[0], session.ID)
	put(t, stores[0], session)
	must(t, "Revoke", stores[0].Revoke(within(t), session.ID, 1, after(0), after(time.Hour)))
	wantError(t, "Touch of a revoked session", touch(stores[1]), store.ErrNotFound)
	put(t, stores[0], session)
	wantPurged(t, stores[0], session.Expires, 2) // and the revocation
	wantError(t, "Touch of a purged session", touch(stores[1]), store.ErrNotFound)
	wantAbsent(t, stores[0], session.ID)
	wantSessions(t, stores[0], store.Selection{Owner: session.Owner})
}

func touchEnded(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	session.Expires, session.Idle = time.UnixMilli(2).UTC(), time.UnixMilli(1).UTC()
	put(t, db, session)
	session.Seen, session.Idle = after(0), after(time.Hour)
	must(t, "Touch of an ended session", db.Touch(within(t), session.ID, session.Seen, session.Idle))
	wantStored(t, db, session)
	session.Expires = after(2 * time.Hour)
	must(t, "Swap", db.Swap(within(t), session))
	session.Version++
	wantStored(t, db, session)
	wantPurged(t, db, after(time.Hour-time.Millisecond), 0)
	wantStored(t, db, session)
}

// contextInTouch: both times are moved, or none.
func contextInTouch(t testing.TB, backend Backend) {
	db := open(t, backend)
	session := newSession()
	put(t, db, session)
	for i, limit := range steps() {
		moved := session
		moved.Seen, moved.Idle = after(time.Duration(i+1)*time.Second), after(2*time.Hour+time.Duration(i+1)*time.Second)
		err := briefly(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return db.Touch(ctx, moved.ID, moved.Seen, moved.Idle)
		})
		if errors.Is(err, store.ErrNotFound) {
			t.Errorf("Touch with a context that ends: %v", err)
		}
		if err != nil && !stored(t, db, session) && !stored(t, db, moved) {
			t.Error("Touch has done half of what it was asked for")
		}
		must(t, "Touch", db.Touch(within(t), moved.ID, moved.Seen, moved.Idle))
		wantStored(t, db, moved)
		session = moved
	}
}
