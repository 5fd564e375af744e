package session

import (
	"context"
	"net/url"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
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

// authentication returns acr and auth_time of a login, "" and 0 if they are absent or cannot be true: of the ID token, which is about the
// login; if there is none, as in some device flows, of the access token. Userinfo is about the person and says nothing of a login.
func (g *Grant) authentication(now time.Time, leeway time.Duration) (acr string, authTime int64) {
	token := g.Caller
	if token == nil {
		token = g.Access
	}
	if token == nil {
		return "", 0
	}
	return token.Text("acr"), claims.AuthTime(token.Object, now, leeway)
}
