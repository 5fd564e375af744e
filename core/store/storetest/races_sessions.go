package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

func putRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	for range races {
		session := newSession()
		errs := together(contenders, func(worker int) error {
			return stores[worker%rivals].PutSession(t.Context(), marked(session, worker))
		})
		if winner := wantOneWinner(t, "PutSession", errs); winner >= 0 {
			want := marked(session, winner)
			wantStored(t, stores[0], want)
		}
	}
}

// marked is a session as one of many would write it.
func marked(session store.Session, worker int) store.Session {
	session = cloneSession(session)
	session.Data, session.Lease = fmt.Appendf(nil, "data of %d", worker), after(time.Duration(worker)*time.Second)
	return session
}

func swapRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	session := newSession()
	put(t, stores[0], session)
	for range races {
		errs := together(contenders, func(worker int) error {
			return stores[worker%rivals].Swap(t.Context(), marked(session, worker))
		})
		winner := wantOneWinner(t, "Swap", errs)
		if winner < 0 {
			return
		}
		session = marked(session, winner)
		session.Version++
		wantStored(t, stores[winner%rivals], session)
	}
}

func revokeRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	var want []store.Revocation
	for range races {
		session := newSession()
		put(t, stores[0], session)
		errs := together(contenders, func(worker int) error {
			return stores[worker%rivals].Revoke(t.Context(), session.ID, 1, moment(worker), after(time.Hour))
		})
		winner := wantOneWinner(t, "Revoke", errs)
		want = append(want, store.Revocation{ID: session.ID, At: moment(winner), Until: after(time.Hour)})
		wantAbsent(t, stores[1], session.ID)
		wantFeed(t, stores[2], want...)
	}
}

func moment(worker int) time.Time { return after(time.Duration(worker) * time.Millisecond) }

// swapAgainstRevoke is a refresh against a logout: the row and the feed have to tell the same story afterwards.
func swapAgainstRevoke(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	var ended []store.Revocation
	for range 2 * races {
		session := newSession()
		put(t, stores[0], session)
		errs := together(contenders, func(worker int) error {
			if worker%2 == 0 {
				return stores[worker%rivals].Swap(t.Context(), marked(session, worker))
			}
			return stores[worker%rivals].Revoke(t.Context(), session.ID, 1, moment(worker), after(time.Hour))
		})
		switch winner := wantOneWinner(t, "Swap against Revoke", errs); {
		case winner < 0:
			return
		case winner%2 == 0:
			want := marked(session, winner)
			want.Version++
			wantStored(t, stores[1], want)
			wantSessions(t, stores[2], store.Selection{Owner: session.Owner}, want)
		default:
			wantAbsent(t, stores[1], session.ID)
			wantSessions(t, stores[2], store.Selection{Owner: session.Owner})
			ended = append(ended, store.Revocation{ID: session.ID, At: moment(winner), Until: after(time.Hour)})
		}
		wantFeed(t, stores[2], ended...)
	}
}

// revokeAnyRace: a logout that knows no version never loses, and nothing that others do brings the session back.
func revokeAnyRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	for range races {
		session := newSession()
		put(t, stores[0], session)
		errs := together(contenders, func(worker int) error {
			if worker%2 == 0 {
				return stores[worker%rivals].Swap(t.Context(), marked(session, worker))
			}
			return stores[worker%rivals].Revoke(t.Context(), session.ID, 0, moment(worker), after(time.Hour).Add(time.Duration(contenders-worker)*time.Second))
		})
		for worker, err := range errs {
			if err != nil && (worker%2 == 1 || !errors.Is(err, store.ErrConflict)) {
				t.Errorf("%d of %d: %v", worker, contenders, err)
			}
		}
		wantAbsent(t, stores[1], session.ID)
		entry := store.Revocation{ID: session.ID, At: moment(contenders - 1), Until: after(time.Hour).Add((contenders - 1) * time.Second)}
		if !holds(feed(t, stores[2]), entry) {
			t.Errorf("the feed does not hold the latest times of all revocations: %v", entry)
		}
	}
}
