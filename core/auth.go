package core

import (
	"context"
	"crypto/rand"
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
	provider  *provider
	party     string       // this client at this provider: what it seals opens for no other one that shares SecretKeys
	states    *seal.Sealer // login state
	devices   *seal.Sealer // device codes of public clients
	spent     *spentStates
	refreshes singleflight.Group
}

// New checks the configuration and makes an Auth of it. All faults are told in one error, each with its field and what
// to write instead. New does no input and no output: the provider is first asked when a request needs it, so that a
// service starts while its provider is down.
func New(cfg Config) (*Auth, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.complete()
	a := &Auth{cfg: cfg, log: cfg.Logger, spent: newSpentStates(), party: cfg.DiscoveryURL + "\x00" + cfg.ClientID}
	secrets := a.secrets()
	var errs [2]error
	a.states, errs[0] = seal.New("login state", secrets...)
	a.devices, errs[1] = seal.New("device code", secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	a.provider = newProvider(&a.cfg)
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
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (a *Auth) secrets() [][]byte {
	if len(a.cfg.SecretKeys) == 0 {
		a.log.Warn("no SecretKeys are configured: logins end with this process and do not cross replicas")
		random := make([]byte, seal.MinSecret)
		_, _ = rand.Read(random) // crypto/rand.Read never fails
		return [][]byte{random}
	}
	secrets := make([][]byte, len(a.cfg.SecretKeys))
	for i, secret := range a.cfg.SecretKeys {
		secrets[i] = []byte(secret)
	}
	return secrets
}

// readyTimeout bounds Ready.
const readyTimeout = 5 * time.Second

// Ready returns nil when a guard could answer now: the provider's issuer is known and its keys are at hand. Otherwise
// the error names each part that is not. It asks the provider when nothing is at hand yet, and takes at most 5 s.
func (a *Auth) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var parts []error
	if _, err := a.provider.issuer(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's discovery document is not at hand"))
	}
	if err := a.provider.keys.Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's keys are not at hand"))
	}
	return errors.Join(parts...)
}

// Close ends what runs in the background. Requests under way finish; guards go on with the keys at hand. It always
// returns nil and may be called again.
func (a *Auth) Close() error {
	a.provider.close()
	return nil
}
