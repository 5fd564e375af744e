package integration

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store/storetest/tcpproxy"
)

const (
	// refreshAfter is the services' RefreshAfter.
	refreshAfter = 3 * time.Second
	// reach is how long an end may take to reach all instances: two seconds, and what a busy machine adds.
	reach = 5 * time.Second
)

// goneEverywhere waits until no instance takes the cookies any more.
func goneEverywhere(t *testing.T, what string, f *fleet, people ...*person) {
	t.Helper()
	begin := time.Now()
	for _, p := range people {
		for _, i := range f.instances {
			eventually(t, reach-time.Since(begin), what+": refused everywhere", func() bool { return p.status(i) == http.StatusUnauthorized })
		}
	}
	t.Logf("%s: refused on all instances after %s", what, time.Since(begin).Round(time.Millisecond))
}

// A browser sends its requests to any instance. Each request of its login goes to another one. The session outlives an instance that is
// killed while it asks the provider about the session. A logout on one instance reaches all, and the streams of the session. So does a
// logout token, no matter to which instance the provider posts it.
func TestInstancesShareBrowserSessions(t *testing.T) {
	onStores(t, func(t *testing.T, url, _ string) {
		t.Parallel()
		f := newFleet(t, url, oidctest.WithoutRotation())
		alice := f.signIn("alice", f.instances...)
		alice.has(t, "after the login", http.StatusOK, f.instances...)

		f.killsAsking(t, alice)
		alice.has(t, "with an instance killed", http.StatusOK, f.instances[1:]...)
		f.instances[0] = f.start()
		alice.has(t, "with an instance started", http.StatusOK, f.instances...)

		first, third := alice.stream(f.instances[0]), alice.stream(f.instances[2])
		thief := alice.thief()
		status, location := alice.logout(f.instances[2], navigation)
		if status != http.StatusFound || !strings.HasPrefix(location, f.idp.URL(oidctest.EndSession)+"?") {
			t.Fatalf("logout: %d %s", status, location)
		}
		thief.has(t, "where the logout was", http.StatusUnauthorized, f.instances[2])
		goneEverywhere(t, "a logout", f, thief)
		for _, stream := range []<-chan struct{}{first, third} {
			select {
			case <-stream:
			case <-time.After(reach):
				t.Error("a stream goes on after the logout")
			}
		}
		f.backChannel(t)
	})
}

// The same in passthrough mode, where only sessions are in the store: login with one request on each instance, requests on all, logout on
// the third, and logout tokens.
func TestInstancesShareBrowserSessionsInPassthroughMode(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, url, _ string) {
		t.Parallel()
		f := newFleetIn(t, []string{"PASSTHROUGH=1"}, url)
		a, b, c := f.instances[0], f.instances[1], f.instances[2]
		alice := f.signIn("alice", a)
		alice.has(t, "after the login", http.StatusOK, b, c, a)
		spread := f.signIn("bob", a, b, c)
		spread.has(t, "after a login on all instances", http.StatusOK, f.instances...)
		stream := alice.stream(a)
		thief := alice.thief()
		if status, location := alice.logout(c, navigation); status != http.StatusFound || !strings.HasPrefix(location, f.idp.URL(oidctest.EndSession)+"?") {
			t.Fatalf("logout: %d %s", status, location)
		}
		thief.has(t, "where the logout was", http.StatusUnauthorized, c)
		goneEverywhere(t, "a logout", f, thief)
		select {
		case <-stream:
		case <-time.After(reach):
			t.Error("a stream goes on after the logout")
		}
		spread.has(t, "after another person's logout", http.StatusOK, f.instances...)
		f.backChannel(t)
	})
}

// An instance is killed while it holds the lease of a session and waits for the provider: the other instances go on admitting requests,
// and do not ask the provider while the lease lasts, whether it rotates or not. A test of core covers what happens after the lease.
func TestKilledLeaseHolder(t *testing.T) {
	t.Parallel()
	for store, place := range stores {
		for name, options := range map[string][]oidctest.Option{"rotating": nil, "not rotating": {oidctest.WithoutRotation()}} {
			t.Run(store+", "+name, func(t *testing.T) {
				t.Parallel()
				url, _ := place(t)
				f := newFleet(t, url, options...)
				alice := f.signIn("alice", f.instances...)
				alice.has(t, "after the login", http.StatusOK, f.instances...)
				before := f.idp.Hits(oidctest.Token)
				f.killsAsking(t, alice)
				for range 3 {
					alice.has(t, "with the holder killed", http.StatusOK, f.instances[1:]...)
				}
				f.instances[0] = f.start()
				alice.has(t, "with an instance started", http.StatusOK, f.instances...)
				if asked := f.idp.Hits(oidctest.Token) - before; asked != 1 {
					t.Errorf("the provider was asked %d times while the lease lasts", asked)
				}
			})
		}
	}
}

