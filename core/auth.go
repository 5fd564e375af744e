package core

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/outgoing"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Auth is one configured service; it makes the guards and the routes. Safe for concurrent use.
type Auth struct {
	cfg      *Config // a pointer, so that printing an Auth by value prints no setting
	log      *slog.Logger
	parties  []*party          // the providers of the configuration, the main one first
	tenants  *residents        // those of Config.ResolveIssuer; nil without it
	verifier *verify.Verifier  // what the guards accept
	states   *login.Logins     // state of the logins in progress
	logins   *session.Logins   // finishes a login: passes tokens through, or starts a session
	vault    *session.Vault    // keeps sessions in the store; nil without one
	broker   *session.Broker   // nil in passthrough mode, which has no signing keys
	browsers *session.Browsers // nil without Config.Sessions
	origin   string            // of PublicURL, as browsers write it

	tokens *outgoing.Tokens // for calls to other services

	publicKeys []byte // of the ClientKeys of all providers, as a JWK set; nil without one

	resources *resources // nil without Config.Resources

	refusals  *trouble.Limit          // of log lines about refused tokens
	redirects *trouble.Limit          // of log lines about refused redirect URIs
	closed    *atomic.Bool            // Close was called: the revocation list, if there is one, is stale
	loginPath *atomic.Pointer[string] // of the login route that was mounted first
	own       *sync.Map               // paths of the mounted routes
	mounts    *mounts                 // their tables, for Doctor
	rules     *rules                  // of the application's guards

	covered, preflights, foreign *trouble.Limit // of log lines about middleware in the wrong order, and about states of other instances
}

// New checks the configuration and returns an Auth. Its error lists every invalid field and its fix, one per line. New uses
// neither network nor disk: it calls the provider and connects to the store only when a request needs them, so a service
// starts while they are down.
func New(config Config) (*Auth, error) {
	cfg, err := config.checked()
	if err != nil {
		return nil, err
	}
	cfg.warn()
	a := &Auth{
		cfg: cfg, log: cfg.Logger, closed: new(atomic.Bool), loginPath: new(atomic.Pointer[string]), own: new(sync.Map), mounts: new(mounts), rules: new(rules), tokens: outgoing.New(cfg.Timeout*2 + tokenMargin), origin: originOf(cfg.PublicURL),
		refusals:  &trouble.Limit{Lines: 10, Every: time.Second},
		redirects: trouble.OncePerMinute(), foreign: trouble.OncePerMinute(),
		covered: trouble.OncePerMinute(), preflights: trouble.OncePerMinute(),
	}
	if a.states, err = login.New(login.Config{Secrets: a.secrets(), Party: cfg.party(), Leeway: cfg.Leeway, Secure: cfg.isSecure()}); err != nil {
		return nil, err
	}
	a.resources = a.newResources()
	var ups session.Upstreams
	if a.tenants = a.newResidents(); a.tenants != nil {
		ups.Resolve = a.tenants.upstream
	}
	for _, settings := range cfg.all() {
		p, err := a.newParty(*settings, a.around(settings))
		if err != nil {
			return nil, err
		}
		a.parties, ups.All = append(a.parties, p), append(ups.All, p.up)
	}
	if a.publicKeys, err = cfg.clientKeys(); err != nil {
		return nil, err
	}
	sessions := a.sessions(ups)
	a.logins = session.NewLogins(ups, sessions, a.browsers)
	a.verifier = verify.NewVerifier(cfg.TokenCacheSize, sessions.Issuers()...)
	if cfg.Broker == nil {
		a.verifier.Opaque = ups.Opaque()
		if a.tenants != nil {
			a.verifier.Resolve = a.tenants.row
		}
	}
	return a, nil
}

// main returns the main provider.
func (a *Auth) main() *party { return a.parties[0] }

// sessions returns the implementation for the configured mode.
func (a *Auth) sessions(ups session.Upstreams) session.Sessions {
	if a.cfg.needsStore() {
		a.vault = session.NewVault(a.vaultConfig(ups))
	}
	if s := a.cfg.Sessions; s != nil {
		a.browsers = session.NewBrowsers(a.vault, session.BrowserConfig{
			Idle: s.IdleTimeout, Lifetime: s.Lifetime, RefreshAfter: s.RefreshAfter, PerUser: s.PerUser, Cache: a.cfg.TokenCacheSize, Claims: s.Claims, New: newSeat,
			Trouble: trouble.New(a.log, slog.LevelWarn, "the roles of sessions", "brought up to date"),
		})
	}
	if a.cfg.Broker == nil {
		return session.NewPassthrough(ups, a.log)
	}
	a.broker = session.NewBroker(a.vault)
	return a.broker
}

