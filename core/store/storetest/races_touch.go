package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

func onceRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	for range races {
		name := store.Session{ID: newID(), Kind: store.KindOnce, Expires: after(time.Hour), Version: 1}
		errs := together(contenders, func(worker int) error { return stores[worker%rivals].PutSession(t.Context(), name) })
		wantOneWinner(t, "PutSession of a name", errs)
		wantStored(t, stores[1], name)
	}
}

// touchRace: who is latest with one time is earliest with the other.
func touchRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	for range races {
		session := newSession()
		put(t, stores[0], session)
		base := session.Idle
		atOnce(t, contenders, func(worker int) error {
			turn := worker * 7 % contenders // of neighbours neither is later with both
			return stores[worker%rivals].Touch(t.Context(), session.ID, moment(turn), base.Add(time.Duration(contenders-turn)*time.Millisecond))
		})
		session.Seen, session.Idle = moment(contenders-1), base.Add(contenders*time.Millisecond)
		wantStored(t, stores[1], session)
		wantSessions(t, stores[2], store.Selection{Owner: session.Owner}, session)
	}
}

// touchAgainstSwap: every Swap knows the version of the one before it, whatever is touched meanwhile, and no moved time is
// lost.
func touchAgainstSwap(t testing.TB, backend Backend) {
	const swaps = 20
	stores := openSome(t, backend, rivals)
	session := newSession()
	put(t, stores[0], session)
	base := session.Idle
	atOnce(t, 6, func(worker int) error {
		if worker > 0 {
			for i := range swaps {
				late := time.Duration(5*i+worker) * time.Millisecond
				if err := stores[worker%rivals].Touch(t.Context(), session.ID, after(late), base.Add(late)); err != nil {
					return err
				}
			}
			return nil
		}
		given := session
		for i := range swaps {
			given = marked(given, i)
			if err := stores[0].Swap(t.Context(), given); err != nil {
				return err
			}
			given.Version++
		}
		return nil
	})
	last := (5*(swaps-1) + 5) * time.Millisecond
	session = marked(session, swaps-1)
	session.Version, session.Seen, session.Idle = swaps+1, after(last), base.Add(last)
	wantStored(t, stores[1], session)
	wantSessions(t, stores[2], store.Selection{Owner: session.Owner}, session)
}

func touchAgainstRevoke(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	for range races {
		session := newSession()
		put(t, stores[0], session)
		errs := together(contenders, func(worker int) error {
			if worker == contenders/2 {
				return stores[worker%rivals].Revoke(t.Context(), session.ID, 1, after(0), after(time.Hour))
			}
			return stores[worker%rivals].Touch(t.Context(), session.ID, moment(worker), session.Idle.Add(time.Duration(worker)*time.Millisecond))
		})
		for worker, err := range errs {
			if err != nil && (worker == contenders/2 || !errors.Is(err, store.ErrNotFound)) {
				t.Errorf("%d of %d: %v", worker, contenders, err)
			}
		}
		wantAbsent(t, stores[1], session.ID)
		wantSessions(t, stores[2], store.Selection{Owner: session.Owner})
		wantError(t, "Touch after Revoke", stores[0].Touch(within(t), session.ID, after(0), after(0)), store.ErrNotFound)
	}
}

// putOwnersRace: the index tells the same story as the row, and Revoke of the winner ends both.
func putOwnersRace(t testing.TB, backend Backend) {
	const few = 10
	stores := openSome(t, backend, rivals)
	for range races {
		id := newID()
		sessions := make([]store.Session, few)
		for i := range sessions {
			sessions[i] = newSession()
			sessions[i].ID = id
		}
		errs := together(few, func(worker int) error { return stores[worker%rivals].PutSession(t.Context(), sessions[worker]) })
		winner := wantOneWinner(t, "PutSession", errs)
		if winner < 0 {
			return
		}
		for i, session := range sessions {
			var want []store.Session
			if i == winner {
				want = []store.Session{session}
			}
			wantSessions(t, stores[1], store.Selection{Owner: session.Owner}, want...)
			wantSessions(t, stores[2], store.Selection{ProviderSession: session.ProviderSession}, want...)
		}
		must(t, "Revoke", stores[1].Revoke(within(t), id, 1, after(0), after(time.Hour)))
		wantSessions(t, stores[2], store.Selection{Owner: sessions[winner].Owner})
	}
}
