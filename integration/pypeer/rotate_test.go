package pypeer

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
)

// rotateOurs gives our service a new signing key. It signs at once here: after the ten minutes that it takes otherwise, the
// Python service would fetch it with the first token that names it.
func (p *pair) rotateOurs(checks *compat.Checks) {
	checks.Run("the Python service takes our tokens after a rotation", func(t *testing.T) {
		before := login(t, p.idp, issuer(p.ours), "alice")
		status(t, "before", p.py.get(t, "/me", before.AccessToken), http.StatusOK)
		if err := p.ours.Auth.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		var after core.Token
		eventually(t, 90*time.Second, "the new key signs", func() bool {
			after = login(t, p.idp, issuer(p.ours), "alice")
			return read(t, after.AccessToken, 0)["kid"] != p.key.kid
		})
		eventually(t, 90*time.Second, "the Python service fetches the new key", func() bool {
			return p.py.get(t, "/me", after.AccessToken).Status == http.StatusOK
		})
		if me := app.JSON[app.Me](t, p.py.get(t, "/me", after.AccessToken)); me.Subject != "alice" {
			t.Errorf("it says %+v", me)
		}
		status(t, "a token of the old key", p.py.get(t, "/me", before.AccessToken), http.StatusOK)
		status(t, "a token of the old key, here", p.ours.Get(t, "/me", before.AccessToken), http.StatusOK)
	})
	checks.Lacks("keys at once: py-oidc-auth fetches a peer's keys for a key id that it does not know at most once in 60 s, and refuses until then; ours are published for ten minutes before they sign")
	checks.Lacks("withdrawn keys: py-oidc-auth forgets no key of a peer until it is started again")
}

// rotateTheirs gives the Python service a new signing key. It has no rotation: the key is taken out of its store, and the
// service started again.
func (p *pair) rotateTheirs(checks *compat.Checks) {
	checks.Run("ours takes the Python service's tokens after a restart and after a change of its key", func(t *testing.T) {
		before := login(t, p.idp, p.py.issuer(), "alice")
		kid := read(t, before.AccessToken, 0)["kid"]
		p.py.restart(t)
		again := login(t, p.idp, p.py.issuer(), "alice")
		status(t, "after a restart", p.ours.Get(t, "/me", again.AccessToken), http.StatusOK)
		if now := read(t, again.AccessToken, 0)["kid"]; now != kid {
			t.Errorf("kid is %v after a restart", now)
		}
		p.py.options.Store += ".new"
		p.py.restart(t)
		after := login(t, p.idp, p.py.issuer(), "alice")
		if read(t, after.AccessToken, 0)["kid"] == kid {
			t.Fatal("the key is the old one")
		}
		eventually(t, 30*time.Second, "ours fetches the new key", func() bool { return p.ours.Get(t, "/me", after.AccessToken).Status == http.StatusOK })
		status(t, "a token of the key that is not published any more", p.ours.Get(t, "/me", before.AccessToken), http.StatusUnauthorized)
	})
	checks.Lacks("rotation: py-oidc-auth signs with one key for ever, and publishes that alone; a new one, in a new store, ends all its tokens")
}
