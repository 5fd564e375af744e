package main

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// soon is the two seconds in which an end reaches every instance, and room for a slow machine.
const soon = 5 * time.Second

// follow opens the stream of a session, and returns the channel of its events; it is closed with the stream.
func (b *browser) follow(service string) <-chan string {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+service+"/events", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		b.t.Fatalf("the stream: %d %s", answer.StatusCode, kind)
	}
	events := make(chan string, 10)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
				events <- name
			}
		}
	}()
	wantEvent(b.t, events, "open")
	return events
}

func wantEvent(t *testing.T, events <-chan string, want string) {
	t.Helper()
	select {
	case got := <-events:
		if got != want {
			t.Fatalf("the stream says %q, not %q", got, want)
		}
	case <-time.After(soon):
		t.Fatalf("the stream does not say %q", want)
	}
}

// A session that is ended in the list of one service ends at the other one: its stream says so, and its guards.
func TestBothServicesNotice(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		d.provider.AddUser(oidctest.User{Name: "dora", Claims: oidctest.Claims{"preferred_username": "dora"}}) // nobody else is logged in as dora
		b := newBrowser(t, d)
		shop, office := b.login("/shop", "dora"), b.login("/office", "dora")
		atShop, atOffice := b.follow("/shop"), b.follow("/office")
		list := readAs[struct{ Sessions []struct{ ID string } }](t, b.get("/shop/auth/v2/sessions")).Sessions
		if len(list) != 2 || list[0].ID != office.Session || list[1].ID != shop.Session {
			t.Fatalf("the list of sessions: %v", list)
		}
		if ended := b.send(http.MethodDelete, "/shop/auth/v2/sessions?"+url.Values{"id": {office.Session}}.Encode(), ""); ended.status != http.StatusNoContent {
			t.Fatalf("end: %d %s", ended.status, ended.body)
		}
		wantEvent(t, atOffice, "ended")
		if answer := b.get("/office/me"); answer.status != http.StatusUnauthorized || b.who("/shop") == nil {
			t.Errorf("the office after the end: %d", answer.status)
		}
		if ended := b.send(http.MethodDelete, "/shop/auth/v2/sessions?all=true", ""); ended.status != http.StatusNoContent {
			t.Fatalf("end all: %d %s", ended.status, ended.body)
		}
		wantEvent(t, atShop, "ended")
	})
}

// The demo ends at once while streams are open, and the streams do not say that the session has ended.
func TestOpenStreamsDoNotHoldUpTheEnd(t *testing.T) {
	onEveryAlone(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		b.login("/shop", "bob")
		events, begun := b.follow("/shop"), time.Now()
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took >= patience {
			t.Errorf("the demo took %s to end", took)
		}
		if event, open := <-events; open {
			t.Errorf("the stream says %q", event)
		}
	})
}
