package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Clients run whole refreshes, each with the token of the previous one, and write the same rows through the store and directly;
// the store can read rows that were added directly.
func TestRefreshes(t *testing.T) {
	for _, p := range places(t.TempDir())[:2] { // databases that need no server
		t.Run(p.name, func(t *testing.T) {
			w := newTestWorld(t, p)
			for i, task := range tasks {
				if !w.does(i) {
					continue
				}
				for range 5 {
					if task.prepare != nil {
						if err := task.prepare(w, t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					if err := task.do(w.clients[0], t.Context()); err != nil {
						t.Errorf("task %d: %v", i, err)
					}
				}
			}
			testTokenChanges(t, w.clients[0])
			testWrites(t, w.clients[0])
			testRows(t, w)
			testPeople(t, w)
		})
	}
}

func newTestWorld(t *testing.T, p place) *world {
	url, err := p.started(t.Context())
	if err != nil {
		t.Skip(err)
	}
	w, err := newWorld(t.Context(), p, url, effort{quick: true}, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	return w
}

func testTokenChanges(t *testing.T, c *client) {
	seen := map[string]bool{}
	for range 3 * len(c.tokens) {
		if err := c.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen[c.tokens[c.next].RefreshToken] = true
	}
	if len(seen) != 3*len(c.tokens) {
		t.Errorf("%d refreshes brought %d tokens", 3*len(c.tokens), len(seen))
	}
}

// The store sees a direct write, and the write depends on the version.
func testWrites(t *testing.T, c *client) {
	for name, do := range map[string]func(*client, context.Context) error{"swap": (*client).swap, "write": (*client).write, "least": (*client).least} {
		if err := do(c, t.Context()); err != nil {
			t.Fatal(err)
		}
		row := c.rows[c.next]
		stored, err := c.store.Session(t.Context(), row.ID, time.Now())
		if err != nil || stored.Version != row.Version || !stored.Expires.Equal(row.Expires) || !bytes.Equal(stored.Answer, row.Answer) {
			t.Errorf("%s: version %d is stored as %d, %v", name, row.Version, stored.Version, err)
		}
		row.Version--
		if c.bare.write(t.Context(), row) == nil {
			t.Errorf("after %s, a row of another version was written", name)
		}
	}
}

func testRows(t *testing.T, w *world) {
	like := w.clients[0].rows[0]
	if size, err := w.bare.seed(t.Context(), like, 5*batch); err != nil || size.length < float64(len(like.Data)) || size.stored < size.length {
		t.Errorf("rows are stored as %+v, %v", size, err)
	}
	rows := spreadOut(short(like), 2, 5)
	if err := w.bare.add(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for _, row := range rows {
		kinds[row.Kind]++
		stored, err := w.store.Session(t.Context(), row.ID, time.Now())
		if err != nil || toJSON(emptied(stored)) != toJSON(emptied(row)) {
			t.Fatalf("a row that was added is read as %+v, %v; want %+v", stored, err, row)
		}
		for _, of := range []store.Selection{{Owner: row.Owner}, {ProviderSession: row.ProviderSession}} {
			list, err := w.store.SessionsOf(t.Context(), of, time.Now(), 1000)
			if listed := slices.ContainsFunc(list, func(s store.Session) bool { return s.ID == row.ID }); err != nil || listed != (row.Kind != store.KindOnce) {
				t.Errorf("a row of kind %s is in a list: %v, %v", row.Kind, listed, err)
			}
		}
	}
	if kinds[store.KindBrowser] == 0 || kinds[store.KindToken] == 0 {
		t.Errorf("kinds: %v", kinds)
	}
}

// emptied returns a row without the differences that do not count.
func emptied(row store.Session) store.Session {
	for _, value := range []*[]byte{&row.Current, &row.Last, &row.Data, &row.Answer, &row.Owner, &row.ProviderSession, &row.Note} {
		*value = blob(*value)
	}
	for _, at := range []*time.Time{&row.Rotated, &row.Lease, &row.Expires, &row.Started, &row.Seen, &row.Idle, &row.LastExpiry} {
		*at = at.UTC()
	}
	return row
}

// Each client has people, whose sessions are there before their end and not after it.
func testPeople(t *testing.T, w *world) {
	if err := w.welcome(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.clients {
		if len(c.known) != batch/personSessions/workers || len(c.guests) < w.people {
			t.Errorf("a client has %d people to list and %d to end", len(c.known), len(c.guests))
		}
	}
	c := w.clients[1]
	ofLast := store.Selection{Owner: ownerOf(c.guests[len(c.guests)-1])}
	before, err := w.store.SessionsOf(t.Context(), ofLast, time.Now(), 1000)
	if err != nil || len(before) != personSessions {
		t.Errorf("%d sessions before the end, %v", len(before), err)
	}
	if err := c.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, err := w.store.SessionsOf(t.Context(), ofLast, time.Now(), 1000); err != nil || len(after) > 0 {
		t.Errorf("%d sessions after the end, %v", len(after), err)
	}
	c.guests = nil
	if err := c.end(t.Context()); !errors.Is(err, errDone) {
		t.Errorf("with nobody left: %v", err)
	}
	if _, err := together(t.Context(), []*client{c}, (*client).end, time.Minute); err != nil {
		t.Errorf("a client with nobody left: %v", err)
	}
}
