// Package session turns a login at the provider into tokens or a session for the client. [Sessions] has two implementations, chosen at
// the start: [Passthrough] gives the provider's tokens to the client; [Broker] keeps them in a store and mints tokens of its own.
// Routes use the interface alone. [Browsers] manages browser sessions in both modes.
package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"golang.org/x/sync/singleflight"
)

// Sessions is the interface of both modes for routes and guards. Safe for concurrent use.
type Sessions interface {
	// Ready waits until a session can begin or be refreshed. Call it before a grant is spent at the provider. The error is a fault.
	Ready(ctx context.Context) error
	// Begin begins a session for a login at the provider and returns the client's tokens.
	Begin(ctx context.Context, login *Grant) (*Tokens, error)
	// Refresh redeems a refresh token and returns new tokens.
	Refresh(ctx context.Context, refreshToken string) (*Tokens, error)
	// Exchanges reports whether token exchange (RFC 8693) is offered. Exchange performs one.
	Exchanges() bool
	Exchange(ctx context.Context, exchange Exchange) (*Tokens, error)
	// End ends the sessions of the credentials and returns how the logout goes on at the provider. The error is an outage: not every
	// instance has the end yet. Failures at the provider are only logged.
	End(ctx context.Context, ending Ending) (Left, error)
	// UserInfo returns the names of a caller whose token has none. The error is a fault; its kind is Nobody if no source has them.
	UserInfo(ctx context.Context, caller *verify.Token) (claims.Names, error)

	// Issuers returns one row for each issuer whose tokens guards accept.
	Issuers() []*verify.Issuer
	// Faults returns the joined errors of all parts that guards need and that are unavailable; nil if there are none.
	Faults(ctx context.Context) error
	// Patience returns how long an answer may take in addition to a call to the provider.
	Patience() time.Duration
	// Close ends work in the background.
	Close() error
}

// Tokens is the token response for a client. The store has it, too, as encrypted JSON.
type Tokens struct {
	AccessToken     string `json:"access_token"`
	TokenType       string `json:"token_type"`
	Expires         int64  `json:"expires"`    // Unix seconds
	ExpiresIn       int64  `json:"expires_in"` // seconds
	RefreshToken    string `json:"refresh_token,omitempty"`
	RefreshExpires  int64  `json:"refresh_expires"` // Unix seconds
	Scope           string `json:"scope"`
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	Caller *verify.Token `json:"-"` // nil if unknown
}

// Exchange has the parameters of a token exchange.
type Exchange struct {
	Subject            string // subject token: an access token
	Audience, Resource string
	Scope              string
}

// Logins redeems grants at the provider, in either mode.
type Logins struct {
	Sessions

	Upstreams Upstreams
	browsers  *Browsers // nil without browser sessions
	extra     *Vault    // the vault of browser sessions in passthrough mode
	refreshes singleflight.Group
}

// NewLogins returns the logins of a service; browsers may be nil.
func NewLogins(ups Upstreams, sessions Sessions, browsers *Browsers) *Logins {
	l := &Logins{Sessions: sessions, Upstreams: ups, browsers: browsers}
	if _, keepsNothing := sessions.(*Passthrough); keepsNothing && browsers != nil {
		l.extra = browsers.Vault
	}
	return l
}

// Faults is [Sessions.Faults], with the vault of browser sessions in passthrough mode.
func (l *Logins) Faults(ctx context.Context) error {
	if l.extra == nil {
		return l.Sessions.Faults(ctx)
	}
	return errors.Join(l.Sessions.Faults(ctx), l.extra.Faults(ctx))
}

// Prepare returns a provider once a token request can be made and its answer can be verified and stored.
func (l *Logins) Prepare(ctx context.Context, up *Upstream) (*Reached, error) {
	return up.prepare(ctx, l.keeps)
}

// keeps waits until a session can be stored.
func (l *Logins) keeps(ctx context.Context) error {
	if l.browsers != nil {
		return l.browsers.Ready(ctx)
	}
	return l.Ready(ctx)
}

// Redeem spends a grant at the provider, verifies the answer, and begins a session. It continues if ctx ends.
func (l *Logins) Redeem(ctx context.Context, at *Reached, form url.Values, check Check) (*Tokens, error) {
	ctx, cancel := provider.Detached(ctx) // the grant is spent from here on
	defer cancel()
	login, err := at.spendLogin(ctx, form, check)
	if err != nil {
		return nil, err
	}
	return l.Begin(ctx, login)
}

// LogIn is Redeem for a browser: it begins a session and returns its cookie.
func (l *Logins) LogIn(ctx context.Context, at *Reached, form url.Values, check Check, from Arrival) (cookie string, seat *Seat, err error) {
	ctx, cancel := provider.Detached(ctx)
	defer cancel()
	login, err := at.spendLogin(ctx, form, check)
	if err != nil {
		return "", nil, err
	}
	return l.browsers.Begin(ctx, login, from)
}

// Refresh is [Sessions.Refresh]. Concurrent calls with the same token share one request, because a provider with reuse detection would
// end the session after two.
func (l *Logins) Refresh(ctx context.Context, token string) (*Tokens, error) {
	sum := sha256.Sum256([]byte(token))
	shared, err, _ := l.refreshes.Do(string(sum[:]), func() (any, error) {
		ctx, cancel := provider.Detached(ctx)
		defer cancel()
		return l.Sessions.Refresh(ctx, token)
	})
	if err != nil {
		return nil, err
	}
	return shared.(*Tokens), nil
}

// errNobody is the cause if a caller has no name and no source has one.
var errNobody = errors.New("no name is known")

func nobody() error { return fault.New(fault.Nobody, errNobody) }
