package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// jwt finds a signed token in any text.
var jwt = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}`)

// No answer to a browser holds a token, whatever it does. The one exception is the ID token in the address of the provider's logout,
// which the standard asks for.
func TestNoTokenInAnyAnswer(t *testing.T) {
	onEveryAlone(t, func(t *testing.T, d *demo) {
		b, person := newBrowser(t, d), newBrowser(t, d)
		b.get("/")
		b.login("/shop", "alice")
		b.login("/office", "alice")
		for _, path := range []string{"/", "/shop/me", "/shop/feed", "/shop/admin", "/office/feed", "/shop/auth/v2/session", "/shop/auth/v2/sessions", "/shop/auth/v2/userinfo"} {
			b.get(path)
		}
		b.post("/shop/orders", nil)
		for _, sample := range append([]sample{{Name: "session"}}, samples...) {
			b.control("inspect", "token", sample.Name, "service", "/shop")
		}
		b.control("curl", "service", "/shop")
		b.control("device", "on", "true")
		person.press(person.get(b.shows("waiting").Link), "user", "carol")
		b.shows("in")
		for _, name := range []string{"rotate", "demote", "steal", "again", "end", "down"} {
			b.control("switch", "name", name, "on", "true", "service", "/shop")
		}
		b.control("switch", "name", "down", "on", "false")
		b.get("/demo/state")
		b.login("/shop", "alice") // at a provider that may know the browser still
		b.send(http.MethodPost, "/shop/auth/v2/logout", "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin")

		d.thief.mu.Lock()
		defer d.thief.mu.Unlock()
		if len(b.seen.answers) < 40 || len(d.thief.loot) < 4 {
			t.Errorf("only %d answers were read, only %d tokens issued", len(b.seen.answers), len(d.thief.loot))
		}
		for _, answer := range b.seen.answers {
			for name, values := range answer.header {
				for _, value := range values {
					if name == "Location" && strings.HasPrefix(value, d.provider.Issuer()+"/logout?") {
						continue
					}
					d.holdsNoToken(t, answer, name+": "+value)
				}
			}
			d.holdsNoToken(t, answer, answer.body)
		}
	})
}

// holdsNoToken reports a text with a signed token, or with a refresh token that the provider has issued. The caller holds the thief's mu.
func (d *demo) holdsNoToken(t *testing.T, answer seen, text string) {
	t.Helper()
	if found := jwt.FindString(text); found != "" {
		t.Errorf("%s answers with the token %.30s…", answer.url, found)
	}
	for _, refresh := range d.thief.loot {
		if strings.Contains(text, refresh) {
			t.Errorf("%s answers with a refresh token", answer.url)
		}
	}
}
