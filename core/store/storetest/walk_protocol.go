package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// What actors do is what docs/models/session.pml says, and core/internal/session and core/internal/family do: each call of a store or
// of the provider is one step.

// login puts the row, and then looks into the list: so no end of all slips through.
func (a *actor) login(l *life) {
	w := a.walk
	a.about = l
	l.begun, a.hand, a.of = w.clock, l.grant.current, l
	if err := a.put(l); err != nil {
		a.gives("a login that failed") // the row may be there, and nobody has its cookie
		return
	}
	a.hand = ""
	found, err := a.among(l.owner, l.single)
	if err != nil {
		a.hand = l.grant.current
		a.gives("a login that failed")
		return
	}
	for _, entry := range found {
		if entry.ID == l.single || entry.At.After(l.begun) {
			l.excuse = "it was ended during the login"
			a.end(l)
			return
		}
	}
	l.in = true
}

// gives an upstream token back that nobody will use.
func (a *actor) gives(excuse string) {
	a.of.excuse = excuse
	a.forsake()
}

// request admits a session, moves its idle end, and asks the provider again when it is time.
func (a *actor) request(l *life) {
	w := a.walk
	a.about = l
	if a.on.refuses(l) {
		delete(a.on.seats, l)
		return
	}
	if idle, known := a.on.seats[l]; !known || !w.clock.Before(idle) {
		row, err := a.session(l)
		if err != nil || a.on.refuses(l) {
			delete(a.on.seats, l)
			return
		}
		a.on.seats[l] = row.Idle
	}
	now := w.clock
	a.on.seats[l] = later(a.on.seats[l], now.Add(idleTime))
	_ = a.touch(l, now, now.Add(idleTime)) // a later request writes again
	a.renew(l)
}

// renew asks the provider under the lease, as family.Renew does.
func (a *actor) renew(l *life) {
	w := a.walk
	row, err := a.session(l)
	if err != nil {
		return
	}
	upstream, heard := recorded(row.Data)
	if w.clock.Sub(heard) < refreshAfter || row.Lease.After(w.clock) {
		return
	}
	row.Lease = w.clock.Add(lease)
	if a.swap(l, row) != nil {
		return
	}
	row.Version++
	a.takes(l)
	given, says := a.spend(l, upstream)
	switch says {
	case good:
		a.keep(l, row, given)
	case refused:
		for errors.Is(a.revoke(l, row.Version), errLost) {
		}
	default:
		row.Lease = time.Time{}
		for errors.Is(a.swap(l, row), errLost) {
		}
	}
}

// takes notes who has the lease. Who takes it from somebody who still works does so because it has run out.
func (a *actor) takes(l *life) {
	l.overran = l.overran || l.holder != nil
	l.holder, a.holds = a, l
}

// keep writes what the provider gave into the row, if that is still ours.
func (a *actor) keep(l *life, row store.Session, given string) {
	a.hand, a.of = given, l
	row.Data, row.Lease = record(given, a.walk.clock), time.Time{}
	err := a.swap(l, row)
	for errors.Is(err, errLost) {
		err = a.swap(l, row)
	}
	for err != nil {
		_, err = a.session(l)
		switch {
		case errors.Is(err, store.ErrNotFound):
			a.forsake()
			return
		case err == nil: // written by the call whose answer was lost, or taken over
			a.hand = ""
			return
		}
	}
	a.hand = ""
}

// logout counts where it is made at once.
func (a *actor) logout(l *life) {
	a.on.list[l.id] = a.walk.clock
	l.excuse = "a logout"
	a.end(l)
}

// end deletes the version that it has read, and gives back what that held.
func (a *actor) end(l *life) {
	a.about = l
	for {
		row, err := a.session(l)
		if errors.Is(err, store.ErrNotFound) {
			row.Version = 0 // it is listed all the same
			l.timed = l.timed || !l.revoked
		} else if err != nil {
			continue
		}
		err = a.revoke(l, row.Version)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if row.Version > 0 {
			a.hand, _ = recorded(row.Data)
			a.of = l
			a.forsake() // with an error, too: the row may be gone
		}
		if err == nil {
			return
		}
	}
}

// endAll ends all sessions of a person, or of a session at the provider: the list first, then the rows.
func (a *actor) endAll(name string, limit int) {
	w := a.walk
	for a.revokeName(name) != nil {
	}
	at := w.listed[name].At
	a.on.list[name] = at
	for range maxRounds {
		list, err := a.sessionsOf(name, limit)
		if err != nil {
			continue
		}
		full := len(list) == limit
		list = slices.DeleteFunc(list, func(l *life) bool { return l.row.Started.After(at.Add(clocks.Skew)) })
		if len(list) == 0 && full { // with those who have logged in again
			limit *= 2
			continue
		}
		if len(list) == 0 {
			w.ends[name] = later(w.ends[name], at)
			return
		}
		for _, l := range list {
			l.excuse = "all were ended"
			a.end(l)
		}
	}
	w.breaks("slip", "the end of all finds sessions again and again")
}

// maxRounds is more than an end of all ever needs.
const maxRounds = 50

// reads the revocation list.
func (a *actor) reads() {
	since := a.on.read
	if !since.IsZero() {
		since = since.Add(-time.Minute)
	}
	found, err := a.revoked(since)
	if err != nil {
		return
	}
	a.on.read = a.walk.clock
	for _, entry := range found {
		a.on.list[entry.ID] = later(a.on.list[entry.ID], entry.At)
	}
}
