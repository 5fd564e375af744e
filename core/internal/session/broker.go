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

// Broker keeps the provider's tokens in a vault and mints own tokens for the client.
type Broker struct {
	*Vault

	keys  *keyset.Keys[*opened]
	own   *verify.Issuer // this service
	peers map[string]*keyset.Keys[jose.Named]
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

// Document returns the own public keys as a JWK set: the keys that sign now, will sign, or have signed tokens that are still valid. It
// waits for the store only if no keys are cached. The error is an outage.
func (b *Broker) Document(ctx context.Context) ([]byte, error) {
	snapshot, err := b.open.Get(ctx)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	return snapshot.Value.ring.Document, nil
}

// RotateKey adds a signing key to the store and reloads the keys of this instance.
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
	if errors.Is(err, fresh.ErrCooling) { // the next reload finds it
		return nil
	}
	return err
}

// WithdrawKey removes a signing key from the store and from this instance. The error is [keyring.ErrUnknown] or an outage of the store.
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

// reloadWithout reloads the keys until this instance has a ring without the key. The error is an outage of the store.
func (b *Broker) reloadWithout(ctx context.Context, kid string) error {
	for seen := b.open.Peek(); ; {
		snapshot, err := b.open.Renew(ctx, seen)
		switch {
		case err == nil && !snapshot.Value.ring.Holds(kid):
			return nil
		case err == nil: // this reload had begun before the change
			seen = snapshot
		case !errors.Is(err, fresh.ErrCooling):
			return fault.Down(fault.Store, err)
		}
		select { // the last reload was too recent: wait and reload again
		case <-time.After(StorePause):
		case <-ctx.Done():
			return fault.Down(fault.Store, ctx.Err())
		}
	}
}

// UserInfo returns a fault of kind Nobody: own tokens contain all known claims, and the provider does not accept them.
func (b *Broker) UserInfo(context.Context, *verify.Token) (claims.Names, error) {
	return claims.Names{}, nobody()
}

// Patience returns how long a refresh waits for another instance that refreshes the same session.
func (b *Broker) Patience() time.Duration { return waitMargin }

// Close stops fetching the keys of trusted issuers. It does not close the vault.
func (b *Broker) Close() error {
	for _, peer := range b.peers {
		peer.Close()
	}
	return nil
}
