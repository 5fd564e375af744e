package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// life is one session as everybody but the store sees it.
type life struct {
	id, owner, single string // of the row, and the names in the list of all sessions of its person and of its session at the provider
	begun             time.Time
	grant             *grant
	in                bool          // a browser has its cookie
	row               store.Session // what the store has acknowledged; Version 0: nothing yet
	taken             map[int64]bool
	revoked           bool // an end was acknowledged
	timed             bool // it was over by then
	revived           bool // a request that had been admitted before moved its idle end when that had passed: the list alone refuses it
	purged            bool // a Purge came after its end: it may be gone
	writing, ending   int  // calls of Swap and PutSession, and of Revoke, under way
	holder            *actor
	overran           bool   // the lease was taken from somebody who still worked
	lost              bool   // an upstream token was lost with a process, or on its way
	excuse            string // why it may end; "": it may not
}

// is says that a name is that of its person, or of its session at the provider.
func (l *life) is(name string) bool { return name == l.owner || name == l.single }

func selectionOf(name string) store.Selection {
	if strings.HasPrefix(name, "all.provider") {
		return store.Selection{ProviderSession: hashOf(name)}
	}
	return store.Selection{Owner: hashOf(name)}
}

// stands says that a row has to be found.
func (l *life) stands(now time.Time) bool {
	return l.row.Version > 0 && !l.revoked && !l.purged && endOf(l.row).After(now)
}

// mayBeGone says that an end was acknowledged or is under way, or that a Purge may have found the row over.
func (w *walk) mayBeGone(l *life) bool {
	return l.row.Version == 0 || l.revoked || l.ending > 0 || l.purged || w.purging > 0 && !endOf(l.row).After(w.clock)
}

// record is what a row holds: the upstream token, and when the provider was heard.
func record(upstream string, heard time.Time) []byte {
	return fmt.Appendf(nil, "%d %s", heard.UnixMilli(), upstream)
}

func recorded(data []byte) (upstream string, heard time.Time) {
	at, upstream, _ := strings.Cut(string(data), " ")
	ms, _ := strconv.ParseInt(at, 10, 64)
	return upstream, time.UnixMilli(ms)
}

// spend is a refresh at the provider: one token is spent once.
func (a *actor) spend(l *life, upstream string) (given string, says verdict) {
	a.asks = true
	a.waits("the provider")
	a.asks = false
	switch a.says {
	case down:
		return "", down
	case refused:
		l.grant.revoked, l.excuse = true, "the provider refused"
	}
	given, reuse, ok := l.grant.spend(upstream)
	if reuse {
		if !l.lost && !l.overran {
			a.walk.breaks("nospend", "the provider sees %q of %s twice", upstream, l.id)
		}
		l.excuse = "the provider saw a spent token"
	}
	switch {
	case !ok:
		return "", refused
	case a.says == lost:
		l.lost = l.lost || l.grant.rotates
		return "", down
	}
	return given, good
}

// forsake revokes what an actor has in hand at the provider: never what a session lives on.
func (a *actor) forsake() {
	w, l := a.walk, a.of
	if a.hand == l.grant.current && !l.grant.revoked {
		if upstream, _ := recorded(l.row.Data); l.stands(w.clock) && upstream == a.hand && l.excuse == "" {
			w.breaks("care", "the upstream token of %s is revoked", l.id)
		}
		l.grant.revoked = true
	}
	a.hand = ""
}

// replaces notes that a version was replaced: each is once.
func (w *walk) replaces(l *life, version int64) bool {
	if l.taken[version] {
		w.breaks("one", "two were first with version %d of %s", version, l.id)
		return false
	}
	l.taken[version] = true
	return true
}

// wantRival: who loses a row has lost it to somebody.
func (w *walk) wantRival(l *life, version int64, what string, err error) {
	switch {
	case !errors.Is(err, store.ErrConflict):
		w.breaks(what, "%v", err)
	case l.row.Version == version && l.writing == 0 && !w.mayBeGone(l):
		w.breaks("one", "%s of version %d of %s: a conflict with nobody", what, version, l.id)
	}
}

// wantEntry: what is revoked is revoked for all.
func (w *walk) wantEntry(what string, want store.Revocation, found []store.Revocation) {
	for _, entry := range found {
		if entry.ID == want.ID && !entry.At.Before(want.At) && !entry.Until.Before(want.Until) {
			return
		}
	}
	w.breaks("silent", "%s does not tell of %v", what, want)
}

