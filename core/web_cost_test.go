package core_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A session that this process knows costs no allocation in core, and no question to the store.
func TestKnownSessionCosts(t *testing.T) {
	w := newWeb(t, nil)
	cookie := w.idp.Session(w.auth, "alice")
	guard := w.auth.Required(core.Roles("admin"))
	credentials := core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{
		"Cookie": {"a=1; " + cookie.Name + "=" + cookie.Value + "; b=2"}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"*/*"},
	}}
	if d := guard.Admit(t.Context(), credentials); d.Caller.Subject() != "alice" || d.Session.ID() == "" {
		t.Fatalf("%+v", d)
	}
	if n := testing.AllocsPerRun(1000, func() { guard.Admit(t.Context(), credentials) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Many requests that find a session old, on two instances: the provider is asked once.
func TestRenewalIsOne(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		synctest.Test(t, func(t *testing.T) {
			w := newBubbleWeb(t, func(c *core.Config) {
				mode(c)
				c.Sessions.RefreshAfter = 10 * time.Minute
			})
			other := &web{t: t, idp: w.idp, cfg: w.cfg}
			other.serve()
			b := w.browser()
			b.logIn("alice")
			there := &browser{web: other, jar: b.jar}
			there.status("/page")
			time.Sleep(11 * time.Minute)
			before := w.idp.Hits(oidctest.Token)
			w.idp.Fault(oidctest.Token, oidctest.Late(3*time.Second))
			for range 50 {
				for _, at := range []*browser{b, there} {
					if status := at.status("/page"); status != http.StatusOK {
						t.Errorf("%d", status)
					}
				}
			}
			time.Sleep(10 * time.Second)
			for _, at := range []*browser{b, there} {
				if status := at.status("/page"); status != http.StatusOK {
					t.Errorf("afterwards: %d", status)
				}
			}
			synctest.Wait()
			if asked := w.idp.Hits(oidctest.Token) - before; asked != 1 {
				t.Errorf("the provider was asked %d times", asked)
			}
			_, _ = w.auth.Close(), other.auth.Close()
		})
	})
}