func (a *Auth) vaultConfig(ups session.Upstreams) session.Config {
	b, mint := a.cfg.Broker, a.guard(false, nil)
	if b == nil {
		b = &BrokerConfig{Audience: a.cfg.PublicURL, SubjectClaim: defaultSubject, SigningAlgorithm: defaultSigning}
	}
	peers := make(map[string]string)
	for _, issuer := range b.TrustedIssuers {
		peers[issuer] = strings.TrimSuffix(issuer, "/") + b.PeerJWKSPath
	}
	random := randomSecret()
	return session.Config{
		Upstreams: ups, Store: a.cfg.Store, Secrets: func() ([][]byte, error) { return a.storeSecrets(random) },
		Client: a.cfg.main.ClientID, Issuer: a.cfg.PublicURL, Audience: b.Audience, SubjectClaim: b.SubjectClaim,
		AnyAudience: a.cfg.takesAnyAudience(), TokenTTL: b.TokenTTL, SessionTTL: b.SessionTTL, SessionMax: b.SessionMax, Grace: b.RefreshGrace,
		Timeout: a.cfg.Timeout, Leeway: a.cfg.Leeway, Algorithm: b.SigningAlgorithm, ImportKey: b.ImportKey, Peers: peers,
		Keys: a.cfg.Broker != nil, Browsers: a.cfg.Sessions != nil, Rules: a.main().up.Rules, New: newToken, Permit: func(token *verify.Token) error { return mint.permit(idTokenOf(token)) },
		Log: a.log, Observe: a.observed(""),
	}
}

// party identifies this client at this provider: another service that shares SecretKeys cannot open what it seals.
func (c *Config) party() string { return c.main.DiscoveryURL + "\x00" + c.main.ClientID }

// isSecure reports whether browsers use https.
func (c *Config) isSecure() bool { return strings.HasPrefix(c.PublicURL, "https:") }

// sessionTTL is the lifetime of a refresh token if the provider does not state one.
func (c *Config) sessionTTL() time.Duration {
	if c.Broker == nil {
		return unlimitedRefresh
	}
	return c.Broker.SessionTTL
}

// readyTimeout bounds Ready.
const readyTimeout = 5 * time.Second

// Ready returns nil if a guard can answer now. In passthrough mode the issuer and the keys of the provider, of several those of one, must be
// cached; Ready fetches them if they are not. With Sessions or in broker mode the store must be migrated, and the revocation list must be
// at most a minute old. In broker mode a signing key must open too, and neither the provider nor trusted issuers are called.
// Otherwise the error names each part that is not ready. Ready takes at most 5 s.
func (a *Auth) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return a.logins.Faults(ctx)
}

// RotateKey adds a signing key in broker mode. The key is published at once and signs after ten minutes, on every instance;
// the previous key verifies until the last token it signed has expired. While a new key is waiting, on this instance or
// another, RotateKey does nothing. It returns the store's error, and an error in passthrough mode, which has no keys.
func (a *Auth) RotateKey(ctx context.Context) error {
	if a.broker == nil {
		return errors.New("core: RotateKey: there are no signing keys without Config.Broker")
	}
	return a.broker.RotateKey(ctx)
}

// WithdrawKey stops using a leaked signing key, named by the kid of its tokens: its tokens are rejected from then on, by this
// instance at once and by others within a minute, and another key signs. Sessions continue: clients get new tokens with
// a refresh. Services that trust this one notice when they next fetch its keys. It may be repeated. It returns the store's
// error, an error for an unknown key, and an error in passthrough mode, which has no keys.
func (a *Auth) WithdrawKey(ctx context.Context, kid string) error {
	if a.broker == nil {
		return errors.New("core: WithdrawKey: there are no signing keys without Config.Broker")
	}
	return a.broker.WithdrawKey(ctx, kid)
}

// Close stops the background work and closes a store opened from StoreURL. It waits for refreshes in progress, at most
// Timeout plus ten seconds. Afterwards guards still accept the provider's tokens with the cached keys; for sessions and own
// tokens they answer 503, because the revocation list is no longer updated. Close may be called again. It returns the error
// of closing the store.
func (a *Auth) Close() error {
	a.closed.Store(true)
	errs := []error{a.logins.Close()}
	if a.vault != nil {
		errs = append(errs, a.vault.Close())
	}
	errs = append(errs, a.cfg.closeOwnStore())
	for _, p := range a.parties {
		p.up.Provider.Close()
	}
	a.tenants.close()
	return errors.Join(errs...)
}
