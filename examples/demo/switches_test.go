package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// until asks a route until it answers with a status.
func (b *browser) until(path string, want int) {
	b.t.Helper()
	got := 0
	for end := time.Now().Add(2 * soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = b.get(path).status; got == want {
			return
		}
	}
	b.t.Fatalf("%s goes on answering %d, not %d", path, got, want)
}

// turn operates a switch and returns what the page says of it.
func (b *browser) turn(name, on string) string {
	b.t.Helper()
	answer := b.control("switch", "name", name, "on", on, "service", "/shop")
	if answer.status != http.StatusOK {
		b.t.Fatalf("switch %s: %d %s", name, answer.status, answer.body)
	}
	return readAs[struct{ Said string }](b.t, answer).Said
}

func newSwitchTest(t *testing.T) (*demo, *browser) {
	t.Helper()
	t.Parallel()
	d := newDemo(t, anywhere(t, "nethttp"))
	b := newBrowser(t, d)
	b.login("/shop", "alice")
	b.login("/office", "alice")
	return d, b
}

// With the provider down, sessions go on, and nobody can log in; with it up again, everything works.
func TestProviderDown(t *testing.T) {
	d, b := newSwitchTest(t)
	b.turn("down", "true")
	if mine, admins := b.get("/shop/me").status, b.get("/office/admin").status; mine != http.StatusOK || admins != http.StatusOK {
		t.Errorf("sessions while the provider is down: %d, %d", mine, admins)
	}
	if page := newBrowser(t, d).get("/shop/auth/v2/login"); page.status != http.StatusServiceUnavailable || !strings.Contains(page.body, "The provider is down") {
		t.Errorf("a login while the provider is down: %d %s", page.status, page.body)
	}
	if answer := b.control("device", "on", "true"); answer.status != http.StatusConflict || !strings.Contains(answer.body, "Shop answers 502") {
		t.Errorf("a device while the provider is down: %d %s", answer.status, answer.body)
	}
	if state := b.get("/demo/state").body; !strings.Contains(state, `"down":true`) || !strings.Contains(state, `"part":"down"`) {
		t.Errorf("the page does not learn of it: %s", state)
	}
	b.turn("down", "false")
	newBrowser(t, d).login("/office", "carol")
}

// A demotion takes effect at both services, without a login.
func TestDemotion(t *testing.T) {
	_, b := newSwitchTest(t)
	b.turn("demote", "true")
	for _, path := range []string{"/shop/admin", "/office/admin"} {
		b.until(path, http.StatusForbidden)
	}
	b.turn("demote", "false")
	b.until("/shop/admin", http.StatusOK)
}

// A stolen refresh token ends the session from which it was stolen, and does not help the thief.
func TestStolenRefreshToken(t *testing.T) {
	_, b := newSwitchTest(t)
	events := b.follow("/shop")
	b.turn("steal", "true")
	b.until("/shop/me", http.StatusUnauthorized)
	wantEvent(t, events, "ended")
	if said := b.turn("again", "true"); !strings.Contains(said, "does not work either: the provider says invalid_grant") {
		t.Errorf("the thief: %s", said)
	}
	if nobody := b.control("switch", "name", "steal", "on", "true", "service", "/shop"); nobody.status != http.StatusConflict {
		t.Errorf("a theft without a session: %d %s", nobody.status, nobody.body)
	}
}

// Both services take tokens of a new key at once, and sessions go on.
func TestRotatedKey(t *testing.T) {
	_, b := newSwitchTest(t)
	said := b.turn("rotate", "true")
	keys := regexp.MustCompile(`signs with key (\w+), no longer with (\w+)\.`).FindStringSubmatch(said)
	if keys == nil || keys[1] == keys[2] || strings.Count(said, "and takes its tokens") != 2 {
		t.Error(said)
	}
	if state := b.get("/demo/state").body; !strings.Contains(state, `"kind":"fetch","part":"keys","outcome":"ok"`) {
		t.Errorf("no fetch of keys among the events: %s", state)
	}
	if answer := b.get("/shop/me"); answer.status != http.StatusOK {
		t.Errorf("a session after the rotation: %d", answer.status)
	}
}

// Logout tokens for one service end the sessions at both.
func TestLogoutEverywhere(t *testing.T) {
	_, b := newSwitchTest(t)
	atShop, atOffice := b.follow("/shop"), b.follow("/office")
	b.turn("end", "true")
	wantEvent(t, atShop, "ended")
	wantEvent(t, atOffice, "ended")
}

func TestUnknownSwitch(t *testing.T) {
	b := newBrowser(t, newDemo(t, anywhere(t, "nethttp")))
	for _, name := range []string{"", "up", "end", "steal"} { // the last two need somebody who is logged in
		if answer := b.control("switch", "name", name, "on", "true"); answer.status != http.StatusConflict || !strings.Contains(answer.body, "said") {
			t.Errorf("switch %q: %d %s", name, answer.status, answer.body)
		}
	}
}
