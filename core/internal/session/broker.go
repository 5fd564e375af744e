package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// How the broker works with its store.
const (
	// StorePause is the time between two tries of a store that fails, and two reloads for unknown keys.
	StorePause  = 2 * time.Second
	leaseMargin = 10 * time.Second // what a lease lasts longer than a call to the provider
	waitMargin  = 2 * time.Second  // what others wait longer for the holder of a lease
)

// BrokerConfig is what a broker is made from. All fields are needed but ImportKey, Peers and Observe.
type BrokerConfig struct {
	Upstream *Upstream
	Store    store.Store
	Secrets  func() ([][]byte, error) // seal the rows of the store; called once it is open

	Client, Issuer, Audience, SubjectClaim string
	AnyAudience                            bool // the provider's tokens for anybody pass: nothing can be exchanged
	TokenTTL, SessionTTL, Grace            time.Duration
	Timeout, Leeway                        time.Duration
	ImportKey                              []byte
	Peers                                  map[string]string // issuers that are trusted, and where their keys are

	SessionMax time.Duration // from the login on; whatever is refreshed

	Rules  *claims.Rules
	New    func() *verify.Token      // makes the tokens that guards see
	Permit func(*verify.Token) error // the policy of what may be minted

	Log     *slog.Logger
	Observe observe.Begin
}

// Broker keeps the provider's tokens and mints own ones. It opens its store when first asked for something, and starts
// without one.
type Broker struct {
	cfg    BrokerConfig
	up     *Upstream
	open   *fresh.Source[*opened]
	keys   *keyset.Keys[*opened]
	feed   *feed.Feed
	clocks *clocks.Watch
	own    *verify.Issuer // this service
	peers  map[string]*keyset.Keys[jose.Set]
	purge  *purger

	userInfoTrouble, endTrouble *trouble.Trouble
}

var _ Sessions = (*Broker)(nil)

// NewBroker makes a broker that has not asked its store for anything yet.
func NewBroker(cfg BrokerConfig) *Broker {
	b := &Broker{
		cfg: cfg, up: cfg.Upstream,
		userInfoTrouble: trouble.New(cfg.Log, slog.LevelWarn, "the provider's userinfo", "put into tokens"),
		endTrouble:      trouble.New(cfg.Log, slog.LevelError, "sessions", "ended in the store"),
	}
	timeout := cfg.Timeout + provider.Slack
	b.open = fresh.New(fresh.Policy{Renew: keyring.Reload, Stale: provider.StaleAge, Pause: StorePause, Timeout: timeout},
		observe.Load(cfg.Observe, observe.SigningKeys, b.load), trouble.Changes(cfg.Log, "the signing keys", "read from the store"))
	b.keys = keyset.New(b.open, timeout+provider.Slack)
	b.clocks = clocks.NewWatch(trouble.Changes(cfg.Log, "the clocks of the instances", "relied on"))
	b.feed = feed.New(feed.Config{
		Store: observedStore{cfg.Store, cfg.Observe}, Timeout: timeout, Leeway: cfg.Leeway, Clocks: b.clocks,
		Changed: trouble.Changes(cfg.Log, "the revocations", "read from the store"),
	})
	b.own = b.row(cfg.Issuer, b.keys, fault.Store)
	b.own.Session, b.own.Ended = sessionOf, b.feed.Has
	b.peers = newPeers(cfg)
	b.purge = &purger{store: cfg.Store, timeout: cfg.Timeout, log: cfg.Log}
	return b
}

// errOldRing says that the cached signing keys may have been followed by others.
var errOldRing = errors.New("they have not been reloaded for two minutes")

// ready waits for the open store and signing keys that may sign.
func (b *Broker) ready(ctx context.Context) (*opened, error) {
	snapshot, err := b.current(ctx)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	return snapshot, nil
}

func (b *Broker) current(ctx context.Context) (*opened, error) {
	snapshot, err := b.open.Get(ctx)
	if err != nil {
		return nil, err
	}
	if time.Since(snapshot.At) > keyring.MaxAge {
		return nil, errOldRing
	}
	return snapshot.Value, nil
}

// Ready waits until the store is open and a key to sign with is cached.
func (b *Broker) Ready(ctx context.Context) error {
	_, err := b.ready(ctx)
	return err
}

// Faults names each part that a guard or a mint lacks.
func (b *Broker) Faults(ctx context.Context) error {
	var parts []error
	if _, err := b.current(ctx); err != nil {
		parts = append(parts, errors.New("core: the signing keys are not at hand: "+err.Error()))
	}
	if err := b.feed.Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the revocations are not at hand: "+err.Error()))
	}
	if err := b.clocks.Err(); err != nil {
		parts = append(parts, errors.New("core: "+err.Error()))
	}
	return errors.Join(parts...)
}

// panicked logs a function of the application that has panicked in the background.
func (b *Broker) panicked(value any, stack []byte) {
	b.cfg.Log.Error("a function of the application panicked", "function", "Config.Require, at a refresh", "panic", fmt.Sprintf("%T", value), "stack", string(stack))
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

// Close waits for refreshes under way, which takes no longer than a lease. The store stays open.
func (b *Broker) Close() error {
	b.purge.close()
	if open := b.opened(); open != nil {
		open.families.Close()
	}
	b.open.Close()
	b.feed.Close()
	for _, peer := range b.peers {
		peer.Close()
	}
	return nil
}

// tokenLife is the longest that anybody accepts a token signed now, clocks included.
func (b *Broker) tokenLife() time.Duration { return b.cfg.TokenTTL + 2*b.cfg.Leeway }

// observedStore is a store whose revocations are observed: their list has no load function of its own.
type observedStore struct {
	store.Store
	observe observe.Begin
}

// Revoked reads the list and tells of it.
func (s observedStore) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return observe.Load(s.observe, observe.Revocations, func(ctx context.Context) ([]store.Revocation, error) {
		return s.Store.Revoked(ctx, since, now)
	})(ctx)
}
