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

// Session is the session of a browser, see [SessionFrom]. It is read-only and safe for concurrent use. A nil Session means that there is
// none; its methods return zero values. Printing or logging a Session shows only its ID.
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

// ID returns the identifier of the session, as in [Auth.SessionsOf] and for [Auth.EndSession]. It is not a secret: nobody can log in with it.
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

// Expires returns when the session ends at the latest: at the login plus SessionConfig.Lifetime.
func (s *Session) Expires() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.seat.Expires
}

// IdleExpires returns when the session ends if no further request comes (SessionConfig.IdleTimeout), as far as this process knows: requests
// on other instances may have extended it.
func (s *Session) IdleExpires() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.seat.IdleExpires()
}

// Provider returns the issuer URL of the provider at which the person logged in.
func (s *Session) Provider() string {
	if s == nil {
		return ""
	}
	return s.seat.Provider
}

// LogValue returns the ID, for package log/slog.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.ID()) }

// Format writes "Session(" and the ID and ")", for every verb of package fmt.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Session(%s)", s.ID()) }

// caller returns the person who is logged in.
func (s *Session) caller() *IDToken { return idTokenOf(s.seat.Token) }

// SessionFrom returns the browser session of a request that a guard admitted, from the request's context. It returns nil for a bearer token,
// for a guest, and if no guard ran before.
func SessionFrom(ctx context.Context) *Session {
	if found, ok := ctx.Value(callerKey{}).(*admitted); ok {
		return found.session
	}
	return nil
}

// SessionCookie returns the name of the cookie that has a browser's session, "" without Config.Sessions. It is for descriptions of an API and
// for proxies; a handler reads the session with [SessionFrom].
func (a *Auth) SessionCookie() string {
	if a.cfg.Sessions == nil {
		return ""
	}
	return a.cfg.Sessions.CookieName
}

// SessionInfo is one entry of the list that [Auth.SessionsOf] returns.
type SessionInfo struct {
	ID      string    // for [Auth.EndSession]
	Agent   string    // header User-Agent of the browser at the login, at most 256 bytes
	Started time.Time // when the person logged in
	Seen    time.Time // the last request, accurate to 1/20 of SessionConfig.IdleTimeout
	Expires time.Time // when the session ends at the latest
	Current bool      // true for the session of the request whose context SessionsOf got
}

var errNoSessions = errors.New("core: there are no sessions without Config.Sessions or Config.Broker")

// SessionsOf returns the browser sessions of a person that have not ended, newest first, at most 1,000. issuer and subject identify the
// person at the provider, see [IDToken.Person]. It returns an error if the store fails, and without Config.Sessions and Config.Broker. Safe
// for concurrent use.
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

// EndSession ends one session on every instance within two seconds, and revokes its refresh token at the provider (RFC 7009). id is that of a
// browser session, or the claim sid of a token that this service issued (Config.Broker). An unknown id is no error. If the store fails,
// EndSession returns its error; the session has then ended on this instance only, which retries. It also returns an error without
// Config.Sessions and Config.Broker. Safe for concurrent use.
func (a *Auth) EndSession(ctx context.Context, id string) error {
	if a.vault == nil {
		return errNoSessions
	}
	return a.vault.EndOne(ctx, id)
}

// EndSessions ends all sessions of a person: browser sessions, tokens and refresh tokens that this service issued, exchanged tokens, and
// logins in progress. issuer and subject identify the person at the provider, see [IDToken.Person]. It returns the number of ended sessions.
// If the store fails, it returns its error; call it again then. It also returns an error without Config.Sessions and Config.Broker. Safe for
// concurrent use.
func (a *Auth) EndSessions(ctx context.Context, issuer, subject string) (int, error) {
	if a.vault == nil {
		return 0, errNoSessions
	}
	return a.vault.EndAll(ctx, store.Selection{Owner: session.OwnerOf(issuer, subject)})
}
