package storetest

import (
	"errors"
	"fmt"
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
