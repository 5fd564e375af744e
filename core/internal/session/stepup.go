package session

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// spendLogin is spend for a login that has to be as check demands. Otherwise the error is a fault of kind Weak, and the refresh token is
// revoked, because nobody will use it.
func (r *Reached) spendLogin(ctx context.Context, form url.Values, check Check) (*Grant, error) {
	login, err := r.spend(ctx, form, check)
	if err != nil || check.StepUp == nil {
		return login, err
	}
	if login.Caller == nil || !check.StepUp.MetBy(&login.Caller.Token, time.Now(), r.Rules.Leeway) {
		r.Forsake(ctx, login.RefreshToken)
		return nil, fault.New(fault.Weak, nil)
	}
	return login, nil
}

// authentication returns acr and auth_time of a login: each from the ID token, or from the access token if the ID token does not have it.
// Userinfo is about the person and says nothing of a login. An auth_time that cannot be true counts as absent.
func (g *Grant) authentication(now time.Time, leeway time.Duration) (acr string, authTime int64) {
	for _, token := range []*verify.Token{g.Caller, g.Access} {
		if token != nil {
			acr = cmp.Or(acr, token.Text("acr"))
			authTime = cmp.Or(authTime, claims.AuthTime(token.Object, now, leeway))
		}
	}
	return acr, authTime
}
