package core_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// together makes two instances of one service, with a browser at each that has the same cookies.
func together(t *testing.T, change func(*core.Config)) (one, other *browser) {
	t.Helper()
	w := newBubbleWeb(t, change)
	second := &web{t: t, idp: w.idp, cfg: w.cfg}
	second.serve()
	one = w.browser()
	return one, one.at(second)
}

// Requests extend the idle time, on every instance; the absolute end stays.
func TestSessionEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle, life = 6 * time.Minute, 27 * time.Minute // the rows are not read again before
		one, other := together(t, func(c *core.Config) {
			c.Sessions = &core.SessionConfig{IdleTimeout: idle, Lifetime: life, RefreshAfter: 24 * time.Hour}
		})
		one.logIn("alice")
		if status := other.status("/page"); status != http.StatusOK {
			t.Fatalf("the other instance: %d", status)
		}
		begin := time.Now()
		for time.Since(begin) < life-idle {
			time.Sleep(idle / 2)
			if status := one.status("/page"); status != http.StatusOK {
				t.Fatalf("after %s: %d", time.Since(begin), status)
			}
			synctest.Wait()
		}
		if status := other.status("/page"); status != http.StatusOK {
			t.Errorf("the other instance, whose last request is %s ago: %d", time.Since(begin), status)
		}
		for time.Since(begin) < life-time.Second {
			time.Sleep(min(idle/2, life-time.Second-time.Since(begin)))
			synctest.Wait()
			_, _ = one.status("/page"), other.status("/page")
		}
		time.Sleep(time.Second)
		for name, b := range map[string]*browser{"one": one, "other": other} {
			if status := b.status("/page"); status != http.StatusUnauthorized {
				t.Errorf("%s, after %s: %d", name, time.Since(begin), status)
			}
		}
		one.logIn("alice")
		time.Sleep(idle)
		if a, b := one.status("/page"), other.status("/page"); a != http.StatusUnauthorized || b != http.StatusUnauthorized {
			t.Errorf("without a request for %s: %d and %d", idle, a, b)
		}
	})
}

// forgetful is a store whose list of ended sessions is always empty.
type forgetful struct{ store.Store }

func (forgetful) Revoked(context.Context, time.Time, time.Time) ([]store.Revocation, error) {
	return nil, nil
}

// An instance that has not heard of the end of a session reads its row again after half an hour.
func TestSessionIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := together(t, func(c *core.Config) { c.Store = forgetful{c.Store} })
		one.logIn("alice")
		if status := other.status("/page"); status != http.StatusOK {
			t.Fatalf("the other instance: %d", status)
		}
		if n, err := one.auth.EndSessions(t.Context(), one.idp.Issuer(), "alice"); n != 1 || err != nil {
			t.Fatalf("%d ended, %v", n, err)
		}
		time.Sleep(31 * time.Minute)
		if status := other.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("half an hour after its end: %d", status)
		}
	})
}
