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

// opened is what there is once the store is open and its secrets are known: one snapshot of all. Only ring differs from one
// snapshot to the next.
type opened struct {
	families *family.Families
	keeper   *keyring.Keeper
	ring     *keyring.Ring
}

// Find returns the own key that a token names.
func (o *opened) Find(token jose.Header) (jose.Key, bool) { return o.ring.Find(token) }

// signer is the key that signs now.
func (o *opened) signer() *jose.Signer { return o.ring.Signer(time.Now()) }

// opened returns the last snapshot however old it is, nil when the store was never open.
func (v *Vault) opened() *opened {
	if snapshot := v.open.Last(); snapshot != nil {
		return snapshot.Value
	}
	return nil
}

// load reads the signing keys, after it has opened the store if that is still to be done.
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
	sealer, err := seal.New("signing key", secrets...)
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
	keeper := &keyring.Keeper{
		Store: v.cfg.Store, Sealer: sealer, Issuer: v.cfg.Issuer, Client: v.cfg.Client, Life: v.tokenLife(), Import: v.cfg.ImportKey, Now: time.Now,
	}
	return &opened{families: families, keeper: keeper}, nil
}

// purgePeriod is the time between two purges of one instance, on average.
const purgePeriod = 10 * time.Minute

// purger removes what has ended, at a moment of its own on every instance. Safe for concurrent use.
type purger struct {
	store   store.Store
	timeout time.Duration
	log     *slog.Logger

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	closed bool
}

// start begins to purge now and then, once.
func (p *purger) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		p.schedule()
	}
}

// schedule sets the timer; mu is held.
func (p *purger) schedule() {
	if p.closed {
		return
	}
	after := purgePeriod/2 + rand.N(purgePeriod) //nolint:gosec // spreads instances, no secret
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

// safely purges; a store that panics must not end the process.
func (p *purger) safely(ctx context.Context) (err error) {
	defer func() {
		if recover() != nil {
			err = errPurgePanicked
		}
	}()
	return p.all(ctx)
}

var errPurgePanicked = errors.New("the store has panicked")

// all goes on until nothing is left: one call of a store removes a bounded number, which a busy service would outrun.
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
