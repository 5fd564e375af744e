package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/tcpproxy"
)

// outageChecks hold a store to what its callers rely on when the database is out of reach: an answer in time, an error
// that tells nothing, nothing done by halves, and work as before once it is back.
func outageChecks() []check {
	return []check{
		{"connections that are cut and refused", refusedConnections},
		{"connections that hang", hangingConnections},
		{"connections that are cut while many work", cutUnderLoad},
		{"a store that is opened during the outage", openedInOutage},
	}
}

const (
	callLimit = 2 * time.Second // what a caller gives one call
	lateness  = 2 * time.Second // how late an answer may be on a loaded machine
	recovery  = 5 * time.Second // until when a store has found its database again
)

// far is a scene, and a store whose connections go through a proxy.
func far(t testing.TB, backend Backend) (*scene, *tcpproxy.Proxy, store.Store, string) {
	t.Helper()
	place := backend.Place(t)
	if place.Address == "" {
		t.Skip("no network between this store and its data")
	}
	if place.URL == "" || !strings.Contains(place.URL, place.Address) {
		t.Fatal("Place.URL does not hold Place.Address")
	}
	scene, proxy := setScene(t, place), tcpproxy.New(t, place.Address)
	url := strings.Replace(place.URL, place.Address, proxy.Address(), 1)
	return scene, proxy, OpenURL(t, url), url
}

// wantFailures calls everything at once, and demands an error of each call within its time.
func wantFailures(t testing.TB, scene *scene, db store.Store, url string) {
	t.Helper()
	operations := scene.operations()
	atOnce(t, len(operations), func(i int) error {
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		defer cancel()
		started := time.Now()
		err := operations[i].do(ctx, db)
		took := time.Since(started)
		switch {
		case err == nil:
			return errors.New(operations[i].name + " succeeds without its database")
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
			return errors.New(operations[i].name + " knows without its database: " + err.Error())
		case took > callLimit+lateness:
			return errors.New(operations[i].name + " took " + took.String())
		}
		scene.wantSilent(t, operations[i].name, err, url)
		return nil
	})
	scene.wantUnchanged(t, "an outage")
}

// wantRecovery demands that the store finds its database again, without being opened anew, and that everything works.
func wantRecovery(t testing.TB, scene *scene, db store.Store) {
	t.Helper()
	started := time.Now()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		_, err := db.Session(ctx, scene.session.ID, after(0))
		cancel()
		if err == nil {
			break
		}
		if time.Since(started) > recovery {
			t.Fatalf("not recovered after %v: %v", recovery, err)
		}
		time.Sleep(10 * time.Millisecond) // a real database is asked again and again
	}
	scene.wantUnchanged(t, "recovery")
	for _, operation := range scene.operations() {
		if operation.name == "Revoke" {
			continue // Swap has given the session another version
		}
		must(t, operation.name+" after the outage", operation.do(within(t), db))
	}
	wantAbsent(t, scene.direct, scene.session.ID)
}

func refusedConnections(t testing.TB, backend Backend) { connectionsThat(t, backend, tcpproxy.Refuses) }

func hangingConnections(t testing.TB, backend Backend) {
	connectionsThat(t, backend, tcpproxy.Swallows)
}

func connectionsThat(t testing.TB, backend Backend, trouble tcpproxy.State) {
	t.Helper()
	scene, proxy, db, url := far(t, backend)
	_, err := db.Session(within(t), scene.session.ID, after(0))
	must(t, "Session through the proxy", err)
	proxy.Become(trouble)
	wantFailures(t, scene, db, url)
	proxy.Become(tcpproxy.Passes)
	wantRecovery(t, scene, db)
}

func openedInOutage(t testing.TB, backend Backend) {
	scene, proxy, db, url := far(t, backend)
	proxy.Become(tcpproxy.Refuses)
	wantFailures(t, scene, db, url)
	proxy.Become(tcpproxy.Passes)
	wantRecovery(t, scene, db)
}

// cutUnderLoad cuts the connections of callers in the middle of their work. Whatever they were told, what they asked for
// has happened whole or not at all.
func cutUnderLoad(t testing.TB, backend Backend) {
	scene, proxy, db, url := far(t, backend)
	const workers, calls = 8, 40
	var sessions [workers]store.Session
	for i := range sessions {
		sessions[i] = newSession()
		put(t, scene.direct, sessions[i])
	}
	atOnce(t, workers+1, func(worker int) error {
		if worker == workers {
			for range 10 {
				proxy.Become(tcpproxy.Passes) // which cuts what there is
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		}
		session := sessions[worker]
		for call := range calls {
			next := marked(session, call)
			next.Version = session.Version
			err := callWithin(t, func(ctx context.Context) error { return db.Swap(ctx, next) })
			next.Version++
			if err != nil {
				scene.wantSilent(t, "Swap", err, url)
			}
			switch {
			case err == nil, landed(t, scene.direct, next):
				session = next
			case !stored(t, scene.direct, session):
				return errors.New("a Swap that failed has done something else than it was asked for")
			}
		}
		wantStored(t, scene.direct, session)
		return nil
	})
	wantRecovery(t, scene, db)
}

func callWithin(t testing.TB, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), callLimit)
	defer cancel()
	return do(ctx)
}
