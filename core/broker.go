package core

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// brokerAlgorithm is what own tokens and those of trusted issuers are signed with: Python services verify nothing else.
const brokerAlgorithm = "RS256"

// How the broker works with its store.
const (
	storePause  = 2 * time.Second  // between two tries of a store that fails, and two reloads for unknown keys
	leaseMargin = 10 * time.Second // what a lease lasts longer than a call to the provider
	waitMargin  = 2 * time.Second  // what others wait longer for the holder of a lease
	purgePeriod = 10 * time.Minute // on average, between two purges of one instance
)

// tokenBroker is broker mode: the own tokens and what they need. It opens its store when first asked for something, and
// starts without one. Safe for concurrent use.
type tokenBroker struct {
	auth   *Auth
	cfg    *BrokerConfig
	issuer string
	store  store.Store
	ours   bool   // the store was opened here
	random []byte // the secret for a store that ends with the process

	ring   *fresh.Source[*keyring.Ring]
	keys   *keyset.Keys[*keyring.Ring]
	feed   *feed.Feed
	clocks *clocks.Watch
	peers  map[string]*keyset.Keys[jose.Set]
	opened atomic.Pointer[openBroker] // once the store was reached

	mu     sync.Mutex // guards what follows
	purger *time.Timer
	closed bool
}

// openBroker is what there is once the store is open and its secrets are known.
type openBroker struct {
	families *family.Families
	keeper   *keyring.Keeper
}

func newBroker(a *Auth) (*tokenBroker, error) {
	b := &tokenBroker{auth: a, cfg: a.cfg.Broker, issuer: a.cfg.PublicURL, random: randomSecret()}
	var err error
	if b.store, b.ours, err = a.cfg.openStore(); err != nil {
		return nil, err
	}
	if len(a.cfg.SecretKeys) == 0 {
		if _, err := secretFileOf(b.store); err != nil {
			_ = b.closeStore() // the fault of the configuration says more
			return nil, err
		}
	}
	timeout := a.cfg.Timeout + slack
	b.ring = fresh.New(fresh.Policy{Renew: keyring.Reload, Stale: staleAge, Pause: storePause, Timeout: timeout}, counted(a.metrics, documentSigningKeys, b.load), tellChanges(a.log, "the signing keys", "read from the store"))
	b.keys = keyset.New(b.ring, timeout+slack)
	b.clocks = clocks.NewWatch(tellChanges(a.log, "the clocks of the instances", "relied on"))
	b.feed = feed.New(feed.Config{
		Store: countedStore{b.store, a.metrics}, Timeout: timeout, Leeway: a.cfg.Leeway, Changed: tellChanges(a.log, "the revocations", "read from the store"),
		Clocks: b.clocks,
	})
	b.peers = newPeers(a)
	return b, nil
}

// load reads the signing keys, after it has opened the store if nobody has.
func (b *tokenBroker) load(ctx context.Context) (*keyring.Ring, error) {
	opened := b.opened.Load()
	if opened == nil {
		var err error
		if opened, err = b.open(ctx); err != nil {
			return nil, err
		}
	}
	ring, err := opened.keeper.Load(ctx)
	if err != nil {
		return nil, err
	}
	if b.opened.Swap(opened) == nil {
		b.purgeLater() //nolint:contextcheck // purges have a time of their own
	}
	return ring, nil
}

func (b *tokenBroker) open(ctx context.Context) (*openBroker, error) {
	if err := b.store.Init(ctx); err != nil {
		return nil, err
	}
	secrets, err := b.secrets()
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New("signing key", secrets...)
	if err != nil {
		return nil, err
	}
	client := b.auth.cfg.ClientID
	families, err := family.New(family.Config{
		Store: b.store, Secrets: secrets, Issuer: b.issuer, Client: client, Abandon: b.abandon, Revoked: b.feed.Has, Panicked: b.panicked, Clocks: b.clocks,
		Lease: b.auth.cfg.Timeout + leaseMargin, Wait: b.auth.cfg.Timeout + waitMargin, Grace: b.cfg.RefreshGrace, Feed: b.tokenLife(),
		Leeway: b.auth.cfg.Leeway, Max: b.cfg.SessionMax,
	})
	if err != nil {
		return nil, err
	}
	keeper := &keyring.Keeper{Store: b.store, Sealer: sealer, Issuer: b.issuer, Client: client, Life: b.tokenLife(), Import: b.cfg.ImportKey, Now: time.Now}
	return &openBroker{families: families, keeper: keeper}, nil
}

