package core

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// AnyAudience in Config.Audience accepts the provider's access tokens whatever audience they name: tokens that were issued
// for other services of the same provider pass the guards. It must be the only entry. New logs a warning.
const AnyAudience = "*"

// IssuedToUs in Config.Audience also accepts the provider's access tokens whose azp or client_id is ClientID, whatever
// their aud says; where both are there, both must be. For providers that put other services into aud, as Keycloak does with
// "Full scope allowed". Alone, it also accepts an aud that holds ClientID. It may stand beside audiences, not beside
// [AnyAudience], and needs ClientID. A token exchange takes no token by it.
const IssuedToUs = "*issued-to-us"

// Loopback in Config.RedirectURIs keeps the rule of the empty list beside other entries: http on localhost, 127.0.0.1 or
// [::1], any port, path /callback, no query.
const Loopback = "loopback"

// Defaults and bounds of the configuration.
const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = 5 * time.Minute
	defaultLeeway  = 30 * time.Second
	maxLeeway      = 5 * time.Minute

	defaultTokenCache = 8192
	maxTokenCache     = 1 << 20

	// unlimitedRefresh is how long a refresh token is said to live when the provider names no end.
	unlimitedRefresh = 30 * 24 * time.Hour
)

// defaultScopes are requested if Config.Scopes is empty; openid is always added.
var defaultScopes = []string{"profile", "email"}

// Config has all settings of an [Auth]. Each field documents its default, which is the zero value. [New] copies it.
// Environment variables are read in two places: the proxy settings that [http.DefaultTransport] honours, unless HTTPClient
// has a transport, and the user's data directory (XDG_DATA_HOME, HOME) if broker mode has neither Store nor StoreURL.
// Printing or logging a Config shows no secret.
type Config struct {
	// DiscoveryURL is the address of the provider's discovery document, ending in /.well-known/openid-configuration
	// (OpenID Connect Discovery section 4). https, or http on loopback. Empty: Issuer and JWKSURL are both needed, and only
	// the guards and userinfo work. Over https, the document must name https endpoints, unless DiscoveryURL is on loopback.
	DiscoveryURL string
	// ClientID is the client id of this service at the provider. Needed with DiscoveryURL.
	ClientID string
	// ClientSecret authenticates this service. Empty: a public client.
	ClientSecret string
	// PublicURL is what browsers see before a Paths entry: scheme, host and prefix ("https://app.example.org/api"). https,
	// or http on loopback. Scheme and host are put into lower case, a trailing slash is dropped. Empty: the callback route
	// answers 500 and browser logins do not work, which New logs as a warning; broker mode needs it, as it is the issuer of
	// its tokens. The request's Host and X-Forwarded headers are never read.
	PublicURL string
	// Issuer is the only issuer accepted, compared byte for byte. Empty: the one that the discovery document names, which
	// must be DiscoveryURL without its well-known part, with or without a trailing slash.
	Issuer string
	// JWKSURL is the address of the provider's keys. Empty: the discovery document's jwks_uri.
	JWKSURL string

	// Scopes are requested at login and device start. A login may choose among them and openid, profile, email and
	// offline_access, and no others. Empty: profile and email. openid is always added.
	Scopes []string
	// Audience lists the accepted audiences: aud of the provider's access tokens must hold one of them. Empty: it must hold
	// ClientID; where aud is absent or names clients of Keycloak's own alone (account, broker, realm-management), and the token
	// is none of RFC 9068 (at+jwt), it is enough that azp and client_id name ClientID, whichever are there. [IssuedToUs]
	// accepts tokens by azp or client_id whatever their aud says; [AnyAudience] alone waives the check. A token exchange
	// always asks for aud, and is off with AnyAudience. ID tokens are for ClientID in any case.
	Audience []string
	// RedirectURIs lists where a login may send the browser, beside the own callback, compared byte for byte. https, a
	// native app's own scheme, or http on loopback. Empty: the loopback rule, see [Loopback].
	RedirectURIs []string
	// PostLogoutURIs lists where a logout may send the browser, compared byte for byte. Empty: nowhere.
	PostLogoutURIs []string
	// SecretKeys seal the login state and what broker mode stores: the first seals, all open. Each has at least 32 bytes and
	// is random, for instance the output of "openssl rand -base64 48"; New refuses keys that can be guessed. Empty: a random
	// key per process, with a warning in the log; logins then end with the process and work on one replica alone. Broker
	// mode needs keys, except with a store on this machine alone: SQLite gets a key file beside the database.
	SecretKeys []string

	// Store is an open store; it takes precedence over StoreURL, and Close leaves it open. All instances of a service share
	// one store; broker mode needs one.
	Store store.Store
	// StoreURL names the database of sessions and signing keys, by a scheme that an imported store package has registered:
	// "postgres://user@host/database". New opens it without connecting, Close closes it. Empty, and no Store: in broker mode
	// an SQLite file broker.sqlite in the folder AppName of the user's data directory (XDG_DATA_HOME or the platform's own).
	StoreURL string
	// AppName is the folder of the default SQLite file. Empty: oidcauth.
	AppName string

	// Broker switches broker mode on. nil: the provider's tokens are passed through.
	Broker *BrokerConfig

	// Require is added to the requirements of every guard without [NoDefaults]; broker mode issues no token that does not
	// meet it.
	Require []Requirement
	// RolesOfAllClients makes the roles of every client in a token's resource_access count for [IDToken.Roles], [Roles] and
	// [AnyRole], and puts them into the tokens of broker mode, as the Python library does: an administrator of another
	// application is one here too, and at every service that trusts this one. Default: of resource_access, the roles of
	// ClientID alone.
	RolesOfAllClients bool
	// NoOfflineAccess never requests offline_access. Default: a device start requests it, a login if its query does.
	NoOfflineAccess bool
	// AllowHTTP permits http beyond loopback for the provider, trusted issuers, PublicURL and RedirectURIs: whoever can read
	// or change the traffic can then take over every login. New logs a warning.
	AllowHTTP bool

	// Timeout bounds one exchange with the provider as a whole. A route answers within Timeout and one second, in broker mode
	// three. 0: 10 s. At most 5 min.
	Timeout time.Duration
	// Leeway is how far the clocks of provider and service may differ. 0: 30 s. At most 5 min.
	Leeway time.Duration

	// TokenCacheSize is how many verified access tokens are cached, so that a token costs one signature check and not one per
	// request; each takes 2 to 3 KiB. Expiry, the provider's keys and revocation are checked on every request. 0: 8,192.
	// Negative: no cache. At most 1,048,576.
	TokenCacheSize int

	// HTTPClient is copied for calls to the provider: its transport, jar and Timeout are kept, redirects are refused, bodies
	// bounded. nil: a client with defaults.
	HTTPClient *http.Client
	// Logger gets warnings about the configuration, each change of state with what to correct, and at level debug a line for
	// each refused token, at most ten per second. No token, code or secret is ever logged. nil: nothing is logged.
	Logger *slog.Logger
	// Observe is called when a login, a refresh, a fetch or a call to the provider begins and ends, and for every verification:
	// counters, durations and spans. [ObserveFunc] makes one of a function that counts; see [Observer] and [Event]. nil: no
	// calls.
	Observe Observer
	// OnLogin answers the callback route after a successful login, for instance with a session cookie and a redirect. nil, or
	// a nil answer: the token as JSON.
	OnLogin func(context.Context, *Request, *Token) *Response
	// OnError answers a request that a guard or a route refuses, with the request at hand. Start with [Error.Response] to keep
	// WWW-Authenticate and Retry-After. It is called by many requests at once. nil, or a nil answer: what Error.Response
	// renders.
	OnError func(context.Context, *Request, *Error) *Response

	ownStore bool // Store was opened by New, and is closed by Close
}

