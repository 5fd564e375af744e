package integration

import (
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Many requests with stale sessions ask the provider once for each session. No request waits for the provider, and nobody is logged out,
// although the provider would end a session whose refresh token it gets twice. The test does not run in parallel with
// others: next to those that kill instances, whose services wait two seconds for the provider, a busy processor would lose sessions.
func TestStaleBrowserSessions(t *testing.T) {
	sessions, requests := staleSessions(t), 50
	onStores(t, func(t *testing.T, url, _ string) {
		t.Parallel()
		f := newFleet(t, url)
		people := make([]*person, sessions)
		for n := range people {
			people[n] = f.signIn("alice", f.instances[n%3])
		}
		before := f.idp.Hits(oidctest.Token)
		time.Sleep(refreshAfter + time.Second) // heard is kept in whole seconds
		begin := time.Now()
		var all sync.WaitGroup
		places := make(chan struct{}, 4) // a session's requests are over before it is stale again
		for _, p := range people {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				f.many(t, p, requests)
			})
		}
		all.Wait()
		took := time.Since(begin)
		for _, i := range f.instances { // which waits for what goes on in the background
			if err := i.terminate(); err != nil {
				t.Error(err)
			}
		}
		if asked := f.idp.Hits(oidctest.Token) - before; asked != sessions {
			t.Errorf("%d stale sessions asked the provider %d times", sessions, asked)
		}
		t.Logf("%d requests on each of %d sessions: %s, %.0f/s, %d questions to the provider",
			requests, sessions, took.Round(time.Millisecond), float64(requests*sessions)/took.Seconds(), f.idp.Hits(oidctest.Token)-before)
		last := f.start()
		for _, p := range people {
			p.has(t, "afterwards", http.StatusOK, last)
		}
	})
}

// staleSessions is 200 in CI and 20 elsewhere, unless the environment variable OIDCAUTH_SESSIONS says how many.
func staleSessions(t *testing.T) int {
	t.Helper()
	text := os.Getenv("OIDCAUTH_SESSIONS")
	switch {
	case text == "" && inCI:
		return 200
	case text == "":
		return 20
	}
	sessions, err := strconv.Atoi(text)
	if err != nil || sessions < 1 {
		t.Fatalf("OIDCAUTH_SESSIONS is not a number of sessions: %q", text)
	}
	return sessions
}

// many asks all instances at once.
func (f *fleet) many(t *testing.T, p *person, requests int) {
	var group sync.WaitGroup
	for n := range requests {
		group.Go(func() { p.has(t, "stale", http.StatusOK, f.instances[n%len(f.instances)]) })
	}
	group.Wait()
}
