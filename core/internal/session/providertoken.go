package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

const (
	tokenSlack = 30 * time.Second       // an access token that expires sooner is refreshed first; at most half of its life
	tokenPause = 100 * time.Millisecond // interval of checks while another request refreshes the session
)

// ProviderToken returns the provider's access token of a session of either kind. If it is about to expire, it is refreshed under the
// lease of the session; while another instance does so, ProviderToken waits. The error is a fault: Ended if there is no usable token.
func (v *Vault) ProviderToken(ctx context.Context, id string) (string, error) {
	open, err := v.ready(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout+waitMargin)
	defer cancel()
	for {
		row, err := open.families.Renew(ctx, id, isExpiring, v.askAgain)
		switch {
		case errors.Is(err, family.ErrBusy):
		case isEnd(err):
			return "", ended()
		case err != nil:
			return "", storeFault(err)
		default:
			return accessOf(row.Plain)
		}
		select {
		case <-time.After(tokenPause):
		case <-ctx.Done():
			return "", fault.Down(fault.Session, err)
		}
	}
}

// isExpiring reports whether the access token of a record is about to expire and can be refreshed.
func isExpiring(plain []byte) bool {
	r, err := readRecord(plain)
	if err != nil || r.Refresh == "" {
		return false
	}
	life := time.Duration(r.AccessEnds-r.Heard) * time.Second
	return time.Until(time.Unix(r.AccessEnds, 0)) < min(tokenSlack, life/2)
}

func accessOf(plain []byte) (string, error) {
	r, err := readRecord(plain)
	if err != nil {
		return "", err
	}
	if r.Access == "" || !time.Now().Before(time.Unix(r.AccessEnds, 0)) {
		return "", ended()
	}
	return strings.Clone(r.Access), nil // without the rest of the record
}
