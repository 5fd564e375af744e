package session

import (
	"context"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Broker keeps the provider's tokens in a vault and mints own ones.
type Broker struct {
	*Vault

	keys  *keyset.Keys[*opened]
	own   *verify.Issuer // this service
	peers map[string]*keyset.Keys[jose.Set]
}

var _ Sessions = (*Broker)(nil)

// NewBroker makes a broker on a vault.
func NewBroker(v *Vault) *Broker {
	b := &Broker{Vault: v, keys: keyset.New(v.open, v.timeout()+provider.Slack)}
	b.own = b.row(v.cfg.Issuer, b.keys, fault.Store)
	b.own.Name, b.own.Ended = name, v.tokenEnded
	b.peers = newPeers(v.cfg)
	return b
}

// Document returns the own public keys as a JWK set: those that sign, will sign soon, and have signed. It waits for the
// store alone, and only before the first keys are cached.
func (b *Broker) Document(ctx context.Context) ([]byte, error) {
	snapshot, err := b.open.Get(ctx)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	return snapshot.Value.ring.Document, nil
}

// RotateKey adds a signing key and knows it at once.
func (b *Broker) RotateKey(ctx context.Context) error {
	open, err := b.ready(ctx)
	if err != nil {
		return err
	}
	seen := b.open.Peek()
	if err := open.keeper.Rotate(ctx); err != nil {
		return fault.Down(fault.Store, err)
	}
	_, err = b.open.Renew(ctx, seen)
	if errors.Is(err, fresh.ErrCooling) { // the next reload brings it
		return nil
	}
	return err
}

// WithdrawKey takes a signing key away and knows it at once. The error is [keyring.ErrUnknown] or an outage of the store.
func (b *Broker) WithdrawKey(ctx context.Context, kid string) error {
	open, err := b.ready(ctx)
	if err != nil {
		return err
	}
	switch err := open.keeper.Withdraw(ctx, kid); {
	case errors.Is(err, keyring.ErrUnknown):
		return err
	case err != nil:
		return fault.Down(fault.Store, err)
	}
	return b.reloadWithout(ctx, kid)
}

// reloadWithout waits until this instance has a ring without the key.
func (b *Broker) reloadWithout(ctx context.Context, kid string) error {
	for seen := b.open.Peek(); ; {
		snapshot, err := b.open.Renew(ctx, seen)
		switch {
		case err == nil && !snapshot.Value.ring.Holds(kid):
			return nil
		case err == nil: // a reload that had begun before
			seen = snapshot
		case !errors.Is(err, fresh.ErrCooling):
			return fault.Down(fault.Store, err)
		}
		select { // it was reloaded a moment ago, and must be once more
		case <-time.After(StorePause):
		case <-ctx.Done():
			return fault.Down(fault.Store, ctx.Err())
		}
	}
}

// UserInfo asks nobody: own tokens say all that is known, and the provider knows nothing of them.
func (b *Broker) UserInfo(context.Context, *verify.Token) (claims.Names, error) {
	return claims.Names{}, nobody()
}

// Patience is for another instance's refresh.
func (b *Broker) Patience() time.Duration { return waitMargin }

// Close ends the fetches of trusted issuers' keys. The vault stays open.
func (b *Broker) Close() error {
	for _, peer := range b.peers {
		peer.Close()
	}
	return nil
}
