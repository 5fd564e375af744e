package session

import (
	"context"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Person identifies a person at the provider.
type Person struct{ Issuer, Subject string }

// Person returns the owner of the session.
func (s *Seat) Person() Person {
	return Person{s.Token.Text("idp_iss"), s.Token.Text("idp_sub")}
}

// Info is one session of a person's list.
type Info struct {
	ID, Agent              string
	Started, Seen, Expires time.Time
}

// loginLife is longer than the maximum duration of a login.
const loginLife = 11 * time.Minute

// maxList is the maximum length of a list, and the number of sessions that are ended in one step.
const maxList = 1000

// List returns the browser sessions of a person, newest first.
func (v *Vault) List(ctx context.Context, of Person) ([]Info, error) {
	rows, err := v.rows(ctx, store.Selection{Owner: OwnerOf(of.Issuer, of.Subject)}, time.Now())
	if err != nil {
		return nil, err
	}
	open := v.opened()
	var list []Info
	for _, row := range rows {
		if row.Kind == store.KindBrowser {
			list = append(list, Info{ID: row.ID, Agent: string(open.families.Note(row)), Started: row.Started, Seen: row.Seen, Expires: row.Expires})
		}
	}
	return list, nil
}

func (v *Vault) rows(ctx context.Context, of store.Selection, now time.Time) ([]store.Session, error) {
	if _, err := v.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := v.cfg.Store.SessionsOf(ctx, of, stored.Time(now), maxList)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	return rows, nil
}

// EndOne ends the session with this ID.
func (v *Vault) EndOne(ctx context.Context, id string) error {
	_, err := v.leave(ctx, id, time.Now())
	return err
}

// EndAll ends all sessions of a selection that began before now, and logins in progress. It adds the name of the selection to the
// revocation list first, and then ends each row. It may be repeated.
func (v *Vault) EndAll(ctx context.Context, of store.Selection) (ended int, err error) {
	if _, err := v.ready(ctx); err != nil {
		return 0, err
	}
	name := endName(append(append([]byte(nil), of.Owner...), of.ProviderSession...))
	if name == "" {
		return 0, nil
	}
	now := stored.Time(time.Now())
	until := now.Add(max(v.endedLife(), loginLife))
	v.feed.Add(name, until)
	if err := v.cfg.Store.Revoke(ctx, name, 0, now, stored.Time(until)); err != nil {
		return 0, fault.Down(fault.Store, err)
	}
	// The idle end of a row may just have passed while the Touch of an earlier request is still on its way: that would bring it back.
	recent := now.Add(-v.cfg.Timeout - leaseMargin - clocks.Skew)
	for {
		rows, err := v.rows(ctx, of, recent)
		if err != nil {
			return ended, err
		}
		rows = slices.DeleteFunc(rows, func(row store.Session) bool { return row.Started.After(now.Add(clocks.Skew)) }) // logged in again
		if len(rows) == 0 {
			return ended, nil
		}
		for _, row := range rows {
			if _, err := v.leave(ctx, row.ID, row.LastExpiry); err != nil {
				return ended, err
			}
			ended++
		}
	}
}

// endedLife is how long a revocation must stay in the list: as long as an older token is valid, or an older seat is used.
func (v *Vault) endedLife() time.Duration {
	if !v.cfg.Browsers {
		return v.tokenLife()
	}
	return max(v.tokenLife(), readLimit+2*v.cfg.Leeway)
}
