package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// restart stops a demo and starts it again on the same ports and data, as a user does with Ctrl-C and make demo. The
// connections of the browsers are closed.
func restart(t *testing.T, d *demo, o options, browsers ...*browser) *demo {
	t.Helper()
	o.addr, o.provider = strings.TrimPrefix(d.apps[0].base, "http://"), strings.TrimPrefix(d.provider.Issuer(), "http://")
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	again := newDemo(t, o)
	if again.apps[0].base != d.apps[0].base || again.provider.Issuer() != d.provider.Issuer() {
		t.Skip("another process has taken a port meanwhile")
	}
	for _, b := range browsers {
		b.http.CloseIdleConnections()
	}
	return again
}

// The signing keys, the session, the provider's login and the page's cookie survive a restart.
func TestSessionsSurviveARestart(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		login := b.login("alice")
		first := readAs[core.Token](t, b.post("/api/auth/v2/token", url.Values{"refresh_token": {login.Token.RefreshToken}}))
		b.keep(first)
		other := newBrowser(t, d) // its page stays open, and never asks in between
		bobs := other.login("bob")

		d = restart(t, d, options{framework: d.framework, data: d.data, peers: 1}, b, other)
		if answer := b.get("/api/me", "Authorization", "Bearer "+first.AccessToken); answer.status != http.StatusOK {
			t.Errorf("an access token from before: %d %s", answer.status, answer.body)
		}
		resumed := b.session()
		if resumed.Token == nil || resumed.Caller.Username != "alice" || resumed.Token.RefreshToken == first.RefreshToken {
			t.Fatalf("a reload of the page after the restart: %+v", resumed.Caller)
		}
		answer := other.post("/api/auth/v2/token", url.Values{"refresh_token": {bobs.Token.RefreshToken}})
		if next := readAs[core.Token](t, answer); answer.status != http.StatusOK || next.RefreshToken == bobs.Token.RefreshToken {
			t.Fatalf("a refresh token from before: %d %s", answer.status, answer.body)
		}

		restart(t, d, options{framework: d.framework, data: d.data, peers: 1}, b)
		answer = b.post("/api/auth/v2/token", url.Values{"refresh_token": {login.Token.RefreshToken}})
		if answer.status != http.StatusUnauthorized || b.session().Token != nil {
			t.Errorf("a token that was spent before the first restart ends its session: %d", answer.status)
		}
	})
}

// A demo with another folder has no sessions.
func TestWithoutItsDataNothingSurvives(t *testing.T) {
	d := newDemo(t, anywhere(t, "chi"))
	b := newBrowser(t, d)
	login := b.login("alice")
	restart(t, d, options{framework: "chi", data: t.TempDir(), peers: 1}, b)
	answer := b.post("/api/auth/v2/token", url.Values{"refresh_token": {login.Token.RefreshToken}})
	if answer.status != http.StatusUnauthorized || b.session().Token != nil {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}
