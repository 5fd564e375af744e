package core_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A login whose ID token has a new key of the provider's is not lost though the keys were fetched a moment ago, and neither is
// a refresh, with an ID token or without; many at once cost one fetch, and strangers none.
func TestLoginWithNewKeyRightAfterAFetch(t *testing.T) {
	for name, mode := range map[string]func(b *brokerBubble) *flowService{
		"broker": func(b *brokerBubble) *flowService { return b.serve() },
		"passthrough": func(b *brokerBubble) *flowService {
			f := flowServe(b.t, b.config(), b, nil)
			f.idp = b.Provider
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				f := mode(b)
				token := f.begun()
				rotate := func() {
					t.Helper()
					time.Sleep(time.Second)
					if err := b.RotateKey("ES256"); err != nil {
						t.Fatal(err)
					}
				}
				fetches := func() int { return b.Hits(oidctest.JWKS) }
				for range 3 {
					rotate()
					token = flowGranted(t, f.refresh(token.RefreshToken))
				}
				before := fetches()
				if before > 4 {
					t.Errorf("%d fetches", before)
				}
				for range 10 { // somebody who has paid for nothing
					f.exchange(b.tokenOf("unknown"), nil)
					f.status(b.tokenOf("unknown"))
				}
				if fetches() != before {
					t.Errorf("strangers cost %d fetches", fetches()-before)
				}
				rotate()
				b.Fault(oidctest.JWKS, oidctest.Slow(time.Second))
				var wg sync.WaitGroup
				for range 5 {
					form := f.granted()
					wg.Go(func() {
						if answer := f.post("token", form); answer.Status != 200 {
							t.Errorf("login: %d %s", answer.Status, answer.Body)
						}
					})
				}
				wg.Wait()
				if fetches() != before+1 {
					t.Errorf("five logins cost %d fetches", fetches()-before)
				}
			})
		})
	}
}

// Without an ID token, what the access token says counts as well.
func TestRefreshWithNewKeyWithoutIDToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} })
		b.says(saying{access: "admin"})
		token := f.begun()
		b.says(saying{id: "-", access: "admin"})
		for range 3 {
			if err := b.RotateKey("ES256"); err != nil {
				t.Fatal(err)
			}
			token = flowGranted(t, f.refresh(token.RefreshToken))
		}
	})
}
