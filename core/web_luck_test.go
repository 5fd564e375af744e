package core_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// pair is two instances of one application on one store, of which the first can be cut off from it.
type pair struct {
	idle          time.Duration
	first, second *web
	idp           *oidctest.Provider
	memory        *store.Memory
	flawed        *flawedStore // of the first
}

const pairRefresh = 10 * time.Minute

func newPair(t *testing.T, options ...oidctest.Option) *pair {
	t.Helper()
	return newIdlePair(t, 48*time.Hour, options...)
}

// newIdlePair makes one whose sessions end after this time without a request.
func newIdlePair(t *testing.T, idle time.Duration, options ...oidctest.Option) *pair {
	t.Helper()
	idp := oidctest.NewProvider(t, append(options, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"),
		oidctest.WithLifetimes(oidctest.Lifetimes{RefreshToken: 400 * 24 * time.Hour}))...)
	p := &pair{idp: idp, memory: store.NewMemory(), idle: idle}
	p.flawed = &flawedStore{Store: p.memory}
	p.first, p.second = p.instance(t, p.flawed), p.instance(t, p.memory)
	return p
}

func (p *pair) instance(t *testing.T, db store.Store) *web {
	t.Helper()
	return newWebOn(t, func(c *core.Config) {
		c.Store, c.Sessions = db, &core.SessionConfig{RefreshAfter: pairRefresh, IdleTimeout: p.idle}
	}, p.idp)
}

// at is the same browser at another instance.
func (b *browser) at(w *web) *browser { return &browser{web: w, jar: b.jar} }

// copied is another browser, at an instance, with the same cookies.
func (b *browser) copied(w *web) *browser { return &browser{web: w, jar: maps.Clone(b.jar)} }

func (p *pair) close() {
	_ = p.first.auth.Close()
	_ = p.second.auth.Close()
}

// loses empties the store: sessions and the revocation list.
func (p *pair) loses(t *testing.T) {
	t.Helper()
	if _, err := p.memory.Purge(t.Context(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
}

// takeover is longer than a lease, and what the clocks of two instances may differ by.
const takeover = 3 * time.Minute

// An instance that dies with the lease costs no request, and the session is asked about again when the lease has run out. What the provider
// had answered is lost with the process: a provider that rotates sees a spent token then, and ends the session.
func TestLeaseHolderDies(t *testing.T) {
	for name, test := range map[string]struct {
		options []oidctest.Option
		down    bool // the provider, while the instance lives
		later   int  // status after the takeover
	}{
		"it rotates, and has answered":            {nil, false, http.StatusUnauthorized},
		"it rotates, and was not reached":         {nil, true, http.StatusOK},
		"it does not rotate, and has answered":    {[]oidctest.Option{oidctest.WithoutRotation()}, false, http.StatusOK},
		"it does not rotate, and was not reached": {[]oidctest.Option{oidctest.WithoutRotation()}, true, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, test.options...)
				defer p.close()
				b := p.first.browser()
				b.logIn("alice")
				before := p.idp.Hits(oidctest.Token)
				time.Sleep(pairRefresh + time.Minute)
				if test.down {
					p.idp.Fault(oidctest.Token, oidctest.Refused())
				}
				p.flawed.breaks(func(_ context.Context, method string, call int) error {
					if method == "Swap" && call == 1 {
						return nil // the lease
					}
					if method == "Swap" || method == "Revoke" {
						return errStore
					}
					return nil
				})
				b.status("/page")
				synctest.Wait()
				p.idp.Heal(oidctest.Token)
				asked := p.idp.Hits(oidctest.Token) - before
				other := b.at(p.second)
				for range 5 { // while the lease lasts
					if status := other.status("/page"); status != http.StatusOK {
						t.Errorf("while the lease lasts: %d", status)
					}
					synctest.Wait()
					time.Sleep(2 * time.Second)
				}
				if now := p.idp.Hits(oidctest.Token) - before; now != asked {
					t.Errorf("the provider was asked %d times while the lease lasts", now-asked)
				}
				time.Sleep(takeover)
				if status := other.status("/page"); status != http.StatusOK {
					t.Errorf("the request that takes over: %d", status)
				}
				synctest.Wait()
				if status := other.status("/page"); status != test.later {
					t.Errorf("after the takeover: %d, want %d", status, test.later)
				}
				time.Sleep(5 * time.Minute)
				other.status("/page")
				synctest.Wait()
				if calls := p.idp.Hits(oidctest.Token) - before - asked; calls != 1 {
					t.Errorf("%d calls after the death, want one", calls)
				}
			})
		})
	}
}