// checked returns a copy with every default filled in and, in broker mode, an open store. The error lists every invalid
// field and its fix.
func (c Config) checked() (*Config, error) {
	c.PublicURL = lowerOrigin(c.PublicURL)
	c.DiscoveryURL, c.JWKSURL = lowerScheme(c.DiscoveryURL), lowerScheme(c.JWKSURL)
	var f faults
	c.check(&f)
	c.openStore(&f)
	if len(f) > 0 {
		_ = c.closeOwnStore() // nothing was written: the faults of the configuration say more
		return nil, errors.Join(f...)
	}
	c.complete()
	return &c, nil
}

// complete copies what the caller could change later, and fills in the defaults.
func (c *Config) complete() {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.Scopes, c.Audience = slices.Clone(c.Scopes), slices.Clone(c.Audience)
	c.RedirectURIs, c.PostLogoutURIs = slices.Clone(c.RedirectURIs), slices.Clone(c.PostLogoutURIs)
	c.SecretKeys, c.Require = slices.Clone(c.SecretKeys), slices.Clone(c.Require)
	if len(c.Scopes) == 0 {
		c.Scopes = slices.Clone(defaultScopes)
	}
	if len(c.RedirectURIs) == 0 {
		c.RedirectURIs = []string{Loopback}
	}
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Leeway = cmp.Or(c.Leeway, defaultLeeway)
	c.TokenCacheSize = cmp.Or(c.TokenCacheSize, defaultTokenCache)
	if c.Broker != nil {
		c.Broker = c.Broker.complete(c.PublicURL)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}
