// Package session decides what becomes of a login at the provider. There are two implementations of [Sessions], chosen once:
// [Passthrough] hands the provider's tokens on, [Broker] keeps them in a store and mints own ones. Routes know neither.
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

// Sessions is what routes and guards need of either mode. Safe for concurrent use.
type Sessions interface {
	// Ready waits until a session could begin or go on: nothing is spent at the provider before. The error is a fault.
	Ready(ctx context.Context) error
	// Begin makes the client's tokens out of what a login at the provider gave.
	Begin(ctx context.Context, meta *provider.Metadata, login *Grant) (*Tokens, error)
	// Refresh answers a refresh token.
	Refresh(ctx context.Context, refreshToken string) (*Tokens, error)
	// Exchanges reports whether token exchange is offered, and Exchange answers one (RFC 8693).
	Exchanges() bool
	Exchange(ctx context.Context, exchange Exchange) (*Tokens, error)
	// End ends what the tokens belong to, and returns the id_token_hint for the provider's logout. The error is an outage: what
	// was asked for is not everywhere so yet. Failures at the provider are only logged.
	End(ctx context.Context, meta *provider.Metadata, ending Ending) (hint string, err error)
	// UserInfo asks about a caller whose token names nobody. The error is a fault of kind Nobody where nobody knows more.
	UserInfo(ctx context.Context, caller *verify.Token) (claims.Names, error)

	// Issuers are the rows of those whose tokens the guards accept.
	Issuers() []*verify.Issuer
	// Faults names each part that guards lack.
	Faults(ctx context.Context) error
	// Patience is how much longer than a call to the provider an answer may take.
	Patience() time.Duration
	// Close ends what runs in the background.
	Close() error
}

// Tokens is what a client gets. It is kept sealed in the store, too, as JSON.
type Tokens struct {
	AccessToken     string `json:"access_token"`
	TokenType       string `json:"token_type"`
	Expires         int64  `json:"expires"`    // Unix seconds
	ExpiresIn       int64  `json:"expires_in"` // seconds
	RefreshToken    string `json:"refresh_token,omitempty"`
	RefreshExpires  int64  `json:"refresh_expires"` // Unix seconds
	Scope           string `json:"scope"`
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	Caller *verify.Token `json:"-"` // nil where nobody knows
}

// Exchange is what a token exchange asks for.
type Exchange struct {
	Subject            string // the access token
	Audience, Resource string
	Scope              string
}

// Logins redeems grants at the provider, in either mode.
type Logins struct {
	Sessions

	up        *Upstream
	browsers  *Browsers // nil without browser sessions
	extra     *Vault    // the vault of browser sessions in passthrough mode
	refreshes singleflight.Group
}

// NewLogins returns the logins of a service; browsers may be nil.
func NewLogins(up *Upstream, sessions Sessions, browsers *Browsers) *Logins {
	l := &Logins{Sessions: sessions, up: up, browsers: browsers}
	if _, keepsNothing := sessions.(*Passthrough); keepsNothing && browsers != nil {
		l.extra = browsers.Vault
	}
	return l
}

// Faults names each part that guards lack.
func (l *Logins) Faults(ctx context.Context) error {
	if l.extra == nil {
		return l.Sessions.Faults(ctx)
	}
	return errors.Join(l.Sessions.Faults(ctx), l.extra.Faults(ctx))
}

// Prepare returns the provider's metadata once a token request can be made and its answer can be verified and kept.
func (l *Logins) Prepare(ctx context.Context) (*provider.Metadata, error) {
	return l.up.prepare(ctx, l.keeps)
}

// keeps waits until a session can be stored.
func (l *Logins) keeps(ctx context.Context) error {
	if l.browsers != nil {
		return l.browsers.Ready(ctx)
	}
	return l.Ready(ctx)
}

// Redeem spends a grant at the provider, verifies what comes back, and begins a session with it.
func (l *Logins) Redeem(ctx context.Context, meta *provider.Metadata, form url.Values, check Check) (*Tokens, error) {
	ctx, cancel := provider.Detached(ctx) // from here on something is spent
	defer cancel()
	login, err := l.up.spend(ctx, meta, form, check)
	if err != nil {
		return nil, err
	}
	return l.Begin(ctx, meta, login)
}

// LogIn is Redeem for a browser: it begins a session and returns its cookie.
func (l *Logins) LogIn(ctx context.Context, meta *provider.Metadata, form url.Values, check Check, from Arrival) (cookie string, seat *Seat, err error) {
	ctx, cancel := provider.Detached(ctx)
	defer cancel()
	login, err := l.up.spend(ctx, meta, form, check)
	if err != nil {
		return "", nil, err
	}
	return l.browsers.Begin(ctx, meta, login, from)
}

// Refresh answers a refresh token. The same one at the same moment is one request: a provider that detects reuse would end
// the session over an honest race.
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

// errNobody is the cause if a caller has no name and nobody can be asked for one.
var errNobody = errors.New("no name is known")

func nobody() error { return fault.New(fault.Nobody, errNobody) }