// A store that takes no more rows keeps those that it has: sessions go on, nothing is spent at the provider, a login is refused and
// leaves nothing behind, and a logout is made good when there is room.
func TestFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		defer p.close()
		b, leaver := p.first.browser(), p.first.browser()
		b.logIn("alice")
		leaver.logIn("bob")
		p.flawed.breaks(func(_ context.Context, method string, _ int) error {
			switch method {
			case "PutSession", "Swap", "Touch", "Revoke":
				return errStore
			}
			return nil
		})
		before := p.idp.Hits(oidctest.Token)
		time.Sleep(pairRefresh + time.Minute)
		for range 3 {
			if status := b.status("/page"); status != http.StatusOK {
				t.Errorf("a known session: %d", status)
			}
			synctest.Wait()
			time.Sleep(time.Minute)
		}
		if asked := p.idp.Hits(oidctest.Token) - before; asked != 0 {
			t.Errorf("the provider was asked %d times, and the answer has no place", asked)
		}
		revoked := p.idp.Hits(oidctest.Revocation)
		late := p.first.browser()
		if answer, at := late.visit("/page", "carol"); answer.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(at, "/auth/v2/callback") {
			t.Errorf("a login: %d at %s", answer.StatusCode, at)
		}
		if name, _ := late.sessionCookie(); name != "" || p.idp.Hits(oidctest.Revocation) != revoked+1 {
			t.Errorf("a refused login leaves the cookie %q, and %d tokens are revoked", name, p.idp.Hits(oidctest.Revocation)-revoked)
		}
		thief := leaver.copied(p.second)
		if answer := leaver.do(http.MethodPost, "/auth/v2/logout", append(script, "Origin: "+webURL)...); answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a logout: %d", answer.StatusCode)
		}
		if status := thief.at(p.first).status("/page"); status != http.StatusUnauthorized {
			t.Errorf("logged out here: %d", status)
		}
		synctest.Wait() // the request of the logout began a renewal
		p.flawed.breaks(nil)
		time.Sleep(time.Minute)
		if status := thief.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("logged out elsewhere, when there is room: %d", status)
		}
		late.logIn("carol")
		b.status("/page")
		synctest.Wait()
		if status := b.status("/page"); status != http.StatusOK || p.idp.Hits(oidctest.Token) != before+3 { // two logins, one renewal
			t.Errorf("there is room: %d, %d calls", status, p.idp.Hits(oidctest.Token)-before)
		}
	})
}

// A store that lost everything knows no session: an instance goes on with those in its memory until it reads them again, and people
// log in again. None is ever taken for another.
func TestLostStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		defer p.close()
		b := p.first.browser()
		b.logIn("alice")
		synctest.Wait()
		p.loses(t)
		if status := b.status("/page"); status != http.StatusOK {
			t.Errorf("in memory: %d", status)
		}
		third := p.instance(t, p.memory)
		defer func() { _ = third.auth.Close() }()
		if status := b.at(third).status("/page"); status != http.StatusUnauthorized {
			t.Errorf("at an instance that does not know it: %d", status)
		}
		time.Sleep(31 * time.Minute)
		if status := b.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("read again: %d", status)
		}
		b.logIn("alice")
		if status := b.at(third).status("/page"); status != http.StatusOK {
			t.Errorf("after a new login: %d", status)
		}
	})
}

// A backup brings sessions back that were ended after it. An instance that knows of the end refuses them, and the provider, who was told
// of the logout, ends them for all others as soon as it is asked.
func TestRestoredStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		defer p.close()
		b := p.first.browser()
		b.logIn("alice")
		thief := b.copied(p.second)
		list, err := p.first.auth.SessionsOf(t.Context(), issuer, "alice")
		if err != nil || len(list) != 1 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		row, err := p.memory.Session(t.Context(), list[0].ID, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if answer := b.do(http.MethodPost, "/auth/v2/logout", append(script, "Origin: "+webURL)...); answer.StatusCode != http.StatusOK {
			t.Fatalf("logout: %d", answer.StatusCode)
		}
		synctest.Wait()
		p.loses(t)
		if err := p.memory.PutSession(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		third := p.instance(t, p.memory)
		defer func() { _ = third.auth.Close() }()
		if status := thief.at(p.first).status("/page"); status != http.StatusUnauthorized {
			t.Errorf("where the logout was: %d", status)
		}
		if status := thief.at(third).status("/page"); status != http.StatusOK {
			t.Errorf("the restored session, before the provider is asked: %d", status)
		}
		time.Sleep(pairRefresh)
		thief.at(third).status("/page")
		synctest.Wait()
		for _, w := range []*web{p.first, third} {
			if status := thief.at(w).status("/page"); status != http.StatusUnauthorized {
				t.Errorf("after the provider was asked: %d", status)
			}
		}
	})
}

// The idle end of a session passes while the write of its last request is on the way, and just then everything of the person is ended: the
// write does not bring the session back.
func TestLateTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = 2 * time.Hour
		p := newIdlePair(t, idle)
		defer p.close()
		b := p.first.browser()
		b.logIn("alice")
		time.Sleep(idle - time.Second)
		p.flawed.breaks(func(_ context.Context, method string, _ int) error {
			if method == "Touch" {
				time.Sleep(2 * time.Second)
			}
			return nil
		})
		if status := b.status("/page"); status != http.StatusOK {
			t.Fatalf("the last request: %d", status)
		}
		time.Sleep(1500 * time.Millisecond)
		if _, err := p.second.auth.EndSessions(t.Context(), p.idp.Issuer(), "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour) // longer than the list remembers
		if status := b.at(p.second).status("/page"); status != http.StatusUnauthorized {
			t.Errorf("a session that was ended: %d", status)
		}
	})
}
