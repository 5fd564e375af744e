package contract

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// testWebLeaving: several requests of one page wait for one reading of the session. When the client leaves the first of them, the others
// go on.
func testWebLeaving(t *testing.T, a setup) {
	if a.Differences.NoCancellation {
		t.Skip("this framework does not tell guards that the client has left")
	}
	w := a.openWeb(t, plan{})
	b := w.browser()
	id := b.logIn("alice")
	other := a.openWeb(t, plan{beside: w.site})
	other.with("x").do(http.MethodGet, page, scripted...).is(sessionOver()) // its store is open
	asked := make(chan struct{})
	other.store.hang(asked)
	left := other.dial(slices.Concat([]string{"GET " + page + " HTTP/1.1"}, b.cookieLine())...)
	wait(t, asked)
	const waiting = 8
	answers := make(chan *answer, waiting)
	var all sync.WaitGroup
	for range waiting {
		all.Go(func() {
			got, err := other.try(http.MethodGet, page, nil, b.cookieLine()...)
			if err != nil {
				t.Error(err)
				return
			}
			answers <- got
		})
	}
	for range 100 { // meanwhile they arrive
		other.get(open).is(seenGuest())
	}
	other.store.comeBack()
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	close(answers)
	for got := range answers {
		got.is(seenBy("alice", id))
	}
}

// testHangingStore: nobody waits for a store longer than Timeout.
func testHangingStore(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	b.logIn("alice")
	other := a.openWeb(t, plan{beside: w.site, config: func(cfg *core.Config) { cfg.Timeout = time.Second }})
	other.with("x").do(http.MethodGet, page, scripted...).is(sessionOver()) // its store is open
	other.store.hang(make(chan struct{}))
	start := time.Now()
	b.at(other).do(http.MethodGet, page, scripted...).is(storeDown())
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}
	other.store.comeBack()
}