// tokenLife is the longest that anybody accepts a token signed now, clocks included.
func (b *tokenBroker) tokenLife() time.Duration { return b.cfg.TokenTTL + 2*b.auth.cfg.Leeway }

// errOldRing says that the signing keys at hand may have been followed by others.
var errOldRing = errors.New("they have not been reloaded for two minutes")

// currentRing waits for the signing keys that may sign.
func (b *tokenBroker) currentRing(ctx context.Context) (*keyring.Ring, error) {
	snapshot, err := b.ring.Get(ctx)
	if err != nil {
		return nil, err
	}
	if time.Since(snapshot.At) > keyring.MaxAge {
		return nil, errOldRing
	}
	return snapshot.Value, nil
}

// ready waits until the store is open and a key to sign with is at hand.
func (b *tokenBroker) ready(ctx context.Context) (*openBroker, *keyring.Ring, error) {
	ring, err := b.currentRing(ctx)
	if err != nil {
		return nil, nil, storeOutage(err)
	}
	return b.opened.Load(), ring, nil
}

func storeOutage(cause error) *Error {
	e := outage("The session store is not available.", cause)
	e.RetryAfter = storePause
	return e
}

// purgeLater removes what has ended every now and then, at a moment of its own on every instance.
func (b *tokenBroker) purgeLater() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	after := purgePeriod/2 + rand.N(purgePeriod) //nolint:gosec // spreads instances, no secret
	b.purger = time.AfterFunc(after, func() {
		ctx, cancel := context.WithTimeout(context.Background(), b.auth.cfg.Timeout)
		defer cancel()
		if err := b.purge(ctx); err != nil {
			b.auth.log.Warn("expired sessions were not purged", "error", err)
		}
		b.purgeLater()
	})
}

// purge goes on until nothing is left: one call of a store removes a bounded number, which a busy service would outrun.
func (b *tokenBroker) purge(ctx context.Context) error {
	for {
		removed, err := b.store.Purge(ctx, stored.Time(time.Now()))
		if err != nil || removed == 0 {
			return err
		}
	}
}

// faults names each part that a guard or a mint lacks.
func (b *tokenBroker) faults(ctx context.Context) error {
	var parts []error
	if _, err := b.currentRing(ctx); err != nil {
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
func (b *tokenBroker) panicked(value any, stack []byte) {
	b.auth.log.Error("a function of the application has panicked during a refresh", "panic", value, "stack", string(stack))
}

// rotateKey adds a signing key and knows it at once.
func (b *tokenBroker) rotateKey(ctx context.Context) error {
	opened, _, err := b.ready(ctx)
	if err != nil {
		return err
	}
	seen := b.ring.Peek()
	if err := opened.keeper.Rotate(ctx); err != nil {
		return storeOutage(err)
	}
	_, err = b.ring.Renew(ctx, seen)
	if errors.Is(err, fresh.ErrCooling) { // the next reload brings it
		return nil
	}
	return err
}

// withdrawKey takes a signing key away and knows it at once.
func (b *tokenBroker) withdrawKey(ctx context.Context, kid string) error {
	opened, _, err := b.ready(ctx)
	if err != nil {
		return err
	}
	switch err := opened.keeper.Withdraw(ctx, kid); {
	case errors.Is(err, keyring.ErrUnknown):
		return err
	case err != nil:
		return storeOutage(err)
	}
	for seen := b.ring.Peek(); ; {
		snapshot, err := b.ring.Renew(ctx, seen)
		switch {
		case err == nil && !snapshot.Value.Holds(kid):
			return nil
		case err == nil: // a reload that had begun before
			seen = snapshot
		case !errors.Is(err, fresh.ErrCooling):
			return storeOutage(err)
		}
		select { // it was reloaded a moment ago, and must be once more
		case <-time.After(storePause):
		case <-ctx.Done():
			return storeOutage(ctx.Err())
		}
	}
}

// close lets what is in flight finish, which takes no longer than a lease.
func (b *tokenBroker) close() error {
	b.mu.Lock()
	b.closed = true
	if b.purger != nil {
		b.purger.Stop()
	}
	b.mu.Unlock()
	if opened := b.opened.Load(); opened != nil {
		opened.families.Close()
	}
	b.ring.Close()
	b.feed.Close()
	for _, peer := range b.peers {
		peer.Close()
	}
	return b.closeStore()
}

func (b *tokenBroker) closeStore() error {
	if !b.ours {
		return nil
	}
	return b.store.Close()
}
