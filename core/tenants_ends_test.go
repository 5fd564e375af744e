package core_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A tenant whose answer is nil later ends within two minutes, its cached tokens too, and the others stay.
func TestTenantEnds(t *testing.T) {
	estateBubble(t, []string{"a", "b"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard, a, b := auth.Required(), e.token("a"), e.token("b")
		mustAdmit(t, guard, a)
		mustAdmit(t, guard, b)
		e.change(func() { delete(e.known, issuerOf("a")) })
		wantStatus(t, guard, a, http.StatusOK)
		wait(61 * time.Second)
		wantStatus(t, guard, a, http.StatusOK) // this request makes it be asked for
		synctest.Wait()
		wantStatus(t, guard, a, http.StatusUnauthorized)
		wantStatus(t, guard, e.token("a"), http.StatusUnauthorized)
		wantStatus(t, guard, b, http.StatusOK)

		// One that nobody asked for in the meantime ends with the next request.
		e.change(func() { delete(e.known, issuerOf("b")) })
		wait(2 * time.Minute)
		wantStatus(t, guard, b, http.StatusUnauthorized)
		if n := e.fetches("a"); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// ForgetIssuer ends a tenant at once. While the application does not answer then, nobody is admitted.
func TestForgetIssuer(t *testing.T) {
	estateBubble(t, []string{"a", "b"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard, a := auth.Required(), e.token("a")
		mustAdmit(t, guard, a)
		auth.ForgetIssuer(issuerOf("a"))
		wantStatus(t, guard, a, http.StatusOK)
		if e.calls(issuerOf("a")) != 2 || e.fetches("a") != 2 {
			t.Errorf("%d calls, %d fetches", e.calls(issuerOf("a")), e.fetches("a"))
		}
		e.change(func() {
			e.answer = func(context.Context, string) (*core.Provider, error) { return nil, errors.New("away") }
		})
		auth.ForgetIssuer(issuerOf("a"))
		wantStatus(t, guard, a, http.StatusServiceUnavailable)
		e.change(func() { e.answer = nil; delete(e.known, issuerOf("a")) })
		auth.ForgetIssuer(issuerOf("a"))
		wantStatus(t, guard, a, http.StatusUnauthorized)

		// An answer that was on its way does not count either.
		old, release := tenantOf("b"), make(chan struct{})
		e.change(func() {
			e.answer = func(context.Context, string) (*core.Provider, error) { <-release; return &old, nil }
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantStatus(t, guard, e.token("b"), http.StatusUnauthorized)
		}()
		synctest.Wait()
		e.change(func() { e.answer = nil; delete(e.known, issuerOf("b")) })
		auth.ForgetIssuer(issuerOf("b"))
		close(release)
		<-done
		auth.ForgetIssuer("https://nobody.example")
		e.idp.auth().ForgetIssuer(issuerOf("a")) // without ResolveIssuer
	})
}

// Other settings replace a tenant: tokens that they do not accept are refused, cached ones too. Equal settings change nothing.
func TestTenantChanges(t *testing.T) {
	estateBubble(t, []string{"a"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard, old := auth.Required(), e.token("a")
		mustAdmit(t, guard, old)
		for range 10 {
			wait(61 * time.Second)
			wantStatus(t, guard, old, http.StatusOK)
			old = e.token("a")
		}
		if n := e.fetches("a"); n != 2 {
			t.Errorf("%d fetches although nothing has changed", n)
		}
		mustAdmit(t, guard, old)
		next := e.token("a", claims{"aud": "another-client"})
		wantStatus(t, guard, next, http.StatusUnauthorized)
		e.change(func() {
			changed := tenantOf("a")
			changed.ClientID, changed.AuthParams = "another-client", map[string][]string{"x": {"y"}}
			e.known[issuerOf("a")] = changed
		})
		auth.ForgetIssuer(issuerOf("a"))
		wantStatus(t, guard, old, http.StatusUnauthorized)
		wantStatus(t, guard, next, http.StatusOK)
	})
}

// While the application fails, the last answer counts for ten minutes.
func TestTenantStale(t *testing.T) {
	estateBubble(t, []string{"a"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard := auth.Required()
		mustAdmit(t, guard, e.token("a"))
		e.change(func() {
			e.answer = func(context.Context, string) (*core.Provider, error) { return nil, errors.New("away") }
		})
		for range 19 {
			wait(30 * time.Second)
			wantStatus(t, guard, e.token("a"), http.StatusOK)
		}
		if n := e.calls(""); n > 30 {
			t.Errorf("%d calls while it failed", n)
		}
		wait(31 * time.Second)
		wantStatus(t, guard, e.token("a"), http.StatusServiceUnavailable)
		e.change(func() { e.answer = nil })
		wait(11 * time.Second)
		wantStatus(t, guard, e.token("a"), http.StatusOK)
	})
}

// Nothing is fetched for a tenant that nobody uses any more, and nothing after Close.
func TestTenantIdle(t *testing.T) {
	estateBubble(t, []string{"a", "b"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard := auth.Required()
		mustAdmit(t, guard, e.token("a"))
		mustAdmit(t, guard, e.token("b"))
		for range 20 {
			wait(5 * time.Minute)
			wantStatus(t, guard, e.token("b"), http.StatusOK)
		}
		idle, used := e.fetches("a"), e.fetches("b")
		wait(2 * time.Hour)
		if e.fetches("a") != idle || idle > 7 || used < 8 {
			t.Errorf("%d fetches for the idle one, then %d; %d for the other one", idle, e.fetches("a"), used)
		}
		mustAdmit(t, guard, e.token("a"))
		last := e.token("a")
		mustAdmit(t, guard, last)
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
		after := e.fetches("")
		wait(5 * time.Minute)
		wantStatus(t, guard, last, http.StatusOK) // with the cached keys, as for a provider of the configuration
		wantStatus(t, guard, e.token("b"), http.StatusServiceUnavailable)
		wait(2 * time.Hour)
		if n := e.fetches("") - after; n != 0 {
			t.Errorf("%d fetches after Close", n)
		}
	})
}
