package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Passthrough gives the provider's tokens to the client. It stores nothing; it caches the owners of refresh tokens in this process.
type Passthrough struct {
	ups    Upstreams
	owners owners
	opaque *trouble.Trouble // logs that guards cannot verify the provider's access tokens
}

var _ Sessions = (*Passthrough)(nil)

// NewPassthrough makes the sessions of passthrough mode, which need no store.
func NewPassthrough(ups Upstreams, log *slog.Logger) *Passthrough {
	return &Passthrough{ups: ups, opaque: newOpaque(log)}
}

// Ready returns nil: there is nothing to wait for.
func (p *Passthrough) Ready(context.Context) error { return nil }

// Begin returns the provider's tokens.
func (p *Passthrough) Begin(ctx context.Context, login *Grant) (*Tokens, error) {
	if owner, ok := ownerOf(login); ok {
		p.owners.remember(login.RefreshToken, owner)
	}
	return p.given(ctx, login), nil
}

var errAnother = errors.New("the refreshed tokens belong to another person")

// Refresh sends the refresh token to the provider. If this process has recorded the token's owner and the answer is about another
// person, the answer is refused (OpenID Connect Core section 12.2). The owner is unknown if another instance issued the token, or this
// one before a restart: then the answer is accepted, and its person is recorded.
func (p *Passthrough) Refresh(ctx context.Context, token string) (*Tokens, error) {
	up, token := p.ups.unmarked(token)
	at, err := up.prepare(ctx, p.Ready)
	if err != nil {
		return nil, err
	}
	grant, err := at.spend(ctx, refreshForm(token), Check{})
	if err != nil {
		return nil, err
	}
	before, known := p.owners.of(token)
	owner, named := ownerOf(grant)
	switch {
	case known && named && owner != before:
		return nil, fault.Bad(fault.Provider, errAnother)
	case named:
		p.owners.remember(grant.RefreshToken, owner)
	case known:
		p.owners.remember(grant.RefreshToken, before)
	}
	return p.given(ctx, grant), nil
}

// Exchanges reports false: there are no own tokens.
func (p *Passthrough) Exchanges() bool { return false }

// Exchange returns a fault of kind NotOffered.
func (p *Passthrough) Exchange(context.Context, Exchange) (*Tokens, error) {
	return nil, fault.New(fault.NotOffered, nil)
}

// End revokes the caller's access token and the refresh token at the provider. It returns the client's hint, and no error.
func (p *Passthrough) End(ctx context.Context, e Ending) (Left, error) {
	left := Left{From: p.ups.Main(), Hint: e.Hint}
	if e.Hint != "" {
		if from, err := p.ups.issued(ctx, e.Hint); err == nil {
			left.From = from
		}
	}
	if e.Refresh != "" {
		up, token := p.ups.unmarked(e.Refresh)
		left.From = up
		if at, err := up.reach(ctx); err == nil { // otherwise the outage is logged
			at.Forsake(ctx, token)
		}
	}
	if from, err := p.of(ctx, e.Caller); from != nil && err == nil { // who calls is known, and not only claimed
		left.From = from
		left.From.Opaque.Forget(e.Caller)
		if at, err := left.From.reach(ctx); err == nil {
			at.Provider.Revoke(ctx, at.Meta, e.Caller.Raw, "access_token")
		}
	}
	return left, nil
}

// of returns the provider of a caller, who may be nil.
func (p *Passthrough) of(ctx context.Context, caller *verify.Token) (*Upstream, error) {
	if caller == nil {
		return nil, nil
	}
	return p.ups.Of(ctx, caller.Issuer)
}

// UserInfo asks the provider's userinfo endpoint with the caller's access token.
func (p *Passthrough) UserInfo(ctx context.Context, caller *verify.Token) (claims.Names, error) {
	at, err := p.ups.reachOf(ctx, caller.Issuer)
	switch {
	case err != nil:
		return claims.Names{}, err
	case at.Meta.UserInfo == "":
		return claims.Names{}, nobody()
	}
	answer, err := at.userInfo(ctx, caller.Raw, caller.Subject)
	if err != nil {
		return claims.Names{}, err
	}
	return claims.NamesOf(answer.Object), nil
}

// Issuers returns the rows of the providers.
func (p *Passthrough) Issuers() []*verify.Issuer { return p.ups.rows() }

// Faults reports if the discovery document or the keys are unavailable: of the provider, or of each of several. While one of several is
// available, guards can answer, and Faults returns nil.
func (p *Passthrough) Faults(ctx context.Context) error {
	var parts []error
	for _, up := range p.ups.All {
		err := up.faults(ctx)
		if err == nil {
			return nil
		}
		if len(p.ups.All) > 1 {
			err = fmt.Errorf("core: provider %s: %w", up.Name, err)
		}
		parts = append(parts, err)
	}
	return errors.Join(parts...)
}

// Patience returns 0: an answer needs only the call to the provider.
func (p *Passthrough) Patience() time.Duration { return 0 }

// Close does nothing.
func (p *Passthrough) Close() error { return nil }
