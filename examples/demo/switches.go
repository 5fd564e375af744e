package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// switches is what somebody has done to the provider. Safe for concurrent use; the zero value is a provider in order.
type switches struct {
	mu      sync.Mutex
	Down    bool `json:"down"`
	Demoted bool `json:"demoted"`
}

func (s *switches) now() (down, demoted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Down, s.Demoted
}

// errNobody is the answer to a switch that needs somebody who is logged in.
var errNobody = errors.New("nobody is logged in here: log in first")

// turn operates a switch for the person who is logged in at a service, and returns what has happened at the provider.
func (d *demo) turn(r *http.Request, name string, on bool, at *service, s *switches) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, person := at.person(r)
	said, err := "", error(nil)
	switch name {
	case "down":
		s.Down = on
		said = d.breakDown(on)
	case "demote":
		s.Demoted = on
		said = d.demote(on)
	case "rotate":
		said, err = d.rotate(ctx)
	case "steal":
		said, err = d.steal(ctx, at, person)
	case "again":
		said = "The thief’s own refresh token still works."
		if refused := d.thief.again(ctx); refused != nil {
			said = "The thief’s own refresh token does not work either: " + refused.Error() + "."
		}
	case "end":
		said, err = d.endAtProvider(ctx, person)
	default:
		err = fmt.Errorf("there is no switch %q", name)
	}
	if err == nil {
		d.strip.add("Provider", core.Event{Kind: "switch", Part: name, Outcome: map[bool]string{true: "on", false: "off"}[on]})
	}
	return said, err
}

// closedPage is what people see at a provider that is down.
const closedPage = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Down</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto 0;padding:0 1.5rem}</style>
<h1>The provider is down</h1><p>You have switched it off on the page of the demo. Go back, and switch it on again.</p></html>`

func (d *demo) breakDown(on bool) string {
	if !on {
		d.provider.Heal()
		return "The provider answers again."
	}
	for _, endpoint := range []oidctest.Endpoint{
		oidctest.Discovery, oidctest.JWKS, oidctest.Token, oidctest.UserInfo, oidctest.Device, oidctest.Introspection, oidctest.Revocation,
	} {
		d.provider.Fault(endpoint, oidctest.Refused())
	}
	for _, endpoint := range []oidctest.Endpoint{oidctest.Authorization, oidctest.DevicePage, oidctest.EndSession} {
		d.provider.Fault(endpoint, oidctest.Reply(http.StatusServiceUnavailable, "text/html; charset=utf-8", closedPage))
	}
	return "The provider cuts every connection. Sessions go on with what it said last; nobody can log in."
}

func (d *demo) demote(on bool) string {
	if on {
		d.provider.AddUser(alice("user"))
		return "alice has lost the role admin. The services ask the provider when their claims are " + freshAfter.String() + " old."
	}
	d.provider.AddUser(alice(adminRole, "user"))
	return "alice has the role admin again."
}

// rotate makes a new key, and shows each service a token that is signed with it.
func (d *demo) rotate(ctx context.Context) (string, error) {
	before := keyOf(d.provider.AccessToken("alice"))
	if err := d.provider.RotateKey(""); err != nil {
		return "", err
	}
	token := d.provider.AccessToken("alice")
	said := fmt.Sprintf("The provider signs with key %.8s, no longer with %.8s.", keyOf(token), before)
	for _, s := range d.services {
		if seen := s.auth.Inspect(ctx, token); seen.Accepted {
			said += " " + s.Name + " did not know it, fetched the keys, and takes its tokens."
		} else {
			said += " " + s.Name + " refuses a token of it: " + seen.Reason + "."
		}
	}
	return said, nil
}

func (d *demo) steal(ctx context.Context, at *service, person *core.IDToken) (string, error) {
	if person.IsGuest() {
		return "", errNobody
	}
	access, err := settled(ctx, at)
	if err != nil {
		return "", err
	}
	if err := d.thief.steal(ctx, access); err != nil {
		return "", err
	}
	return "A thief has spent the refresh token of " + person.Username() + "’s session at " + at.Name + ", and has new tokens. The provider notices when the service spends its own.", nil
}

// settled returns the access token of the session when it stays the same: this request may have made the service ask the provider again,
// and a thief who comes second is the one who is noticed.
func settled(ctx context.Context, at *service) (string, error) {
	const glance, glances = 200 * time.Millisecond, 10
	last := ""
	for range glances {
		access, err := at.auth.AccessToken(ctx)
		if err != nil || access == last {
			return access, err
		}
		last = access
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return last, nil
}

// endAtProvider is what an administrator does: log somebody out everywhere.
func (d *demo) endAtProvider(ctx context.Context, person *core.IDToken) (string, error) {
	if person.IsGuest() {
		return "", errNobody
	}
	_, subject := person.Person()
	if err := d.provider.EndSessions(ctx, subject); err != nil {
		return "", err
	}
	return "The provider has ended all logins of " + person.Username() + " and sent logout tokens to " + d.services[0].Name + ".", nil
}
