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

// Passthrough hands the provider's tokens on; nothing is kept.
type Passthrough struct {
	up     *Upstream
	opaque *trouble.Trouble // the provider's access tokens are no JWTs
}

var _ Sessions = (*Passthrough)(nil)

// NewPassthrough makes the way without a store.
func NewPassthrough(up *Upstream, log *slog.Logger) *Passthrough {
	return &Passthrough{up: up, opaque: newOpaque(log)}
}

// Ready returns nil: there is nothing to wait for.
func (p *Passthrough) Ready(context.Context) error { return nil }

// Begin hands the provider's tokens on.
func (p *Passthrough) Begin(ctx context.Context, _ *provider.Metadata, login *Grant) (*Tokens, error) {
	return p.given(ctx, &login.Tokens), nil
}

// Refresh forwards the refresh token to the provider.
func (p *Passthrough) Refresh(ctx context.Context, token string) (*Tokens, error) {
	meta, err := p.up.prepare(ctx, p.Ready)
	if err != nil {
		return nil, err
	}
	grant, err := p.up.spend(ctx, meta, refreshForm(token), Check{})
	if err != nil {
		return nil, err
	}
	return p.given(ctx, &grant.Tokens), nil
}

// Exchanges is false: there are no own tokens.
func (p *Passthrough) Exchanges() bool { return false }

// Exchange is not offered.
func (p *Passthrough) Exchange(context.Context, Exchange) (*Tokens, error) {
	return nil, fault.New(fault.NotOffered, nil)
}

// End revokes the caller's access token at the provider.
func (p *Passthrough) End(ctx context.Context, meta *provider.Metadata, caller *verify.Token, hint string) string {
	if caller != nil {
		p.up.Provider.Revoke(ctx, meta, caller.Raw, "access_token")
	}
	return hint
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