// wantRow: a row is not older than what was acknowledged before it was read, its times never move back, and its absolute end and
// what says whose it is never move at all.
func (w *walk) wantRow(l *life, before, row store.Session, now time.Time, whole bool) {
	switch {
	case row.Seen.Before(before.Seen), row.Idle.Before(before.Idle), row.Version < before.Version:
		w.breaks("onward", "%s moves back: %v, %v, version %d; it was %v, %v, %d", l.id, row.Seen, row.Idle, row.Version, before.Seen, before.Idle, before.Version)
	case !endOf(row).After(now):
		w.breaks("onward", "%s is found after %v", l.id, endOf(row))
	case row.Version > l.row.Version && l.writing == 0:
		w.breaks("one", "%s has version %d, which nobody wrote", l.id, row.Version)
	}
	want := row
	want.Kind, want.Subject, want.Current, want.Owner, want.ProviderSession = l.row.Kind, l.row.Subject, l.row.Current, l.row.Owner, l.row.ProviderSession
	want.Note, want.Started, want.Expires = l.row.Note, l.row.Started, l.row.Expires
	if row.Version == before.Version {
		want.Lease = before.Lease
		if whole {
			want.Data = before.Data
		}
	}
	if diff := differenceOfSessions(want, row); diff != "" {
		w.breaks("onward", "%s: %s", l.id, diff)
	}
}

// examine compares one row with what was acknowledged: while all wait, there is nothing else.
func (w *walk) examine(rt *rapid.T) {
	w.looks++
	if len(w.lives) > 0 {
		w.compare(w.lives[w.looks%len(w.lives)], w.processes[w.looks/2%len(w.processes)].db)
	}
	w.verdict(rt)
}

func (w *walk) compare(l *life, db store.Store) {
	row, err := db.Session(w.ctx, l.id, epoch.Add(-time.Hour))
	switch {
	case l.purged || l.row.Version == 0:
	case l.revoked && !errors.Is(err, store.ErrNotFound):
		w.breaks("dead", "%s is back (%v)", l.id, err)
	case l.revoked:
	case err != nil:
		w.breaks("nolost", "%s is gone: %v", l.id, err)
	default:
		if diff := differenceOfSessions(l.row, row); diff != "" {
			w.breaks("onward", "%s: %s", l.id, diff)
		}
	}
}

// settle is the end of a walk: when all is quiet, each session goes on, or has ended for a reason and holds nothing any more.
func (w *walk) settle(rt *rapid.T) {
	w.finish(rt)
	w.clock = w.clock.Add(lease)
	for _, p := range w.processes {
		w.begin(p, "settle", func(a *actor) { a.reads() })
	}
	w.finish(rt)
	for _, l := range w.lives {
		if l.in {
			w.begin(rapid.SampledFrom(w.processes).Draw(rt, "process"), "settle", func(a *actor) { a.request(l) })
		}
	}
	w.finish(rt)
	for i, l := range w.lives {
		w.compare(l, w.processes[i%len(w.processes)].db)
		w.wantSettled(l)
		for _, name := range []string{l.owner, l.single} {
			w.begin(w.processes[i%len(w.processes)], "settle", func(a *actor) { _, _ = a.sessionsOf(name, 100) })
		}
	}
	w.finish(rt)
	w.verdict(rt)
}

// isListed says that everything was ended of a name of a session, though whoever did may have died before its row.
func (w *walk) isListed(l *life) bool {
	_, single := w.listed[l.single]
	return single || w.listed[l.owner].At.After(l.begun)
}

func (w *walk) wantSettled(l *life) {
	stands, excused := l.stands(w.clock), l.lost || l.overran
	upstream, heard := recorded(l.row.Data)
	switch {
	case l.revoked && l.excuse == "":
		w.breaks("nolost", "%s has ended without a reason", l.id)
	case l.revoked && !l.timed && !excused && !l.grant.revoked:
		w.breaks("abandon", "%s has ended, and its upstream token lives", l.id)
	case stands && l.excuse == "" && !excused && upstream != l.grant.current:
		w.breaks("abandon", "%s holds %q, and the provider's is %q", l.id, upstream, l.grant.current)
	case stands && l.in && l.excuse == "" && !excused && !w.isListed(l) && w.clock.Sub(heard) >= refreshAfter:
		w.breaks("stuck", "all is quiet, and the provider was not asked about %s", l.id)
	}
	for name, at := range w.ends {
		if stands && l.in && !l.revived && l.is(name) && (name == l.single || at.After(l.begun)) {
			w.breaks("slip", "%s is there after the end of %s", l.id, name)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
