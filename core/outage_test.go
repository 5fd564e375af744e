package core_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func eachFault(t *testing.T, test func(*testing.T, *memoryIDP, fault, oidctest.Endpoint)) {
	for name, fault := range faults {
		for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS} {
			t.Run(name+" at "+string(endpoint), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, newIDP(t), fault, endpoint) })
			})
		}
	}
}

// A guard that starts during a fault answers 503 within Timeout, and works without a restart after it.
func TestColdGuardUnderFaults(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, endpoint oidctest.Endpoint) {
		auth := idp.auth()
		guard := auth.Required()
		idp.Fault(endpoint, fault)
		for range 3 {
			start := time.Now()
			_, err := admit(t, guard, idp.token())
			if waited := time.Since(start); waited > 10*time.Second {
				t.Errorf("waited %s", waited)
			}
			wantOutage(t, auth, err)
		}
		if err := auth.Ready(t.Context()); err == nil || strings.Contains(err.Error(), poison) {
			t.Errorf("Ready: %v", err)
		}
		idp.Heal(endpoint)
		time.Sleep(10 * time.Second)
		mustAdmit(t, guard, idp.token())
		if err := auth.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
	})
}

func wantOutage(t *testing.T, auth *core.Auth, err error) {
	t.Helper()
	answer := auth.Answer(t.Context(), core.Credentials{}, err)
	if answer.Status != http.StatusServiceUnavailable || string(answer.Body) != `{"detail":"OIDC server unavailable, cannot validate token."}` {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	if answer.Header.Get("Retry-After") != "10" || answer.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("got header %v", answer.Header)
	}
	if strings.Contains(err.Error()+errors.Unwrap(err).Error(), poison) {
		t.Errorf("the provider's text is in %v: %v", err, errors.Unwrap(err))
	}
}

// The first caller after a short outage at the start does not wait for a cool-down.
func TestRecoveryAtOnceAfterTheStart(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, endpoint oidctest.Endpoint) {
		guard := idp.auth().Required()
		idp.Fault(endpoint, fault)
		wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
		idp.Heal(endpoint)
		wantStatus(t, guard, idp.token(), http.StatusOK)
	})
}

// A guard with cached keys works during a fault without waiting; unknown kids are answered within Timeout. The fault and the
// recovery are logged once each.
func TestWarmGuardUnderFaults(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, endpoint oidctest.Endpoint) {
		guard := idp.auth().Required()
		mustAdmit(t, guard, idp.token())
		idp.Fault(endpoint, fault)
		time.Sleep(map[oidctest.Endpoint]time.Duration{oidctest.JWKS: 13 * time.Minute, oidctest.Discovery: 61 * time.Minute}[endpoint])
		start := time.Now()
		mustAdmit(t, guard, idp.token())
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
		if _, err := admit(t, guard, idp.tokenOf("stranger")); err == nil || time.Since(start) > 10*time.Second {
			t.Errorf("a stranger's kid: %v after %s", err, time.Since(start))
		}
		idp.Heal(endpoint)
		idp.setKids("k2")
		time.Sleep(13 * time.Minute)
		wantStatus(t, guard, idp.tokenOf("k2"), http.StatusOK)
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		logs := idp.logs.String()
		if fails, heals := strings.Count(logs, "cannot be fetched"), strings.Count(logs, "can be fetched again"); fails != 1 || heals != 1 {
			t.Errorf("%d warnings, %d all-clears:\n%s", fails, heals, logs)
		}
	})
}

// A request without a token is never an outage, and causes no call to the provider.
func TestNoTokenDuringAnOutage(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	idp.breaks(refuse, oidctest.Discovery, oidctest.JWKS)
	caller, err := decide(t.Context(), auth.Required(), nil)
	if got := statusOf(t, caller, err); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	wantStatus(t, auth.Required(), "no.valid.token", http.StatusUnauthorized)
	if caller, err := decide(t.Context(), auth.Optional(), nil); caller != nil || err != nil {
		t.Errorf("got %v, %v", caller, err)
	}
	if got := idp.Hits(oidctest.Discovery) + idp.Hits(oidctest.JWKS); got != 0 {
		t.Errorf("%d calls to the provider", got)
	}
}

// During an outage an optional guard admits guests; with RejectInvalid it answers 503.
func TestOptionalDuringAnOutage(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	idp.breaks(refuse, oidctest.Discovery)
	if caller, err := admit(t, auth.Optional(), idp.token()); caller != nil || err != nil {
		t.Errorf("got %v, %v", caller, err)
	}
	wantStatus(t, auth.Optional(core.RejectInvalid), idp.token(), http.StatusServiceUnavailable)
}

// A caller that leaves does not wait for the fetch.
func TestCallerWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		guard := idp.auth().Required()
		idp.breaks(oidctest.Slow(8*time.Second), oidctest.JWKS)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		caller, err := decide(ctx, guard, []string{"Bearer " + idp.token()})
		if got := statusOf(t, caller, err); got != http.StatusServiceUnavailable || time.Since(start) != time.Second {
			t.Errorf("got %d after %s", got, time.Since(start))
		}
	})
}
