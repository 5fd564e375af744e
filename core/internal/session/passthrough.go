package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Passthrough hands the provider's tokens on; nothing is kept but whom refresh tokens belong to, in this process.
type Passthrough struct {
	up     *Upstream
	owners owners
	opaque *trouble.Trouble // the provider's access tokens are no JWTs
}

var _ Sessions = (*Passthrough)(nil)

// NewPassthrough returns the implementation without a store.
func NewPassthrough(up *Upstream, log *slog.Logger) *Passthrough {
	return &Passthrough{up: up, opaque: newOpaque(log)}
}

// Ready returns nil: there is nothing to wait for.
func (p *Passthrough) Ready(context.Context) error { return nil }

// Begin hands the provider's tokens on.
func (p *Passthrough) Begin(ctx context.Context, _ *provider.Metadata, login *Grant) (*Tokens, error) {
	if owner, ok := ownerOf(login); ok {
		p.owners.remember(login.RefreshToken, owner)
	}
	return p.given(ctx, &login.Tokens), nil
}

var errAnother = errors.New("the refreshed tokens are of another person")

// Refresh forwards the refresh token to the provider. An answer about another person than the one whom this process knows
// the token to belong to is unusable, and nothing of it is handed on (OpenID Connect Core section 12.2). Whose a token is
// that another instance has handed out, or that came before a restart, nobody knows here: its answer is believed, once.
func (p *Passthrough) Refresh(ctx context.Context, token string) (*Tokens, error) {
	meta, err := p.up.prepare(ctx, p.Ready)
	if err != nil {
		return nil, err
	}
	grant, err := p.up.spend(ctx, meta, refreshForm(token), Check{})
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
	return p.given(ctx, &grant.Tokens), nil
}

// Exchanges is false: there are no own tokens.
func (p *Passthrough) Exchanges() bool { return false }

// Exchange is not offered.
func (p *Passthrough) Exchange(context.Context, Exchange) (*Tokens, error) {
	return nil, fault.New(fault.NotOffered, nil)
}

// End revokes the caller's access token at the provider, and a refresh token.
func (p *Passthrough) End(ctx context.Context, meta *provider.Metadata, e Ending) (string, error) {
	if e.Caller != nil {
		p.up.Provider.Revoke(ctx, meta, e.Caller.Raw, "access_token")
	}
	p.up.Provider.Forsake(ctx, meta, e.Refresh)
	return e.Hint, nil
}

// UserInfo asks the provider with the caller's own token.
func (p *Passthrough) UserInfo(ctx context.Context, caller *verify.Token) (claims.Names, error) {
	meta, err := p.up.Provider.Metadata(ctx)
	switch {
	case err != nil:
		return claims.Names{}, fault.Down(fault.Documents, err)
	case meta.UserInfo == "":
		return claims.Names{}, nobody()
	}
	answer, err := p.up.userInfo(ctx, meta, caller.Raw, caller.Subject)
	if err != nil {
		return claims.Names{}, err
	}
	return claims.NamesOf(answer.Object), nil
}

// Issuers is the provider alone.
func (p *Passthrough) Issuers() []*verify.Issuer { return []*verify.Issuer{p.up.Issuer} }

// Faults asks for the provider's issuer and keys.
func (p *Passthrough) Faults(ctx context.Context) error {
	var parts []error
	if _, err := p.up.Provider.Issuer(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's discovery document is not at hand"))
	}
	if err := p.up.Provider.Keys().Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's keys are not at hand"))
	}
	return errors.Join(parts...)
}

// Patience is nothing beside the call to the provider.
func (p *Passthrough) Patience() time.Duration { return 0 }

// Close does nothing.
func (p *Passthrough) Close() error { return nil }
