package core_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const coolDown = 10 * time.Second

// Every row of keySetTable: the calls to the provider's key endpoint, and the refused tokens.

func inBubble(t *testing.T, test func(*testing.T, *memoryIDP, *core.Guard)) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		test(t, idp, idp.auth().Required())
	})
}

func (idp *memoryIDP) wantFetches(n int, when string) {
	idp.t.Helper()
	if got := idp.Hits(oidctest.JWKS); got != n {
		idp.t.Errorf("%s: %d fetches of the key set, want %d", when, got, n)
	}
}

// statuses sends n tokens at once and returns the number of each status.
func statuses(t *testing.T, guard *core.Guard, n int, token func(int) string) map[int]int {
	t.Helper()
	got := make(map[int]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		text := token(i)
		all.Go(func() {
			caller, err := decide(context.Background(), guard, []string{"Bearer " + text})
			status := statusOf(t, caller, err)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	return got
}

func TestKeySetColdGoodTokensAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.breaks(oidctest.Slow(time.Second), oidctest.JWKS)
		token := idp.token()
		got := statuses(t, guard, 1000, func(int) string { return token })
		if got[200] != 1000 {
			t.Errorf("got %v", got)
		}
		idp.wantFetches(1, "1000 good tokens at once")
		if got := idp.Hits(oidctest.Discovery); got != 1 {
			t.Errorf("%d fetches of the discovery document", got)
		}
	})
}

