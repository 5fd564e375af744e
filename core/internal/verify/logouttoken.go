package verify

import (
	"context"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// LogoutToken verifies a logout token (OpenID Connect Back-Channel Logout section 2.6). The error is a fault of kind Token with its
// reason, or an outage.
func (i *Issuer) LogoutToken(ctx context.Context, raw, client string) (*claims.Logout, error) {
	token, err := jose.Parse(raw)
	switch {
	case err != nil:
		return nil, fault.New(fault.Token, err)
	case !isAnyOf(token.Typ, "", "JWT", "logout+jwt", "application/logout+jwt"):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	case !token.Supported(), !i.maySignWith(token.Alg), !i.isRegistered(token.Alg):
		return nil, fault.New(fault.Token, fault.ErrSignature)
	}
	name, err := i.claimedBy(ctx, &token)
	if err != nil {
		return nil, err
	}
	key, object, err := i.signed(ctx, &token)
	if err != nil {
		return nil, err
	}
	logout, err := claims.ReadLogout(object, name, client, time.Now(), i.Rules.Leeway)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	if logout.Issuer, err = i.Spellings.settle(logout.Issuer, object, key); err != nil {
		return nil, fault.New(fault.Token, err)
	}
	return logout, nil
}
