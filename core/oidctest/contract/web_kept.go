package contract

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// testWebKept: a session is refreshed after its request has been answered, when the framework has another one in the same memory.
func testWebKept(t *testing.T, a setup) {
	var kept keeper
	w := a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.Sessions.RefreshAfter = time.Second }}, func(w *web, app App) {
		w.pages(t, app)
		app.Any(group+"/keep", func(ctx context.Context, session *core.Session, caller *core.IDToken) []byte {
			kept.keep(describeToken(caller))
			kept.keep(func() string {
				return fmt.Sprint(session, session.ID(), session.Provider(), session.Started(), session.Expires())
			})
			return w.whose(ctx, session, caller)
		}, Required())
	})
	alice, bob := w.browser(), a.openWeb(t, plan{beside: w.site}).browser() // bob is on another connection until he has logged in
	alice.logIn("alice")
	for i := range 10 {
		alice.do(http.MethodGet, group+"/keep", "X-Padding: "+strings.Repeat("p", 100+i)).hasStatus(http.StatusOK)
	}
	asked, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	w.idp.Tamper(oidctest.TokenAnswers, func(oidctest.Claims) {
		if first.CompareAndSwap(false, true) {
			close(asked)
			<-release
		}
	})
	w.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"realm_access": oidctest.Claims{"roles": []string{"user"}}}})
	alice.jar = map[string]string{cookieName: alice.session()}
	alice.until(asked)
	id := bob.logIn("bob")
	bob = &browser{w, map[string]string{cookieName: bob.session()}} // as long as alice's, to take its place
	bob.do(http.MethodGet, page, scripted...).is(seenBy("bob", id))
	close(release)
	for range 200 {
		bob.do(http.MethodGet, page, scripted...).is(seenBy("bob", id))
	}
	for start := time.Now(); alice.do(http.MethodGet, group+"/admin", scripted...).status != http.StatusForbidden; {
		if time.Since(start) > patience {
			t.Fatal("alice keeps the role that she has lost")
		}
	}
	kept.unchanged(t, 20)
}

// until makes requests until something has happened.
func (b *browser) until(happened <-chan struct{}) {
	b.t.Helper()
	for start := time.Now(); time.Since(start) < patience; {
		b.do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
		select {
		case <-happened:
			return
		default:
		}
	}
	b.t.Fatal("it never happened")
}
