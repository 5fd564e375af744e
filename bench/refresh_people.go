package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// personSessions is how many sessions a person has that are listed and ended.
const personSessions = 5

// newPeople adds people with their sessions, a batch of rows, and returns their subjects. A person's sessions are not neighbours.
func (w *world) newPeople(ctx context.Context) ([]string, error) {
	subjects := make([]string, batch/personSessions)
	for i := range subjects {
		subjects[i] = encode(random(27))
	}
	rows := spreadOut(short(w.clients[0].rows[0]), 0, 1)
	for i := range rows {
		if rows[i].Kind == store.KindOnce {
			rows[i].Kind = store.KindBrowser
		}
		subject := subjects[i%len(subjects)]
		rows[i].Subject, rows[i].Owner, rows[i].ProviderSession = issuer+" "+subject, ownerOf(subject), random(32)
	}
	return subjects, w.bare.add(ctx, rows)
}

// meet tells the clients whose sessions they list.
func (w *world) meet(ctx context.Context) error {
	subjects, err := w.newPeople(ctx)
	for i, subject := range subjects {
		c := w.clients[i%len(w.clients)]
		c.known = append(c.known, subject)
	}
	return err
}

// welcome adds people until each client has enough whose sessions it can end.
func (w *world) welcome(ctx context.Context) error {
	byGuests := func(a, b *client) int { return cmp.Compare(len(a.guests), len(b.guests)) }
	for len(slices.MinFunc(w.clients, byGuests).guests) < w.people {
		subjects, err := w.newPeople(ctx)
		if err != nil {
			return err
		}
		for _, subject := range subjects {
			c := slices.MinFunc(w.clients, byGuests)
			c.guests = append(c.guests, subject)
		}
	}
	return nil
}

func (c *client) lookup(ctx context.Context) error {
	_, err := c.store.Session(ctx, c.rows[c.turn()].ID, time.Now())
	return err
}

var errOthers = errors.New("a person has another number of sessions")

func (c *client) list(ctx context.Context) error {
	subject := c.known[c.turn()%len(c.known)]
	found, err := c.store.SessionsOf(ctx, store.Selection{Owner: ownerOf(subject)}, time.Now(), 1000)
	if err == nil && len(found) != personSessions {
		err = errOthers
	}
	return err
}

func (c *client) bareList(ctx context.Context) error {
	found, err := c.bare.list(ctx, ownerOf(c.known[c.turn()%len(c.known)]))
	if err == nil && found != personSessions {
		err = errOthers
	}
	return err
}

// end ends all sessions of a person through core: a name in the revocation list, the list of the sessions, and for each of them a read
// and a revocation.
func (c *client) end(ctx context.Context) error {
	last := len(c.guests) - 1
	if last < 0 {
		return errDone
	}
	subject := c.guests[last]
	c.guests = c.guests[:last]
	ended, err := c.service.auth.EndSessions(ctx, issuer, subject)
	if err == nil && ended != personSessions {
		err = errOthers
	}
	return err
}
