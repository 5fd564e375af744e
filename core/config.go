package core

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// AnyAudience in Config.Audience accepts access tokens of the provider whatever audience they name: tokens that were
// issued for other services of the same provider pass the guards. It stands alone in the list.
const AnyAudience = "*"

// Loopback in Config.RedirectURIs keeps the rule that holds when the list is empty: http on localhost, 127.0.0.1 or
// [::1], any port, path /callback, no query.
const Loopback = "loopback"

// Defaults and bounds of the configuration; each is said here once.
const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = 5 * time.Minute
	defaultLeeway  = 30 * time.Second
	maxLeeway      = 5 * time.Minute
	minSecretKey   = 32 // bytes

	// unlimitedRefresh is how long a refresh token is said to live when the provider names no end.
	unlimitedRefresh = 30 * 24 * time.Hour
)

// defaultScopes are asked for when Config.Scopes is empty; openid is added always.
var defaultScopes = []string{"profile", "email"}

// Config is everything that an [Auth] is made from. The zero value of a field is the default said at the field. [New]
// copies it; environment variables are not read, except for the proxy settings that [http.DefaultTransport] honours
// when HTTPClient brings no transport, and the user's data directory (XDG_DATA_HOME, HOME) where no store is named.
type Config struct {
	// DiscoveryURL is the address of the provider's discovery document, ending in /.well-known/openid-configuration
	// (OpenID Connect Discovery section 4). https, or http on loopback. Empty: Issuer and JWKSURL are both needed,
	// and only the guards and userinfo work.
	DiscoveryURL string
	// ClientID is this service's name at the provider. Needed with DiscoveryURL.
	ClientID string
	// ClientSecret authenticates this service. Empty: a public client.
	ClientSecret string
	// PublicURL is what browsers see before a Paths entry: scheme, host and prefix ("https://app.example.org/api").
	// https, or http on loopback. Empty: everything works but the callback route, which answers 503, and broker mode,
	// whose issuer it is. The request's Host and X-Forwarded headers are never read.
	PublicURL string
	// Issuer is the only issuer accepted, byte for byte. Empty: the one that the discovery document names, which has to
	// be DiscoveryURL without its well-known part, with or without a trailing slash.
	Issuer string
	// JWKSURL is where the provider's keys are fetched from. Empty: as the discovery document says.
	JWKSURL string

	// Scopes are asked for at login and device start, and are the only ones that a login may choose from, besides
	// openid, profile, email and offline_access. Empty: profile and email. openid is always added.
	Scopes []string
	// Audience lists the values of which a token's aud has to hold one. Empty: aud, azp or client_id must name
	// ClientID. [AnyAudience] alone waives the check.
	Audience []string
	// RedirectURIs lists, beside the own callback, where a login may send the browser, compared byte for byte. Empty:
	// the loopback rule, see [Loopback].
	RedirectURIs []string
	// PostLogoutURIs lists where a logout may send the browser, compared byte for byte. Empty: nowhere.
	PostLogoutURIs []string
	// SecretKeys seal the login state and what broker mode stores, each at least 32 bytes: the first seals, all open. Empty:
	// a random key for this process, with a warning in the log; logins then end with the process and do not cross
	// replicas. Broker mode needs them, but for a store that this machine alone sees: SQLite gets a key file beside it.
	SecretKeys []string

	// Store is an open store; it wins over StoreURL, and Close leaves it open. One store serves all instances of a service;
	// broker mode needs one.
	Store store.Store
	// StoreURL names the database of sessions and signing keys, by a scheme that an imported store package has
	// registered: "postgres://user@host/database". Empty, and no Store: an SQLite file broker.sqlite in the folder AppName
	// of the user's data directory (XDG_DATA_HOME and its like), in broker mode. New opens it, Close closes it.
	StoreURL string
	// AppName names the folder of the default SQLite file. Empty: oidcauth.
	AppName string

	// Broker switches broker mode on. nil: the provider's tokens are passed through.
	Broker *BrokerConfig

	// Require joins every guard that has not [NoDefaults]; in broker mode no token is issued that does not meet it.
	Require []Requirement
	// NoOfflineAccess keeps offline_access out of device starts and logins. Default: a device start asks for it, a
	// login when its query does.
	NoOfflineAccess bool
	// AllowHTTP permits http beyond loopback for the provider, trusted issuers and PublicURL: whoever can listen or write
	// on the way can then take over every login.
	AllowHTTP bool

	// Timeout bounds one exchange with the provider as a whole, and, with up to a second more, one answer of a route; in
	// broker mode up to three seconds more.
	// 0: 10 s. At most 5 min.
	Timeout time.Duration
	// Leeway is how far the clocks of provider and service may differ. 0: 30 s. At most 5 min.
	Leeway time.Duration

	// TokenCacheSize is how many verified access tokens the guards remember, so that a token costs one signature check and not
	// one for each request; each takes 2 to 3 KiB. Expiry, the provider's keys and revocation are looked at on every
	// request. 0: 8,192. Below 0: none is remembered. At most 1,048,576.
	TokenCacheSize int

	// HTTPClient is copied for calls to the provider: its transport, jar and Timeout are kept, redirects are refused,
	// bodies bounded. nil: a client of its own.
	HTTPClient *http.Client
	// Logger is told of configuration warnings and changes of state, never of a secret. nil: nothing is logged.
	Logger *slog.Logger
	// Metrics is told of everything that is worth a counter, see [Event]. It is called by whoever did it, before the answer
	// goes out, by many at the same time: it has to be quick, and must not call the [Auth]. Where it panics, the answer is a 500.
	// nil: nobody is told.
	Metrics func(Event)
	// OnLogin answers the callback route once a login succeeded, for instance with a session cookie and a redirect.
	// nil, or a nil answer: the token as JSON.
	OnLogin func(context.Context, *Request, *Token) *Response
	// OnError answers a request that a guard or a route refuses, with the request at hand. Start with [Error.Response] to keep
	// WWW-Authenticate and Retry-After. It is called by many requests at once. nil, or a nil answer: what Error.Response
	// renders.
	OnError func(context.Context, *Request, *Error) *Response
}