// stranger makes tokens with keys that the provider never had.
func stranger(idp *memoryIDP) func(int) string {
	parts := strings.Split(idp.token(), ".")
	return func(i int) string {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"stranger%d"}`, i))
		return header + "." + parts[1] + "." + parts[2]
	}
}

// Unknown kids cause one fetch per cool-down, also while the endpoint answers 503.
func TestKeySetUnknownKids(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fault
		status int
	}{"healthy": {fault{}, 401}, "503": {faults["503"], 503}, "refused": {refuse, 503}, "empty": {faults["empty key list"], 503}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
				mustAdmit(t, guard, idp.token())
				time.Sleep(time.Minute)
				idp.breaks(c.fault, oidctest.JWKS)
				junk := stranger(idp)
				for round := range 3 {
					if got := statuses(t, guard, 1000, junk); got[c.status] != 1000 {
						t.Errorf("at once: got %v", got)
					}
					for i := range 200 {
						wantStatus(t, guard, junk(i), c.status)
					}
					idp.wantFetches(2+round, "in a cool-down")
					wantStatus(t, guard, idp.token(), http.StatusOK)
					time.Sleep(coolDown)
				}
			})
		})
	}
}

// 10,000 unknown kids over 100 s during an outage, while the background retries too.
func TestKeySetUnknownKidsDuringAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		idp.breaks(faults["503"], oidctest.JWKS)
		time.Sleep(12*time.Minute + 3*time.Second)
		before, token := idp.Hits(oidctest.JWKS), idp.tokenOf("stranger")
		for range 10_000 {
			wantStatus(t, guard, token, http.StatusServiceUnavailable)
			time.Sleep(10 * time.Millisecond)
		}
		if got := idp.Hits(oidctest.JWKS) - before; got > 10 {
			t.Errorf("%d fetches in 100 s", got)
		}
	})
}

func TestKeySetGoodTokensNeverWait(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		time.Sleep(time.Minute)
		idp.breaks(hang, oidctest.JWKS)
		start := time.Now()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got := statuses(t, guard, 500, stranger(idp)); got[503] != 500 {
				t.Errorf("strangers: got %v", got)
			}
			if waited := time.Since(start); waited > 10*time.Second {
				t.Errorf("strangers waited %s", waited)
			}
		})
		synctest.Wait() // all tokens with unknown kids wait now
		token := idp.token()
		if got := statuses(t, guard, 500, func(int) string { return token }); got[200] != 500 {
			t.Errorf("good tokens: got %v", got)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("good tokens waited %s", waited)
		}
		waiting.Wait()
		idp.wantFetches(2, "500 strangers")
	})
}

// A new key is accepted at once, the removed one is dropped with the same fetch.
func TestKeySetRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		time.Sleep(time.Minute)
		idp.setKids("k2")
		mustAdmit(t, guard, idp.tokenOf("k2"))
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		idp.wantFetches(2, "in all")
	})
}

func TestKeySetRotationRightAfterTheStart(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		idp.setKids("k1", "k2")
		mustAdmit(t, guard, idp.tokenOf("k2"))
	})
}

func TestKeySetRotationAfterAStrangersKid(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		time.Sleep(time.Minute)
		wantStatus(t, guard, stranger(idp)(1), http.StatusUnauthorized)
		idp.setKids("k2")
		start := time.Now()
		for {
			if _, err := admit(t, guard, idp.tokenOf("k2")); err == nil {
				break
			}
			wantStatus(t, guard, stranger(idp)(2), http.StatusUnauthorized) // unknown kids do not stop
			if time.Sleep(100 * time.Millisecond); time.Since(start) > time.Minute {
				t.Fatal("the new key is never accepted")
			}
		}
		if waited := time.Since(start); waited > coolDown {
			t.Errorf("accepted after %s", waited)
		}
	})
}

// A constant stream of unknown kids delays a new key by at most one cool-down.
func TestKeySetRotationBesideAStranger(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		junk := stranger(idp)(1)
		for range 500 {
			wantStatus(t, guard, junk, http.StatusUnauthorized)
			time.Sleep(time.Second / 10)
		}
		idp.setKids("k1", "k2")
		for range 101 {
			wantStatus(t, guard, junk, http.StatusUnauthorized)
			time.Sleep(time.Second / 10)
		}
		mustAdmit(t, guard, idp.tokenOf("k2"))
	})
}

// Cached keys are used for at most 24 hours.
func TestKeySetOutageLongerThanItsAge(t *testing.T) {
	for name, fault := range map[string]fault{"503": faults["503"], "hang": hang} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
				mustAdmit(t, guard, idp.token())
				idp.breaks(fault, oidctest.Discovery, oidctest.JWKS)
				for range 24*4 - 1 {
					time.Sleep(15 * time.Minute)
					mustAdmit(t, guard, idp.token())
				}
				time.Sleep(15 * time.Minute)
				wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
				idp.Heal(oidctest.Discovery, oidctest.JWKS)
				time.Sleep(2 * coolDown)
				mustAdmit(t, guard, idp.token())
			})
		})
	}
}

func TestKeySetEmptyListKeepsTheLastGoodSet(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		idp.change(func() { idp.keySet = `{"keys":[]}` })
		time.Sleep(time.Hour)
		mustAdmit(t, guard, idp.token())
		if got := strings.Count(idp.logs.String(), "level=WARN"); got != 1 {
			t.Errorf("%d warnings: %s", got, idp.logs.String())
		}
	})
}

func TestKeySetWithdrawnKey(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.setKids("k1", "k2")
		mustAdmit(t, guard, idp.token())
		idp.setKids("k2")
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		wantStatus(t, guard, idp.tokenOf("k2"), http.StatusOK)
	})
}

func TestKeySetStartedDuringAnOutage(t *testing.T) {
	for name, endpoint := range map[string]oidctest.Endpoint{"keys": oidctest.JWKS, "discovery": oidctest.Discovery} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
				idp.Fault(endpoint, refuse)
				wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
				idp.Heal(endpoint)
				mustAdmit(t, guard, idp.token())
			})
		})
		t.Run(name+", after many requests", func(t *testing.T) {
			inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
				idp.Fault(endpoint, refuse)
				for range 600 {
					wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
					time.Sleep(100 * time.Millisecond)
				}
				if got := idp.Hits(endpoint); got > 8 {
					t.Errorf("%d fetches in 60 s", got)
				}
				idp.Heal(endpoint)
				time.Sleep(coolDown)
				mustAdmit(t, guard, idp.token())
			})
		})
	}
}

// Documents are renewed in the background, discovery and keys independently.
func TestRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		time.Sleep(time.Hour + time.Second)
		idp.wantFetches(6, "in an hour")
		if got := idp.Hits(oidctest.Discovery); got != 2 {
			t.Errorf("%d fetches of the discovery document in an hour", got)
		}
	})
}
