package storetest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// listTime is how long an end is in the list: longer than a walk.
const listTime = 1000 * time.Hour

// lists notes an acknowledged revocation.
func (w *walk) lists(name string, now, until time.Time) {
	entry := w.listed[name]
	w.listed[name] = store.Revocation{ID: name, At: later(entry.At, now), Until: later(entry.Until, until)}
}

// revokeName puts a name into the list that everything is to be ended of.
func (a *actor) revokeName(name string) error {
	if a.waits("Revoke of a name") {
		return errLost
	}
	w := a.walk
	now, until := w.clock, w.clock.Add(listTime)
	err := a.outside(func(db store.Store) error { return db.Revoke(w.ctx, name, 0, now, until) })
	if err != nil {
		w.breaks("Revoke", "of a name: %v", err)
	}
	w.lists(name, now, until)
	return a.told(err)
}

// among asks for some names.
func (a *actor) among(names ...string) (found []store.Revocation, err error) {
	if a.waits("RevokedAmong") {
		return nil, errLost
	}
	w, before, now := a.walk, maps.Clone(a.walk.listed), a.walk.clock
	err = a.outside(func(db store.Store) (err error) {
		found, err = db.RevokedAmong(w.ctx, names, now)
		return err
	})
	if err != nil {
		w.breaks("RevokedAmong", "%v", err)
	}
	for _, name := range names {
		if entry, listed := before[name]; listed {
			w.wantEntry("RevokedAmong", entry, found)
		}
	}
	return found, a.told(err)
}

// revoked reads the list. What is in it is gone at the same moment.
func (a *actor) revoked(since time.Time) (found []store.Revocation, err error) {
	if a.waits("Revoked") {
		return nil, errLost
	}
	w, before, now := a.walk, maps.Clone(a.walk.listed), a.walk.clock
	err = a.outside(func(db store.Store) (err error) {
		found, err = db.Revoked(w.ctx, since, now)
		return err
	})
	if err != nil {
		w.breaks("Revoked", "%v", err)
	}
	for _, entry := range before {
		if !entry.At.Before(since) {
			w.wantEntry("Revoked", entry, found)
		}
	}
	for _, l := range w.lives {
		listed := slices.ContainsFunc(found, func(entry store.Revocation) bool { return entry.ID == l.id })
		if _, known := before[l.id]; listed && !known {
			w.wantGone(a, l)
		}
	}
	return found, a.told(err)
}

func (w *walk) wantGone(a *actor, l *life) {
	err := a.outside(func(db store.Store) error {
		_, err := db.Session(w.ctx, l.id, epoch)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		w.breaks("dead", "%s is in the list, and in the store (%v)", l.id, err)
	}
}

// sessionsOf finds the sessions of a name.
func (a *actor) sessionsOf(name string, limit int) (list []*life, err error) {
	if a.waits("SessionsOf") {
		return nil, errLost
	}
	w, now := a.walk, a.walk.clock
	before, gone, stood := map[*life]store.Session{}, map[*life]bool{}, map[*life]bool{}
	for _, l := range w.lives {
		before[l], gone[l], stood[l] = l.row, l.revoked, l.is(name) && l.stands(now)
	}
	var found []store.Session
	err = a.outside(func(db store.Store) (err error) {
		found, err = db.SessionsOf(w.ctx, selectionOf(name), now, limit)
		return err
	})
	if err != nil {
		w.breaks("SessionsOf", "%v", err)
	}
	for _, row := range found {
		i := slices.IndexFunc(w.lives, func(l *life) bool { return l.id == row.ID && l.is(name) })
		switch {
		case i < 0:
			w.breaks("SessionsOf", "%q is not of %s", row.ID, name)
		case gone[w.lives[i]]:
			w.breaks("dead", "%s is found after its end", row.ID)
		default:
			l := w.lives[i]
			w.wantRow(l, before[l], row, now, false)
			list = append(list, l)
			stood[l] = false
		}
	}
	for l, missing := range stood {
		if missing && len(found) < limit && !w.mayBeGone(l) {
			w.breaks("slip", "%s is there, and not found by %s", l.id, name)
		}
	}
	return list, a.told(err)
}

func (a *actor) purge() {
	if a.waits("Purge") {
		return
	}
	w, now := a.walk, a.walk.clock
	w.purging++
	err := a.outside(func(db store.Store) error {
		_, err := db.Purge(w.ctx, now)
		return err
	})
	w.purging--
	if err != nil {
		w.breaks("Purge", "%v", err)
	}
	for _, l := range w.lives {
		l.purged = l.purged || !endOf(l.row).After(now)
	}
}
