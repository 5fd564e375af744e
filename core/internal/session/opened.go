package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// opened is a snapshot of the open store, with its families and signing keys. Snapshots of one vault differ in ring alone.
type opened struct {
	families *family.Families
	keeper   *keyring.Keeper
	ring     *keyring.Ring
}

// Find returns the own public key with the kid of a token.
func (o *opened) Find(token jose.Header) (jose.Key, bool) { return o.ring.Find(token) }

// signer returns the key that signs now.
func (o *opened) signer() *jose.Signer { return o.ring.Signer(time.Now()) }

// opened returns the last snapshot, however old; nil if the store was never open.
func (v *Vault) opened() *opened {
	if snapshot := v.open.Last(); snapshot != nil {
		return snapshot.Value
	}
	return nil
}

// load opens the store if it is not open yet, and reads the signing keys.
func (v *Vault) load(ctx context.Context) (*opened, error) {
	last := v.opened()
	if last == nil {
		var err error
		if last, err = v.openStore(ctx); err != nil {
			return nil, err
		}
	}
	next := &opened{families: last.families, keeper: last.keeper}
	if v.cfg.Keys {
		var err error
		if next.ring, err = last.keeper.Load(ctx); err != nil {
			return nil, err
		}
	}
	v.purge.start()
	return next, nil
}

func (v *Vault) openStore(ctx context.Context) (*opened, error) {
	if err := v.cfg.Store.Init(ctx); err != nil {
		return nil, err
	}
	secrets, err := v.cfg.Secrets()
	if err != nil {
		return nil, err
	}
	keeper, err := v.newKeeper(secrets)
	if err != nil {
		return nil, err
	}
	families, err := family.New(family.Config{
		Store: v.cfg.Store, Secrets: secrets, Issuer: v.cfg.Issuer, Client: v.cfg.Client,
		Abandon: v.abandon, Revoked: v.feed.Has, Panicked: v.panicked, Clocks: v.clocks,
		Lease: v.cfg.Timeout + leaseMargin, Wait: v.cfg.Timeout + waitMargin, Grace: v.cfg.Grace, Feed: v.endedLife(),
		Leeway: v.cfg.Leeway, Max: v.cfg.SessionMax,
	})
	if err != nil {
		return nil, err
	}
	return &opened{families: families, keeper: keeper}, nil
}

func (v *Vault) newKeeper(secrets [][]byte) (*keyring.Keeper, error) {
	sealer, err := seal.New("signing key", secrets...)
	if err != nil {
		return nil, err
	}
	return &keyring.Keeper{
		Store: v.cfg.Store, Sealer: sealer, Issuer: v.cfg.Issuer, Client: v.cfg.Client, Life: v.tokenLife(), Import: v.cfg.ImportKey, Now: time.Now,
		Algorithm: v.cfg.Algorithm,
	}, nil
}

// purgePeriod is the average time between two purges of one instance.
const purgePeriod = 10 * time.Minute

// purger removes expired rows from the store, at random intervals that spread the work of all instances. Safe for concurrent use.
type purger struct {
	store   store.Store
	timeout time.Duration
	log     *slog.Logger

	mu     sync.Mutex // guards the fields below
	timer  *time.Timer
	closed bool
}

// start schedules the first purge. Further calls do nothing.
func (p *purger) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		p.schedule()
	}
}

// schedule sets the timer. The caller holds mu.
func (p *purger) schedule() {
	if p.closed {
		return
	}
	after := purgePeriod/2 + rand.N(purgePeriod) //nolint:gosec // spreads instances; not a secret
	p.timer = time.AfterFunc(after, p.run)
}

func (p *purger) run() {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	if err := p.safely(ctx); err != nil {
		p.log.Warn("expired sessions were not purged", "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.schedule()
}

// safely purges and recovers from a panic of the store, which would end the process.
func (p *purger) safely(ctx context.Context) (err error) {
	defer func() {
		if recover() != nil {
			err = errPurgePanicked
		}
	}()
	return p.all(ctx)
}

var errPurgePanicked = errors.New("the store panicked")

// all purges until nothing is left: one call removes a bounded number of rows, fewer than a busy service may add.
func (p *purger) all(ctx context.Context) error {
	for {
		removed, err := p.store.Purge(ctx, stored.Time(time.Now()))
		if err != nil || removed == 0 {
			return err
		}
	}
}

func (p *purger) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
