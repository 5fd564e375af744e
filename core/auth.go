package core

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"golang.org/x/sync/singleflight"
)

// Auth is one configured service: it makes guards and routes. Safe for concurrent use.
type Auth struct {
	cfg       *Config // a pointer, so that printing an Auth by value prints no setting
	log       *slog.Logger
	metrics   metrics
	troubles  *troubles
	provider  *provider
	broker    *tokenBroker // nil in passthrough mode
	party     string       // this client at this provider: what it seals opens for no other one that shares SecretKeys
	states    *seal.Sealer // login state
	devices   *seal.Sealer // device codes of public clients
	spent     *spentStates
	verified  *verifiedTokens
	refreshes *singleflight.Group
}

// New checks the configuration and makes an Auth of it. Its error lists every invalid field and its fix, one per line. New
// uses neither network nor disk: the provider is first called, and the store of broker mode first connected to, when a
// request needs it, so that a service starts while they are down.
func New(config Config) (*Auth, error) {
	cfg, err := config.checked()
	if err != nil {
		return nil, err
	}
	cfg.warn()
	a := &Auth{cfg: cfg, log: cfg.Logger, metrics: cfg.Metrics, troubles: newTroubles(cfg.Logger), spent: newSpentStates(), refreshes: new(singleflight.Group), party: cfg.DiscoveryURL + "\x00" + cfg.ClientID}
	secrets := a.secrets()
	var errs [2]error
	a.states, errs[0] = seal.New("login state", secrets...)
	a.devices, errs[1] = seal.New("device code", secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	a.provider = newProvider(a.cfg, &a.troubles.revocation)
	a.verified = newVerifiedTokens(a.cfg)
	if a.cfg.Broker != nil {
		a.broker = newBroker(a)
	}
	return a, nil
}

// readyTimeout bounds Ready.
const readyTimeout = 5 * time.Second

// Ready returns nil when a guard could answer now. In passthrough mode the provider's issuer is known and its keys are at
// hand; in broker mode the store is migrated, a signing key opens, and the revocations were read within the last minute:
// neither the provider nor trusted issuers are asked. Otherwise the error names each part that is not ready. It takes at
// most 5 s.
func (a *Auth) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if a.broker != nil {
		return a.broker.faults(ctx)
	}
	var parts []error
	if _, err := a.provider.issuer(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's discovery document is not at hand"))
	}
	if err := a.provider.keys.Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's keys are not at hand"))
	}
	return errors.Join(parts...)
}

// RotateKey adds a signing key in broker mode. It is published at once and signs after ten minutes, on every instance; the
// one before verifies until the last token that it signed has expired. Calls that come while a new key waits, on this
// instance or another, change nothing. The error is that of the store; in passthrough mode there is no key to rotate.
func (a *Auth) RotateKey(ctx context.Context) error {
	if a.broker == nil {
		return errors.New("core: RotateKey: there are no signing keys without Config.Broker")
	}
	return a.broker.rotateKey(ctx)
}

// Close ends what runs in the background and closes a store that StoreURL named. Refreshes under way finish first, which
// takes no longer than Timeout and ten seconds; guards go on with the keys at hand. It may be called again. The error is
// that of closing the store.
func (a *Auth) Close() error {
	var err error
	if a.broker != nil {
		err = a.broker.close()
	}
	a.provider.close()
	return err
}
