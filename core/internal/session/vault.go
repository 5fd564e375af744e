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
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Times for the work of instances with their store.
const (
	// StorePause is the minimum time between two attempts after a failure of the store, and between two reloads for unknown keys.
	StorePause  = 2 * time.Second
	leaseMargin = 10 * time.Second // a lease lasts for Timeout and this time
	waitMargin  = 2 * time.Second  // other requests wait for Timeout and this time
)

// Config has the settings of a vault and a broker. All fields must be set except ImportKey, Peers and Observe.
type Config struct {
	Upstreams Upstreams
	Store     store.Store
	Secrets   func() ([][]byte, error) // keys that encrypt the rows of the store; called after Init

	Client, Issuer, Audience, SubjectClaim string
	AnyAudience                            bool // the audience of the provider's tokens is not checked, so none can be exchanged
	TokenTTL, SessionTTL, Grace            time.Duration
	Timeout, Leeway                        time.Duration
	Algorithm                              string // of new signing keys
	ImportKey                              []byte
	Peers                                  map[string]string // trusted issuers, and the URLs of their keys

	SessionMax time.Duration // maximum lifetime of a session from its login, even if it is refreshed

	Keys     bool // there are signing keys: broker mode
	Browsers bool // there are browser sessions

	Rules  *claims.Rules
	New    func() *verify.Token      // makes the tokens that guards see
	Permit func(*verify.Token) error // the policy of what may be minted

	Log     *slog.Logger
	Observe observe.Begin
}

// Vault manages the sessions in the store that all instances share: the rows, the revocation list, and the claims of a session's person.
// It opens the store on first use. Safe for concurrent use.
type Vault struct {
	cfg    Config
	ups    Upstreams
	open   *fresh.Source[*opened]
	feed   *feed.Feed
	clocks *clocks.Watch
	purge  *purger

	userInfoTrouble, endTrouble *trouble.Trouble
}

// NewVault makes a vault. It does not use the store yet.
func NewVault(cfg Config) *Vault {
	v := &Vault{
		cfg: cfg, ups: cfg.Upstreams,
		userInfoTrouble: trouble.New(cfg.Log, slog.LevelWarn, "the provider's userinfo", "put into tokens"),
		endTrouble:      trouble.New(cfg.Log, slog.LevelError, "sessions", "ended in the store"),
	}
	v.open = fresh.New(fresh.Policy{Renew: keyring.Reload, Stale: provider.StaleAge, Pause: StorePause, Timeout: v.timeout()},
		observe.Load(cfg.Observe, observe.SigningKeys, v.load), trouble.Changes(cfg.Log, "the signing keys", "read from the store"))
	v.clocks = clocks.NewWatch(trouble.Changes(cfg.Log, "the clocks of the instances", "relied on"))
	v.feed = feed.New(feed.Config{
		Store: observedStore{cfg.Store, cfg.Observe}, Timeout: v.timeout(), Leeway: cfg.Leeway, Clocks: v.clocks,
		Changed: trouble.Changes(cfg.Log, "the revocations", "read from the store"),
	})
	for _, up := range v.ups.All {
		if up.Opaque != nil {
			up.Opaque.Ends = providerEnds{v.feed}
		}
	}
	v.purge = &purger{store: cfg.Store, timeout: cfg.Timeout, log: cfg.Log}
	return v
}

// timeout is the maximum time for one load from the store.
func (v *Vault) timeout() time.Duration { return v.cfg.Timeout + provider.Slack }

// errOldRing says that the cached signing keys are too old to sign: newer ones may have replaced them.
var errOldRing = errors.New("they have not been reloaded for two minutes")

// ready waits for the open store and, in broker mode, for signing keys that are recent enough. The error is an outage.
func (v *Vault) ready(ctx context.Context) (*opened, error) {
	snapshot, err := v.current(ctx)
	if err != nil {
		return nil, fault.Down(fault.Store, err)
	}
	return snapshot, nil
}

func (v *Vault) current(ctx context.Context) (*opened, error) {
	snapshot, err := v.open.Get(ctx)
	if err != nil {
		return nil, err
	}
	if v.cfg.Keys && time.Since(snapshot.At) > keyring.MaxAge {
		return nil, errOldRing
	}
	return snapshot.Value, nil
}

// Ready waits until the store is open and, in broker mode, a signing key is cached. The error is an outage.
func (v *Vault) Ready(ctx context.Context) error {
	_, err := v.ready(ctx)
	return err
}

// Faults returns the joined errors of all unavailable parts; nil if there are none.
func (v *Vault) Faults(ctx context.Context) error {
	var parts []error
	if _, err := v.current(ctx); err != nil {
		what := "core: the store of sessions is unavailable: "
		if v.cfg.Keys {
			what = "core: the signing keys are unavailable: "
		}
		parts = append(parts, errors.New(what+err.Error()))
	}
	if err := v.feed.Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the revocations are unavailable: "+err.Error()))
	}
	if err := v.clocks.Err(); err != nil {
		parts = append(parts, errors.New("core: "+err.Error()))
	}
	return errors.Join(parts...)
}

// panicked logs a panic of a function of the application in the background.
func (v *Vault) panicked(value any, stack []byte) {
	v.cfg.Log.Error("a function of the application panicked", "function", "Config.Require, at a refresh", "panic", fmt.Sprintf("%T", value), "stack", string(stack))
}

// Close waits for running refreshes, no longer than a lease. It does not close the store.
func (v *Vault) Close() error {
	v.purge.close()
	if open := v.opened(); open != nil {
		open.families.Close()
	}
	v.open.Close()
	v.feed.Close()
	return nil
}

// tokenLife is the maximum time for which any instance accepts a token signed now, clock differences included.
func (v *Vault) tokenLife() time.Duration { return v.cfg.TokenTTL + 2*v.cfg.Leeway }

// observedStore reports each read of the revocation list to observe: the list has no load function of its own.
type observedStore struct {
	store.Store
	observe observe.Begin
}

// Revoked reads the revocation list and reports the read to observe.
func (s observedStore) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return observe.Load(s.observe, observe.Revocations, func(ctx context.Context) ([]store.Revocation, error) {
		return s.Store.Revoked(ctx, since, now)
	})(ctx)
}
