package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// raceChecks hold "is atomic: it happens whole or not at all": of many callers that want the same, one gets it.
func raceChecks() []check {
	return []check{
		{"Init by many at once on an empty place", initAtOnce},
		{"one key wins among instances that start at once", firstKeyWins},
		{"AddKey has one winner", addKeyRace},
		{"PutSession has one winner", putRace},
		{"Swap has one winner", swapRace},
		{"Revoke with a version has one winner", revokeRace},
		{"Swap against Revoke has one winner of both", swapAgainstRevoke},
		{"Revoke with version 0 ends whatever others do", revokeAnyRace},
		{"RetireKey has one winner", retireRace},
		{"a name of KindOnce has one winner", onceRace},
		{"of concurrent Touches the latest of each time stays", touchRace},
		{"Touch disturbs no Swap, and Swap no Touch", touchAgainstSwap},
		{"Touch brings no revoked session back", touchAgainstRevoke},
		{"the winner of PutSession alone is found by its owner", putOwnersRace},
	}
}

const (
	contenders = 50
	starters   = 20
	rivals     = 3 // stores that contenders share
	races      = 5 // rounds of each race
)

// atOnce runs n functions that begin together, and reports their errors.
func atOnce(t testing.TB, n int, do func(worker int) error) {
	t.Helper()
	for worker, err := range together(n, do) {
		if err != nil {
			t.Errorf("%d of %d: %v", worker, n, err)
		}
	}
}

// together runs n functions that begin together, and returns their errors.
func together(n int, do func(worker int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for worker := range n {
		group.Go(func() {
			<-start
			errs[worker] = do(worker)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// wantOneWinner demands one success and conflicts beside it, and returns the winner; -1 when there is not one.
func wantOneWinner(t testing.TB, what string, errs []error) int {
	t.Helper()
	winner, winners := -1, 0
	for worker, err := range errs {
		switch {
		case err == nil:
			winner, winners = worker, winners+1
		case !errors.Is(err, store.ErrConflict):
			t.Errorf("%s: %v, want a conflict", what, err)
		}
	}
	if winners == 1 {
		return winner
	}
	t.Errorf("%s: %d winners of %d, want 1", what, winners, len(errs))
	return -1
}

func initAtOnce(t testing.TB, backend Backend) {
	place := backend.Place(t)
	stores := make([]store.Store, starters)
	for i := range stores {
		stores[i] = openAt(t, place)
	}
	atOnce(t, starters, func(worker int) error { return stores[worker].Init(t.Context()) })
	session := newSession()
	put(t, stores[0], session)
	for _, db := range stores {
		wantStored(t, db, session)
	}
}

// firstKeyWins starts instances as a deployment does: all of them at once, on an empty database.
func firstKeyWins(t testing.TB, backend Backend) {
	place := backend.Place(t)
	stores := make([]store.Store, starters)
	for i := range stores {
		stores[i] = openAt(t, place)
	}
	seen := make([]string, starters)
	errs := together(starters, func(worker int) error {
		db := stores[worker]
		if err := db.Init(t.Context()); err != nil {
			return fmt.Errorf("Init: %w", err)
		}
		key := newKey(1)
		key.ID = fmt.Sprint("kid of ", worker)
		added := db.AddKey(t.Context(), key)
		keys, err := db.Keys(t.Context())
		if err == nil && len(keys) == 1 {
			seen[worker] = keys[0].ID
		}
		return errors.Join(added, err)
	})
	winner := wantOneWinner(t, "AddKey at the start", errs)
	for worker, id := range seen {
		if want := fmt.Sprint("kid of ", winner); id != want {
			t.Errorf("%d sees the key %q, want %q", worker, id, want)
		}
	}
}

func addKeyRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	var want []store.Key
	for generation := int64(1); generation <= races; generation++ {
		keys := make([]store.Key, contenders)
		errs := together(contenders, func(worker int) error {
			key := newKey(generation)
			key.ID, key.Sealed = fmt.Sprint("kid of ", worker), []byte{byte(worker)}
			keys[worker] = key
			return stores[worker%rivals].AddKey(t.Context(), key)
		})
		if winner := wantOneWinner(t, "AddKey", errs); winner >= 0 {
			want = append(want, keys[winner])
			wantKeys(t, stores[generation%rivals], want...)
		}
	}
}

func retireRace(t testing.TB, backend Backend) {
	stores := openSome(t, backend, rivals)
	addKeys(t, stores[0], newKey(1))
	seen := make([]time.Time, contenders)
	atOnce(t, contenders, func(worker int) error {
		db := stores[worker%rivals]
		if err := db.RetireKey(t.Context(), 1, moment(worker)); err != nil {
			return err
		}
		keys, err := db.Keys(t.Context())
		if err == nil && len(keys) == 1 {
			seen[worker] = keys[0].Until
		}
		return err
	})
	for worker, until := range seen {
		if until.IsZero() || !until.Equal(seen[0]) {
			t.Errorf("%d sees the end %v, another one %v", worker, until, seen[0])
		}
	}
}
