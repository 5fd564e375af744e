package main

import (
	"strings"
	"testing"
)

// restart stops a demo and starts it again on the same ports, as a user does with Ctrl-C and make demo. The connections of the
// browsers are closed.
func restart(t *testing.T, d *demo, data string, browsers ...*browser) *demo {
	t.Helper()
	o := anywhere(t, d.framework)
	o.addr, o.provider, o.data = strings.TrimPrefix(d.base, "http://"), strings.TrimPrefix(d.provider.Issuer(), "http://"), data
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	again := newDemo(t, o)
	if again.base != d.base || again.provider.Issuer() != d.provider.Issuer() {
		t.Skip("another process has taken a port meanwhile")
	}
	for _, b := range browsers {
		b.http.CloseIdleConnections()
		b.seen.RoundTripper.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	}
	return again
}

// Sessions at both services, and the logins at the provider that refresh them, survive a restart.
func TestSessionsSurviveARestart(t *testing.T) {
	onEveryAlone(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		shop, office := b.login("/shop", "alice"), b.login("/office", "alice")
		restart(t, d, d.data, b)
		if who := b.who("/shop"); who == nil || who.Session != shop.Session {
			t.Errorf("the session at the shop after the restart: %+v", who)
		}
		if who := b.who("/office"); who == nil || who.Session != office.Session {
			t.Errorf("the session at the office after the restart: %+v", who)
		}
		b.turn("demote", "true") // which the services learn with a refresh token from before
		b.until("/shop/admin", 403)
	})
}

// A demo with another folder has no sessions.
func TestWithoutItsDataNothingSurvives(t *testing.T) {
	d := newDemo(t, anywhere(t, "chi"))
	b := newBrowser(t, d)
	b.login("/shop", "alice")
	restart(t, d, t.TempDir(), b)
	if who := b.who("/shop"); who != nil {
		t.Errorf("%+v", who)
	}
}
