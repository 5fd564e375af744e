package keyset_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
)

const (
	pause   = 10 * time.Second
	timeout = 5 * time.Second
)

var errDown = errors.New("down")

// issuer serves a key set; its keys have only names.
type issuer struct {
	mu      sync.Mutex
	set     jose.Set
	err     error
	delay   time.Duration
	fetches atomic.Int64
}

func (i *issuer) load(ctx context.Context) (jose.Set, error) {
	i.fetches.Add(1)
	i.mu.Lock()
	set, err, delay := i.set, i.err, i.delay
	i.mu.Unlock()
	select {
	case <-time.After(delay):
		return set, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (i *issuer) now(set jose.Set, err error, delay time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set, i.err, i.delay = set, err, delay
}

func named(kids ...string) jose.Set {
	var set jose.Set
	for _, kid := range kids {
		set = append(set, jose.Key{ID: kid, Alg: "RS256"})
	}
	return set
}

func token(kid string) jose.Header { return jose.Header{Alg: "RS256", KeyID: kid, HasKey: kid != ""} }

func inBubble(t *testing.T, test func(*testing.T, *issuer, *keyset.Keys[jose.Set])) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{set: named("a")}
		policy := fresh.Policy{Renew: 12 * time.Minute, Stale: 24 * time.Hour, Pause: pause, Timeout: timeout}
		keys := keyset.New(fresh.New(policy, i.load, nil), timeout)
		defer keys.Close()
		test(t, i, keys)
	})
}

func find(t *testing.T, keys *keyset.Keys[jose.Set], kid string, want error) {
	t.Helper()
	key, err := keys.Find(t.Context(), token(kid))
	if !errors.Is(err, want) || err == nil && kid != "" && key.ID != kid {
		t.Errorf("kid %q: got %+v, %v; want %v", kid, key, err, want)
	}
}

func (i *issuer) want(t *testing.T, n int64, when string) {
	t.Helper()
	if got := i.fetches.Load(); got != n {
		t.Errorf("%s: %d fetches, want %d", when, got, n)
	}
}

// An unknown kid leads to one fetch; new keys are accepted, removed ones dropped.
func TestRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		find(t, keys, "a", nil)
		i.now(named("b"), nil, 0)
		find(t, keys, "a", nil) // the new set is not fetched yet
		find(t, keys, "b", nil)
		find(t, keys, "a", keyset.ErrUnknownKey)
		i.want(t, 2, "in all")
	})
}

// A token without kid.
func TestTokenWithoutKid(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		find(t, keys, "", nil)
		i.now(named("a", "b"), nil, 0)
		find(t, keys, "b", nil)
		find(t, keys, "", keyset.ErrUnknownKey)
	})
}

// Unknown kids cost one fetch per pause, for all callers together and whatever the endpoint answers.
func TestUnknownKids(t *testing.T) {
	for name, fault := range map[string]error{"endpoint is well": nil, "endpoint is down": errDown} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
				find(t, keys, "a", nil)
				time.Sleep(time.Minute)
				i.now(named("a"), fault, time.Second)
				want := keyset.ErrUnknownKey
				if fault != nil {
					want = fault
				}
				var all sync.WaitGroup
				for n := range 1000 {
					all.Go(func() { find(t, keys, fmt.Sprint("junk", n), want) })
				}
				all.Wait()
				i.want(t, 2, "1000 at once")
				for n := range 200 {
					find(t, keys, fmt.Sprint("more", n), want)
				}
				i.want(t, 2, "200 in turn")
				find(t, keys, "a", nil)
			})
		})
	}
}

// A cached key is found without a wait while unknown kids wait for a slow endpoint.
func TestKnownKeyNeverWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		find(t, keys, "a", nil)
		i.now(named("a"), nil, time.Hour)
		var strangers sync.WaitGroup
		for n := range 500 {
			strangers.Go(func() {
				if _, err := keys.Find(t.Context(), token(fmt.Sprint("junk", n))); err == nil {
					t.Error("a stranger's kid is found")
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		for range 500 {
			find(t, keys, "a", nil)
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
		strangers.Wait()
		if waited := time.Since(start); waited > timeout {
			t.Errorf("a stranger waited %s", waited)
		}
	})
}

// An unknown kid starts the cool-down; a new key is accepted when that ends, not only at the next renewal.
func TestNewKeyAfterUnknownKid(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		find(t, keys, "a", nil)
		find(t, keys, "junk", keyset.ErrUnknownKey)
		i.now(named("a", "b"), nil, 0)
		find(t, keys, "b", keyset.ErrUnknownKey)
		time.Sleep(pause)
		find(t, keys, "b", nil)
	})
}

func TestReady(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		i.now(nil, errDown, 0)
		if err := keys.Ready(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		i.now(named("a"), nil, 0)
		if err := keys.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		i.want(t, 2, "in all")
	})
}

// The caller's context also bounds the wait.
func TestCallerLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		i.now(nil, nil, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := keys.Find(ctx, token("a")); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// All tokens of a key share one proof, which holds as long as the issuer publishes that key.
func TestProof(t *testing.T) {
	set := func(kids ...string) (set jose.Set) {
		for _, kid := range kids {
			set = append(set, jose.NewKey(kid, "EdDSA", ed25519.PublicKey(strings.Repeat(kid, ed25519.PublicKeySize))))
		}
		return set
	}
	header := func(alg, kid string) jose.Header { return jose.Header{Alg: alg, KeyID: kid, HasKey: kid != ""} }
	inBubble(t, func(t *testing.T, i *issuer, keys *keyset.Keys[jose.Set]) {
		prove := func(header jose.Header) keyset.Proof {
			t.Helper()
			key, err := keys.Find(t.Context(), header)
			if err != nil {
				t.Fatalf("%+v: %v", header, err)
			}
			return keys.Prove(header, key)
		}
		holds := func(when string, proof keyset.Proof, want bool) {
			t.Helper()
			if got := proof.Holds(time.Now()); got != want {
				t.Errorf("%s: holds: %v", when, got)
			}
		}
		i.now(set("a"), nil, 0)
		first, unnamed := prove(header("EdDSA", "a")), prove(header("EdDSA", ""))
		if first == unnamed || first != prove(header("Ed25519", "a")) || unnamed != prove(header("EdDSA", "")) {
			t.Error("one proof for each of named and unnamed tokens is expected")
		}
		holds("at first", first, true)
		holds("at first, unnamed", unnamed, true)

		i.now(set("a", "b"), nil, 0)
		second := prove(header("EdDSA", "b"))
		holds("with another key", first, true)
		holds("with another key, unnamed", unnamed, false) // which one it is would be a guess
		holds("with another key, again", prove(header("EdDSA", "a")), true)

		other := set("a", "c")
		other[0].Public = other[1].Public
		i.now(other, nil, 0)
		time.Sleep(pause)
		find(t, keys, "", keyset.ErrUnknownKey) // fetches
		if again := prove(header("EdDSA", "a")); again == first || !again.Holds(time.Now()) {
			t.Error("another key with the same ID has the old proof")
		}
		third := prove(header("EdDSA", "c"))
		holds("another key with the same ID", first, false)
		holds("withdrawn", second, false)
		holds("new", third, true)
	})
}