// killsAsking kills the first instance while it asks the provider again about a session.
func (f *fleet) killsAsking(t *testing.T, p *person) {
	t.Helper()
	time.Sleep(refreshAfter + time.Second)
	f.idp.Fault(oidctest.Token, oidctest.Late(callTimeout/2))
	defer f.idp.Heal(oidctest.Token)
	before := f.idp.Hits(oidctest.Token)
	p.has(t, "stale", http.StatusOK, f.instances[0])
	eventually(t, reach, "the provider is asked", func() bool { return f.idp.Hits(oidctest.Token) > before })
	f.instances[0].kill()
}

// backChannel ends the sessions of one person by their names at the provider, and all of another by theirs.
func (f *fleet) backChannel(t *testing.T) {
	a, b, c := f.instances[0], f.instances[1], f.instances[2]
	f.idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, BackChannelLogoutURI: a.base + "/api/auth/v2/backchannel-logout",
	})
	desk, phone, bob := f.signIn("alice", b), f.signIn("alice", c), f.signIn("bob", a)
	if err := f.idp.EndSessions(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	goneEverywhere(t, "logout tokens with sid", f, desk, phone)
	bob.has(t, "after another person's logout", http.StatusOK, f.instances...)
	form := url.Values{"logout_token": {f.idp.LogoutToken("bob")}}
	if status, _, text := answerOf(client.PostForm(b.base+"/api/auth/v2/backchannel-logout", form)); status != http.StatusOK {
		t.Fatalf("logout token: %d %s", status, text)
	}
	goneEverywhere(t, "a logout token with sub", f, bob)
	if status, _, _ := answerOf(client.PostForm(c.base+"/api/auth/v2/backchannel-logout", form)); status != http.StatusBadRequest {
		t.Errorf("the same token on another instance: %d", status)
	}
}

// During an outage of the store, an instance admits the sessions in its memory, and others get 503. Nobody is logged out.
func TestBrowserSessionsWithoutStore(t *testing.T) {
	onStores(t, func(t *testing.T, url, address string) {
		t.Parallel()
		proxy := tcpproxy.New(t, address)
		f := newFleet(t, strings.Replace(url, address, proxy.Address(), 1))
		a, b, c := f.instances[0], f.instances[1], f.instances[2]
		alice, bob, leaver := f.signIn("alice", a), f.signIn("bob", b), f.signIn("bob", c)
		alice.has(t, "before", http.StatusOK, c)
		proxy.Become(tcpproxy.Refuses)
		begin := time.Now()
		thief := leaver.thief()
		if status, _ := leaver.logout(c, script); status != http.StatusServiceUnavailable {
			t.Errorf("a logout that the store does not have: %d", status)
		}
		// For longer than RefreshAfter: the instances try to ask the provider in vain.
		for time.Since(begin) < refreshAfter+2*time.Second {
			alice.has(t, "known, without the store", http.StatusOK, a, c)
			bob.has(t, "known, without the store", http.StatusOK, b)
			alice.has(t, "unknown, without the store", http.StatusServiceUnavailable, b)
			bob.has(t, "unknown, without the store", http.StatusServiceUnavailable, a, c)
			thief.has(t, "logged out here, without the store", http.StatusUnauthorized, c)
			time.Sleep(200 * time.Millisecond)
		}
		proxy.Become(tcpproxy.Swallows)
		begin = time.Now()
		for range 10 {
			alice.has(t, "known, with a store that does not answer", http.StatusOK, a, c)
		}
		if took := time.Since(begin); took > callTimeout {
			t.Errorf("20 requests with a store that does not answer took %s", took)
		}
		proxy.Become(tcpproxy.Passes)
		begin = time.Now()
		for _, p := range []*person{alice, bob} {
			for _, i := range f.instances {
				eventually(t, 2*reach, "the store is back", func() bool {
					status := p.status(i)
					if status == http.StatusUnauthorized {
						t.Fatalf("%s was logged out", p.name)
					}
					return status == http.StatusOK
				})
			}
		}
		t.Logf("back after %s", time.Since(begin).Round(time.Millisecond))
		for _, i := range f.instances {
			eventually(t, 4*reach, "the logout is made good", func() bool { return thief.status(i) == http.StatusUnauthorized })
		}
		t.Logf("the logout is made good after %s", time.Since(begin).Round(time.Millisecond))
	})
}
