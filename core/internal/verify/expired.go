package verify

import (
	"context"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Signed verifies that this issuer signed an access token, and ignores its expiry, its audience and revocation. Use it only to
// end the token's session. A token whose key the issuer no longer has is unknown. The error is a fault of kind Token with its
// reason, or an outage.
func (i *Issuer) Signed(ctx context.Context, raw string) (*Token, error) {
	token, err := jose.Parse(raw)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	name, err := i.claimedBy(ctx, &token)
	switch {
	case err != nil:
		return nil, err
	case !i.maySignWith(token.Alg), i.NamedKeys && !token.HasKey, !token.Supported(), !isAccessType(token.Typ):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	}
	key, object, err := i.signed(ctx, &token)
	if err != nil {
		return nil, err
	}
	verified := i.New()
	if err := verified.Read(object, name, claims.BeforeEnd(object, time.Now()), i.Rules); err != nil {
		return nil, fault.New(fault.Token, err)
	}
	if err := i.settle(&verified.Token, key); err != nil {
		return nil, fault.New(fault.Token, err)
	}
	verified.Raw, verified.issuer = token.Raw(), i
	if i.Name != nil {
		i.Name(verified)
	}
	return verified, nil
}
