package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Session is the session of a browser. It is read-only, and concurrent requests may share it. nil means no session; every method of nil
// returns a zero value. Printing or logging a Session shows only its ID.
type Session struct {
	seat *session.Seat
}

// newSeat makes an empty seat and its Session in one allocation.
func newSeat() *session.Seat {
	both := new(struct {
		public Session
		seat   session.Seat
	})
	both.public.seat, both.seat.Owner = &both.seat, &both.public
	return &both.seat
}

func sessionOf(seat *session.Seat) *Session {
	public, _ := seat.Owner.(*Session) // newSeat made both
	return public
}

// ID identifies the session in lists and for [Auth.EndSession]. It is not a secret and no credential.
func (s *Session) ID() string {
	if s == nil {
		return ""
	}
	return s.seat.ID
}

// Started returns when the person logged in.
func (s *Session) Started() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.seat.Started
}

// Expires returns the absolute end of the session (Lifetime).
func (s *Session) Expires() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.seat.Expires
}

// IdleExpires returns when the session ends without further requests (IdleTimeout), as known to this process; requests on other
// instances may have extended it.
func (s *Session) IdleExpires() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.seat.IdleExpires()
}

// Provider returns the issuer at which the person logged in.
func (s *Session) Provider() string {
	if s == nil {
		return ""
	}
	return s.seat.Provider
}

// LogValue returns the ID.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.ID()) }

// Format writes the ID for every verb.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Session(%s)", s.ID()) }

// caller returns the person who is logged in.
func (s *Session) caller() *IDToken { return idTokenOf(s.seat.Token) }

// SessionFrom returns the session of an admitted request from its context: nil for a bearer token, for a guest, and without a guard.
func SessionFrom(ctx context.Context) *Session {
	if found, ok := ctx.Value(callerKey{}).(*admitted); ok {
		return found.session
	}
	return nil
}

// SessionInfo is one session of a person's list.
type SessionInfo struct {
	ID      string // for [Auth.EndSession]
	Agent   string // User-Agent at the login, at most 256 bytes
	Started time.Time
	Seen    time.Time // last request, accurate to 1/20 of IdleTimeout
	Expires time.Time
	Current bool // it is the session of the context
}

var errNoSessions = errors.New("core: there are no sessions without Config.Sessions or Config.Broker")

// SessionsOf returns the browser sessions of a person, newest first, at most 1,000. issuer and subject are the provider's, see
// [IDToken.Person]. It returns the error of the store.
func (a *Auth) SessionsOf(ctx context.Context, issuer, subject string) ([]SessionInfo, error) {
	if a.vault == nil {
		return nil, errNoSessions
	}
	found, err := a.vault.List(ctx, session.Person{Issuer: issuer, Subject: subject})
	if err != nil {
		return nil, err
	}
	current, list := SessionFrom(ctx).ID(), make([]SessionInfo, len(found))
	for i, info := range found {
		list[i] = SessionInfo{ID: info.ID, Agent: info.Agent, Started: info.Started, Seen: info.Seen, Expires: info.Expires, Current: info.ID == current}
	}
	return list, nil
}

// EndSession ends a browser session, or the session of an own token (its claim sid), on every instance within two seconds, and revokes
// its refresh token at the provider. An unknown ID is no error. If the store fails, EndSession returns its error: the session has then
// ended on this instance, which retries.
func (a *Auth) EndSession(ctx context.Context, id string) error {
	if a.vault == nil {
		return errNoSessions
	}
	return a.vault.EndOne(ctx, id)
}

// EndSessions ends everything of a person: browser sessions, own tokens and refresh tokens, exchanged tokens, and logins in progress.
// issuer and subject are the provider's, see [IDToken.Person]. It returns the number of ended sessions and the error of the store, after
// which it may be called again.
func (a *Auth) EndSessions(ctx context.Context, issuer, subject string) (int, error) {
	if a.vault == nil {
		return 0, errNoSessions
	}
	return a.vault.EndAll(ctx, store.Selection{Owner: session.OwnerOf(issuer, subject)})
}
