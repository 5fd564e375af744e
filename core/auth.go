package core

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"golang.org/x/sync/singleflight"
)

// Auth is one configured service: it makes guards and routes. Safe for concurrent use.
type Auth struct {
	cfg       Config
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
	refreshes singleflight.Group
}

// New checks the configuration and makes an Auth of it. All faults are told in one error, each with its field and what
// to write instead. New does no input and no output: the provider is first asked when a request needs it, so that a
// service starts while its provider is down; the store of broker mode is opened then too.
func New(cfg Config) (*Auth, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.complete()
	a := &Auth{cfg: cfg, log: cfg.Logger, metrics: cfg.Metrics, troubles: newTroubles(cfg.Logger), spent: newSpentStates(), party: cfg.DiscoveryURL + "\x00" + cfg.ClientID}
	secrets := a.secrets()
	var errs [2]error
	a.states, errs[0] = seal.New("login state", secrets...)
	a.devices, errs[1] = seal.New("device code", secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	a.provider = newProvider(&a.cfg, &a.troubles.revocation)
	a.verified = newVerifiedTokens(&a.cfg)
	if a.cfg.Broker != nil {
		var err error
		if a.broker, err = newBroker(a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// complete copies the configuration and fills in what was left out.
func (c Config) complete() Config {
	for _, list := range []*[]string{&c.Scopes, &c.Audience, &c.RedirectURIs, &c.PostLogoutURIs, &c.SecretKeys} {
		*list = slices.Clone(*list)
	}
	c.Require = slices.Clone(c.Require)
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if len(c.Scopes) == 0 {
		c.Scopes = slices.Clone(defaultScopes)
	}
	if len(c.RedirectURIs) == 0 {
		c.RedirectURIs = []string{Loopback}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.AppName == "" {
		c.AppName = defaultAppName
	}
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	if c.TokenCacheSize == 0 {
		c.TokenCacheSize = defaultTokenCache
	}
	if c.Broker != nil {
		c.Broker = c.Broker.complete(c.PublicURL)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
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

// WithdrawKey takes a signing key that leaked out of use, by the kid of its tokens: no token that it signed is accepted from
// then on, by this instance at once and by others within a minute, and another key signs. The sessions live on: clients get
// new tokens by a refresh. Services that trust this one learn of it when they fetch its keys next. It may be repeated. The
// error is that of the store, or says that there is no such key; in passthrough mode there is none.
func (a *Auth) WithdrawKey(ctx context.Context, kid string) error {
	if a.broker == nil {
		return errors.New("core: WithdrawKey: there are no signing keys without Config.Broker")
	}
	return a.broker.withdrawKey(ctx, kid)
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
