package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Each call of the store is held to what was acknowledged when it began, and may see what others do at the same moment.

// session reads a row. One that is gone is in the list at the same moment: both happen, or neither.
func (a *actor) session(l *life) (store.Session, error) {
	if a.waits("Session") {
		return store.Session{}, errLost
	}
	w, before, gone, stood, now := a.walk, l.row, l.revoked, l.stands(a.walk.clock), a.walk.clock
	var row store.Session
	err := a.outside(func(db store.Store) (err error) {
		row, err = db.Session(w.ctx, l.id, now)
		return err
	})
	switch {
	case err == nil && gone:
		w.breaks("dead", "%s is read after its end", l.id)
	case err == nil:
		w.wantRow(l, before, row, now, true)
	case !errors.Is(err, store.ErrNotFound):
		w.breaks("Session", "%v", err)
	case stood:
		w.wantListed(a, l)
	}
	return row, a.told(err)
}

// wantListed: a session that nothing but an end took away is in the list.
func (w *walk) wantListed(a *actor, l *life) {
	var found []store.Revocation
	err := a.outside(func(db store.Store) (err error) {
		found, err = db.RevokedAmong(w.ctx, []string{l.id}, w.clock)
		return err
	})
	if err != nil || len(found) != 1 {
		w.breaks("nolost", "%s is gone, and the list does not say why (%v)", l.id, err)
	}
}

func (a *actor) put(l *life) error {
	if a.waits("PutSession") {
		return errLost
	}
	w, session := a.walk, l.row
	session.Version = 1
	l.writing++
	err := a.outside(func(db store.Store) error { return db.PutSession(w.ctx, session) })
	l.writing--
	if err != nil {
		w.breaks("PutSession", "%v", err)
	}
	l.row.Version = 1
	return a.told(err)
}

// touch moves both times forward.
func (a *actor) touch(l *life, seen, idle time.Time) error {
	if a.waits("Touch") {
		return errLost
	}
	w, gone := a.walk, l.revoked
	err := a.outside(func(db store.Store) error { return db.Touch(w.ctx, l.id, seen, idle) })
	switch {
	case err == nil && gone:
		w.breaks("dead", "%s is touched after its end", l.id)
	case err == nil:
		l.revived = l.revived || !endOf(l.row).After(w.clock)
		l.row.Seen, l.row.Idle = later(l.row.Seen, seen), later(l.row.Idle, idle)
		w.isThere(l)
	case !errors.Is(err, store.ErrNotFound):
		w.breaks("Touch", "%v", err)
	case !w.mayBeGone(l):
		w.breaks("nolost", "%s is there, and Touch does not find it", l.id)
	}
	return a.told(err)
}

// isThere notes that a Purge has not taken a row that was written, unless it came after that.
func (w *walk) isThere(l *life) { l.purged = l.purged && !endOf(l.row).After(w.clock) }

func (a *actor) swap(l *life, session store.Session) error {
	if a.waits(fmt.Sprint("Swap of version ", session.Version)) {
		return errLost
	}
	w, gone := a.walk, l.revoked
	l.writing++
	err := a.outside(func(db store.Store) error { return db.Swap(w.ctx, session) })
	l.writing--
	switch {
	case err == nil && gone:
		w.breaks("dead", "%s is written after its end", l.id)
	case err == nil && w.replaces(l, session.Version):
		l.row.Data, l.row.Lease, l.row.Version = session.Data, session.Lease, session.Version+1
		w.isThere(l)
	case err != nil:
		w.wantRival(l, session.Version, "Swap", err)
	}
	return a.told(err)
}

// revoke ends a session, of a version or of any.
func (a *actor) revoke(l *life, version int64) error {
	if a.waits(fmt.Sprint("Revoke of version ", version)) {
		return errLost
	}
	w, gone := a.walk, l.revoked
	now, until := w.clock, w.clock.Add(listTime)
	l.ending++
	err := a.outside(func(db store.Store) error { return db.Revoke(w.ctx, l.id, version, now, until) })
	l.ending--
	switch {
	case err == nil && version > 0 && gone:
		w.breaks("one", "%s is ended twice", l.id)
	case err != nil && version == 0:
		w.breaks("Revoke", "of any version: %v", err)
	case err != nil:
		w.wantRival(l, version, "Revoke", err)
	default:
		if version > 0 {
			w.replaces(l, version)
		}
		l.timed = l.timed || !l.revoked && !l.stands(now)
		l.revoked = true
		w.lists(l.id, now, until)
	}
	return a.told(err)
}

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
