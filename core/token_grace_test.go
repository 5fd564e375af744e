package core_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The answer that comes again within the grace counts expires_in from now: clients by RFC 6749 read nothing else of a
// token's end.
func TestGraceCountsFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Broker.RefreshGrace = time.Minute })
		first := f.begun()
		second := flowGranted(t, f.refresh(first.RefreshToken))
		time.Sleep(30 * time.Second)
		again := flowGranted(t, f.refresh(first.RefreshToken))
		if again.AccessToken != second.AccessToken || again.Expires != second.Expires {
			t.Fatal("the grace gave another answer")
		}
		if left := again.Expires - time.Now().Unix(); again.ExpiresIn != left {
			t.Errorf("expires_in %d, %d s before the end", again.ExpiresIn, left)
		}
	})
}
