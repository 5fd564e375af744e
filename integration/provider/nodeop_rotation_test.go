package provider

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// rotating is a provider whose keys a test can change.
type rotating interface {
	Rotate(t testing.TB, drop bool)
}

// rotation is an application at such a provider.
type rotation struct {
	*site
	rotating
	user string
}

// withRotation opens the application of a journey whose provider start starts.
func withRotation[P rotating](t *testing.T, j journey, start func(testing.TB, string, parts.Shape) P, configure func(P) core.Config) *rotation {
	t.Helper()
	var p P
	j.config = func(t *testing.T, publicURL string) core.Config {
		p = start(t, publicURL, parts.Shape{JWT: true})
		return configure(p)
	}
	s := j.open(t)
	return &rotation{s, p, j.user}
}

// login logs a user in with a new browser.
func (r *rotation) login(t *testing.T) core.Token {
	t.Helper()
	return app.JSON[core.Token](t, r.Login(t, app.NewAgent(), r.user, "x"))
}

// is holds what the guard answers against a status.
func (r *rotation) is(t *testing.T, what string, token core.Token, status int) {
	t.Helper()
	if got := r.Get(t, "/me", token.AccessToken); got.Status != status {
		t.Errorf("%s: status %d, want %d", what, got.Status, status)
	}
}

// fetches is how often the keys were fetched, at whichever path this provider has them.
func (r *rotation) fetches() int {
	return r.calls.at("/jwks") + r.calls.at("/keys")
}

// passthroughRotation: each part with an application of its own, since a key that is new may be asked for once in 10 s.
func passthroughRotation(checks *compat.Checks, open func(*testing.T) *rotation) {
	checks.Run("key rotation: new logins at once, older tokens go on", func(t *testing.T) {
		r := open(t)
		old := r.login(t)
		r.is(t, "before", old, http.StatusOK)
		r.Rotate(t, false)
		r.is(t, "signed with the new key", r.login(t), http.StatusOK)
		r.is(t, "signed with the old key", old, http.StatusOK)
		if refreshed := r.Refresh(t, old.RefreshToken); true {
			r.is(t, "after a refresh", refreshed, http.StatusOK)
		}
		if n := r.fetches(); n != 2 {
			t.Errorf("the keys were fetched %d times: at the start, and when a new one was named", n)
		}
	})
	checks.Run("key withdrawn: its tokens are refused from the next fetch on", func(t *testing.T) {
		r := open(t)
		old := r.login(t)
		r.Rotate(t, true)
		r.is(t, "the keys at hand have it still", old, http.StatusOK)
		r.is(t, "signed with the new key", r.login(t), http.StatusOK) // whose ID token names a key that is not at hand
		for range 20 {
			r.is(t, "signed with the withdrawn key", old, http.StatusUnauthorized)
		}
		if n := r.fetches(); n != 2 {
			t.Errorf("the keys were fetched %d times: tokens of an unknown key may cost one fetch in 10 s", n)
		}
	})
}

// brokerRotation: own tokens do not depend on the provider's keys.
func brokerRotation(checks *compat.Checks, open func(*testing.T) *rotation) {
	for what, drop := range map[string]bool{"key rotation: logins and refreshes go on": false, "key withdrawn: logins and refreshes go on": true} {
		checks.Run(what, func(t *testing.T) {
			r := open(t)
			old := r.login(t)
			r.Rotate(t, drop)
			r.is(t, "an own token from before", old, http.StatusOK)
			r.is(t, "after a refresh", r.Refresh(t, old.RefreshToken), http.StatusOK)
			r.is(t, "after a login", r.login(t), http.StatusOK)
			if n := r.fetches(); n != 2 {
				t.Errorf("the keys were fetched %d times: at the start, and when a new one was named", n)
			}
		})
	}
}

func TestNodeProviderRotation(t *testing.T) {
	for _, framework := range []string{"gin", "fiber"} {
		for mode, check := range map[string]func(*compat.Checks, func(*testing.T) *rotation){passthrough: passthroughRotation, brokered: brokerRotation} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				t.Parallel()
				shape := parts.Shape{JWT: true}
				check(compat.New(t, "node-oidc-provider", parts.NodeVersion, framework, mode), func(t *testing.T) *rotation {
					t.Helper()
					return withRotation(t, nodeClient(framework, mode, "web", shape), parts.NewNodeProvider,
						func(p *parts.NodeProvider) core.Config { return nodeConfig(p, "web", shape) })
				})
			})
		}
	}
}
