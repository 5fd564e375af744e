package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
)

// Examination is what can be seen of the store without a change of it.
type Examination struct {
	Err    error  // why the store cannot be read
	Opened bool   // this instance has opened the store before
	Keys   int    // rows of signing keys
	Sealed bool   // a signing key does not open with the secrets
	Newest string // the algorithm of the newest signing key; "" if there is none, or it was not opened
	Clocks error  // [clocks.ErrAhead] or [clocks.ErrLate]; nil: no difference is seen
}

// Examine reads the signing keys and the revocation list. Unlike the other methods it does not create tables, and no signing key. secrets
// are those that encrypt the rows; without any, the keys are not opened.
func (v *Vault) Examine(ctx context.Context, secrets [][]byte) *Examination {
	ctx, cancel := context.WithTimeout(ctx, v.timeout())
	defer cancel()
	e := &Examination{Opened: v.opened() != nil, Clocks: v.clocks.Err()}
	now := stored.Time(time.Now())
	rows, err := v.cfg.Store.Keys(ctx)
	if err != nil {
		e.Err = err
		return e
	}
	e.Keys = len(rows)
	ahead := clocks.NewWatch(nil)
	for _, row := range rows {
		ahead.Written(row.From, now, keyring.Notice)
	}
	// A read from the future on finds only what an instance wrote whose clock is ahead.
	list, err := v.cfg.Store.Revoked(ctx, now.Add(clocks.Skew), now)
	if err != nil {
		e.Err = err
		return e
	}
	for _, entry := range list {
		ahead.Written(entry.At, now, 0)
	}
	if e.Clocks == nil {
		e.Clocks = ahead.Err()
	}
	if v.cfg.Keys && len(secrets) > 0 {
		e.examineKeys(ctx, v, secrets)
	}
	return e
}

func (e *Examination) examineKeys(ctx context.Context, v *Vault, secrets [][]byte) {
	keeper, err := v.newKeeper(secrets)
	if err != nil {
		e.Err = err
		return
	}
	e.Newest, err = keeper.Examine(ctx)
	if e.Sealed = errors.Is(err, keyring.ErrSealed); !e.Sealed {
		e.Err = err
	}
}

// Fingerprint returns eight hexadecimal digits that name a secret and say nothing else about it.
func Fingerprint(secret []byte) string {
	sealer, err := seal.New("fingerprint", secret)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sealer.Name())
}

// GivesOpaque reports whether the provider's last access tokens could not be verified by guards, in passthrough mode.
func (l *Logins) GivesOpaque() bool {
	p, ok := l.Sessions.(*Passthrough)
	return ok && p.opaque.Failing()
}

// LastSealed returns about when a cookie last named a session that does not open with the secrets of this instance; the zero time if none
// did.
func (b *Browsers) LastSealed() time.Time { return b.sealed.Last() }
