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

// How instances work with their store.
const (
	// StorePause is the time between two tries of a store that fails, and two reloads for unknown keys.
	StorePause  = 2 * time.Second
	leaseMargin = 10 * time.Second // what a lease lasts longer than a call to the provider
	waitMargin  = 2 * time.Second  // what others wait longer for the holder of a lease
)

// Config is what a vault and a broker are made from. All fields are needed but ImportKey, Peers and Observe.
type Config struct {
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
	up     *Upstream
	open   *fresh.Source[*opened]
	feed   *feed.Feed
	clocks *clocks.Watch
	purge  *purger

	userInfoTrouble, endTrouble *trouble.Trouble
}

// NewVault makes a vault that has not asked its store for anything yet.
func NewVault(cfg Config) *Vault {
	v := &Vault{
		cfg: cfg, up: cfg.Upstream,
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
	v.purge = &purger{store: cfg.Store, timeout: cfg.Timeout, log: cfg.Log}
	return v
}

// timeout bounds one visit of the store.
func (v *Vault) timeout() time.Duration { return v.cfg.Timeout + provider.Slack }

// errOldRing says that the cached signing keys may have been followed by others.
var errOldRing = errors.New("they have not been reloaded for two minutes")

// ready waits for the open store and signing keys that may sign.
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

// Ready waits until the store is open and a key to sign with is cached.
func (v *Vault) Ready(ctx context.Context) error {
	_, err := v.ready(ctx)
	return err
}

// Faults names each part that a guard or a mint lacks.
func (v *Vault) Faults(ctx context.Context) error {
	var parts []error
	if _, err := v.current(ctx); err != nil {
		what := "core: the store of sessions is not at hand: "
		if v.cfg.Keys {
			what = "core: the signing keys are not at hand: "
		}
		parts = append(parts, errors.New(what+err.Error()))
	}
	if err := v.feed.Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the revocations are not at hand: "+err.Error()))
	}
	if err := v.clocks.Err(); err != nil {
		parts = append(parts, errors.New("core: "+err.Error()))
	}
	return errors.Join(parts...)
}

// panicked logs a function of the application that has panicked in the background.
func (v *Vault) panicked(value any, stack []byte) {
	v.cfg.Log.Error("a function of the application panicked", "function", "Config.Require, at a refresh", "panic", fmt.Sprintf("%T", value), "stack", string(stack))
}

// Close waits for refreshes under way, which takes no longer than a lease. The store stays open.
func (v *Vault) Close() error {
	v.purge.close()
	if open := v.opened(); open != nil {
		open.families.Close()
	}
	v.open.Close()
	v.feed.Close()
	return nil
}

// tokenLife is the longest that anybody accepts a token signed now, clocks included.
func (v *Vault) tokenLife() time.Duration { return v.cfg.TokenTTL + 2*v.cfg.Leeway }

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
