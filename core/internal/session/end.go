package session

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Ending holds the credentials of a logout or revocation. Each part may be missing.
type Ending struct {
	Caller  *verify.Token // the caller whom a guard would admit
	Bearer  string        // the access token if no guard admits it
	Refresh string        // a refresh token
	Hint    string        // the client's own id_token_hint
}

// Left says how a logout goes on: at the provider of the session that ended, with its id_token_hint. From is nil if no session of a known
// provider ended. Hint may be "".
type Left struct {
	From *Upstream
	Hint string
}

// End ends the sessions of an own access token and of an own refresh token on every instance, and revokes their refresh tokens at the
// provider. The access token may have expired, and its session may have ended. Left has the session's ID token; a client's hint is
// ignored. The error is an outage of the store: the ends that were verified before it are effective on this instance at once, and are
// retried.
func (b *Broker) End(ctx context.Context, e Ending) (Left, error) {
	ctx, cancel := provider.Detached(ctx) // a logout continues if the browser leaves
	defer cancel()
	left, errAccess := b.endAccess(ctx, e)
	leftRefresh, errRefresh := b.endRefresh(ctx, e.Refresh)
	if left.From == nil || left.Hint == "" && leftRefresh.Hint != "" {
		left = leftRefresh
	}
	return left, cmp.Or(errAccess, errRefresh)
}

// endAccess ends the session of an own access token. Tokens of trusted issuers are ignored: only the issuer can end their sessions.
func (b *Broker) endAccess(ctx context.Context, e Ending) (left Left, err error) {
	caller := e.Caller
	if caller == nil && e.Bearer != "" {
		signed, err := b.own.Signed(ctx, e.Bearer)
		if fault.Is(err, fault.Outage) {
			return left, err
		}
		caller = signed
	}
	if caller == nil || caller.Issuer != b.cfg.Issuer {
		return left, nil
	}
	return b.leave(ctx, sessionOf(&caller.Token), caller.Expiry)
}

// endRefresh ends the session of an own refresh token. If the store is unreachable, the end is not queued: the token cannot be
// verified, and invented tokens could fill the queue.
func (b *Broker) endRefresh(ctx context.Context, token string) (left Left, err error) {
	if token == "" {
		return left, nil
	}
	open, err := b.everOpened(ctx)
	if err != nil {
		return left, err
	}
	id, expiry, err := open.families.Find(ctx, token)
	switch {
	case errors.Is(err, family.ErrEnded):
		return left, nil
	case err != nil:
		b.endTrouble.Seen(ctx, err)
		return left, fault.Down(fault.Store, err)
	}
	return b.leave(ctx, id, expiry)
}

// leave ends a session here and at the provider. expiry is that of an access token of the session. The error is an outage.
func (v *Vault) leave(ctx context.Context, id string, expiry time.Time) (left Left, err error) {
	r, err := v.endSession(ctx, id, expiry)
	if r == nil {
		return left, err
	}
	v.forsake(ctx, r)
	from, _ := v.ups.Of(ctx, r.Issuer)
	if from == nil && v.ups.Resolve != nil { // whoever is asked instead must not see the person's ID token
		return Left{}, err
	}
	return Left{From: from, Hint: strings.TrimSpace(r.IDToken)}, err
}

// endSession ends a session: on this instance at once, on the others once the store has the end. It returns the session's record, nil if
// there is none. The error is an outage.
func (v *Vault) endSession(ctx context.Context, id string, expiry time.Time) (*record, error) {
	until := expiry.Add(2 * v.cfg.Leeway)
	if life := time.Now().Add(v.endedLife()); life.After(until) { // the session may have a newer token
		until = life
	}
	v.feed.Add(id, until)
	data, err := v.endStored(ctx, id, until)
	v.endTrouble.Seen(ctx, err)
	if err != nil {
		err = fault.Down(fault.Store, err)
	}
	if data == nil {
		return nil, err
	}
	r, errRecord := readRecord(data)
	if errRecord != nil {
		return nil, err
	}
	return r, err
}

// endStored ends a session in the store and returns its data; nil if there is none.
func (v *Vault) endStored(ctx context.Context, id string, until time.Time) ([]byte, error) {
	open, err := v.everOpened(ctx)
	if err != nil {
		return nil, err
	}
	return open.families.End(ctx, id, until)
}

// everOpened returns the last snapshot, even if the store has been unreachable for long: then an end is queued. It waits only if the store
// was never open.
func (v *Vault) everOpened(ctx context.Context) (*opened, error) {
	if open := v.opened(); open != nil {
		return open, nil
	}
	return v.ready(ctx)
}
