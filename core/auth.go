package core

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Auth is one configured service: it makes guards and routes. Safe for concurrent use.
type Auth struct {
	cfg      *Config // a pointer, so that printing an Auth by value prints no setting
	log      *slog.Logger
	provider *provider.Provider
	verifier *verify.Verifier // what the guards accept
	states   *login.Logins    // what logins under way remember
	logins   *session.Logins  // what becomes of a login: passed through, or kept
	broker   *session.Broker  // nil in passthrough mode: there are no keys to publish and to rotate

	noLogout  *trouble.Trouble // the provider has no logout
	refusals  *trouble.Limit   // of lines about refused tokens
	redirects *trouble.Limit   // of lines about refused redirect URIs
	closed    *atomic.Bool     // in broker mode: the revocation list does not move any more
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
	a := &Auth{
		cfg: cfg, log: cfg.Logger, closed: new(atomic.Bool),
		noLogout:  trouble.New(cfg.Logger, slog.LevelWarn, "browsers", "sent to the provider's logout"),
		refusals:  &trouble.Limit{Lines: 10, Every: time.Second},
		redirects: &trouble.Limit{Lines: 1, Every: time.Minute},
	}
	if a.states, err = login.New(login.Config{Secrets: a.secrets(), Party: cfg.party(), Leeway: cfg.Leeway, Secure: cfg.isSecure()}); err != nil {
		return nil, err
	}
	a.provider = provider.New(provider.Config{
		DiscoveryURL: cfg.DiscoveryURL, Issuer: cfg.Issuer, JWKSURL: cfg.JWKSURL, Client: provider.NewClient(cfg.ClientID, cfg.ClientSecret),
		HTTP: cfg.HTTPClient, Timeout: cfg.Timeout, Allows: func(address string) bool { return cfg.badEndpoint(address) == "" },
		Log: a.log, Observe: a.observed(),
	})
	up := &session.Upstream{Provider: a.provider, Issuer: a.providerIssuer(), RefreshTTL: cfg.sessionTTL()}
	sessions := a.sessions(up)
	a.logins = session.NewLogins(up, sessions)
	a.verifier = verify.NewVerifier(cfg.TokenCacheSize, sessions.Issuers()...)
	return a, nil
}

// sessions chooses what is done with logins.
func (a *Auth) sessions(up *session.Upstream) session.Sessions {
	if a.cfg.Broker == nil {
		return session.NewPassthrough(up, a.log)
	}
	a.broker = session.NewBroker(a.brokerConfig(up))
	return a.broker
}

func (a *Auth) brokerConfig(up *session.Upstream) session.BrokerConfig {
	b, mint := a.cfg.Broker, a.Required()
	peers := make(map[string]string)
	for _, issuer := range b.TrustedIssuers {
		peers[issuer] = strings.TrimSuffix(issuer, "/") + b.PeerJWKSPath
	}
	random := randomSecret()
	return session.BrokerConfig{
		Upstream: up, Store: a.cfg.Store, Secrets: func() ([][]byte, error) { return a.storeSecrets(random) },
		Client: a.cfg.ClientID, Issuer: a.cfg.PublicURL, Audience: b.Audience, SubjectClaim: b.SubjectClaim,
		AnyAudience: a.cfg.takesAnyAudience(), TokenTTL: b.TokenTTL, SessionTTL: b.SessionTTL, SessionMax: b.SessionMax, Grace: b.RefreshGrace,
		Timeout: a.cfg.Timeout, Leeway: a.cfg.Leeway, ImportKey: b.ImportKey, Peers: peers,
		Rules: a.cfg.rules(), New: newToken, Permit: func(token *verify.Token) error { return mint.permit(idTokenOf(token)) },
		Log: a.log, Observe: a.observed(),
	}
}

// party is this client at this provider: what it seals opens for no other one that shares SecretKeys.
func (c *Config) party() string { return c.DiscoveryURL + "\x00" + c.ClientID }

// isSecure reports whether browsers come by https.
func (c *Config) isSecure() bool { return strings.HasPrefix(c.PublicURL, "https:") }

// sessionTTL is how long a refresh token is good for when the provider names no end.
func (c *Config) sessionTTL() time.Duration {
	if c.Broker == nil {
		return unlimitedRefresh
	}
	return c.Broker.SessionTTL
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
	return a.logins.Faults(ctx)
}

// RotateKey adds a signing key in broker mode. It is published at once and signs after ten minutes, on every instance; the
// one before verifies until the last token that it signed has expired. Calls that come while a new key waits, on this
// instance or another, change nothing. The error is that of the store; in passthrough mode there is no key to rotate.
func (a *Auth) RotateKey(ctx context.Context) error {
	if a.broker == nil {
		return errors.New("core: RotateKey: there are no signing keys without Config.Broker")
	}
	return a.broker.RotateKey(ctx)
}

// WithdrawKey takes a signing key that leaked out of use, by the kid of its tokens: no token that it signed is accepted from
// then on, by this instance at once and by others within a minute, and another key signs. The sessions live on: clients get
// new tokens by a refresh. Services that trust this one learn of it when they fetch its keys next. It may be repeated. The
// error is that of the store, or says that there is no such key; in passthrough mode there is none.
func (a *Auth) WithdrawKey(ctx context.Context, kid string) error {
	if a.broker == nil {
		return errors.New("core: WithdrawKey: there are no signing keys without Config.Broker")
	}
	return a.broker.WithdrawKey(ctx, kid)
}

// Close ends what runs in the background and closes a store that StoreURL named. Refreshes under way finish first, which
// takes no longer than Timeout and ten seconds. In passthrough mode guards go on with the cached keys; in broker mode they
// answer 503 from now on, since nothing tells them any more which sessions have ended. It may be called again. The error is that
// of closing the store.
func (a *Auth) Close() error {
	a.closed.Store(a.broker != nil)
	err := errors.Join(a.logins.Close(), a.cfg.closeOwnStore())
	a.provider.Close()
	return err
}
