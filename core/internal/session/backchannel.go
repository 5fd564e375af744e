package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// usedLife is how long the jti of a logout token is stored: longer than the token is accepted.
const usedLife = 20 * time.Minute

var errUsed = errors.New("the logout token was used before")

// BackChannelLogout executes a logout token of the provider on every instance (OpenID Connect Back-Channel Logout section 2.7): it ends the
// sessions of one session at the provider, or everything of a person. Each token is accepted once. Its jti is stored after the sessions
// have ended, so that the provider can retry after a failure. The error is a fault: Token for an invalid token, or an outage.
func (v *Vault) BackChannelLogout(ctx context.Context, raw string) (ended int, err error) {
	if _, err := v.ready(ctx); err != nil {
		return 0, err
	}
	up, err := v.ups.issued(ctx, raw)
	if err != nil {
		return 0, err
	}
	row := *up.Issuer
	row.Keys = keyset.Certain[jose.Set]{Keys: up.Provider.Keys()}
	logout, err := row.LogoutToken(ctx, raw, up.Provider.Client.ID)
	if err != nil {
		return 0, err
	}
	now := stored.Time(time.Now())
	used := store.Session{ID: usedID(logout), Kind: store.KindOnce, Version: 1, Started: now, Expires: now.Add(usedLife)}
	switch _, err := v.cfg.Store.Session(ctx, used.ID, now); {
	case err == nil:
		return 0, fault.New(fault.Token, errUsed)
	case !errors.Is(err, store.ErrNotFound):
		return 0, fault.Down(fault.Store, err)
	}
	of := store.Selection{ProviderSession: ProviderSessionOf(logout.Issuer, logout.Session)}
	if logout.Session == "" {
		of = store.Selection{Owner: OwnerOf(logout.Issuer, logout.Subject)}
	}
	up.Opaque.ForgetSession(logout.Session, logout.Subject)
	if ended, err = v.EndAll(ctx, of); err != nil {
		return ended, err
	}
	if err := v.cfg.Store.PutSession(ctx, used); err != nil && !errors.Is(err, store.ErrConflict) { // another instance got it at the same time
		return ended, fault.Down(fault.Store, err)
	}
	return ended, nil
}

func usedID(logout *claims.Logout) string {
	sum := sha256.Sum256([]byte("oidcauth jti " + logout.Issuer + "\x00" + logout.ID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
