package core

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// AnyAudience in Config.Audience accepts the provider's access tokens whatever their audience: tokens that were issued for
// other services of the same provider pass the guards. It must be the only entry. New logs a warning.
const AnyAudience = "*"

// IssuedToUs in Config.Audience also accepts the provider's access tokens whose azp or client_id is ClientID, whatever
// their aud; if a token has both claims, both must match. Use it for a provider that puts other services into aud, as Keycloak
// does with "Full scope allowed". As the only entry, it also accepts an aud that contains ClientID. It can be combined with
// audiences, but not with [AnyAudience], and needs ClientID. A token exchange ignores it.
const IssuedToUs = "*issued-to-us"

// Loopback in Config.RedirectURIs allows, beside the other entries, what an empty list allows: http on localhost, 127.0.0.1 or
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

	// unlimitedRefresh is the stated lifetime of a refresh token for which the provider states none.
	unlimitedRefresh = 30 * 24 * time.Hour
)

// defaultScopes are requested if Config.Scopes is empty; openid is always added.
var defaultScopes = []string{"profile", "email"}

// Config has all settings of an [Auth]. Each field documents the default that its zero value selects. [New] copies it, and
// reads environment variables for two things: the proxy settings of [http.DefaultTransport], unless HTTPClient has a
// transport, and the user's data directory (XDG_DATA_HOME, HOME) if Sessions or broker mode has neither Store nor StoreURL.
// Printing or logging a Config shows no secret.
type Config struct {
	// Name is the name of the provider that the fields up to JWKSURL, Scopes and Audience describe, for a login's parameter provider, the
	// chooser and the log, where there are several: letters, digits, dots, - and _, at most 64. Empty: the host in DiscoveryURL or Issuer.
	Name string
	// Label is what the chooser shows people for this provider. Empty: Name.
	Label string
	// DiscoveryURL is the address of the provider's discovery document, ending in /.well-known/openid-configuration
	// (OpenID Connect Discovery section 4). https, or http on loopback. Empty: both Issuer and JWKSURL are required, and only
	// the guards and userinfo work. The document must name https endpoints, unless DiscoveryURL is on loopback or AllowHTTP is set.
	DiscoveryURL string
	// ClientID is the client id of this service at the provider. Required with DiscoveryURL.
	ClientID string
	// ClientSecret authenticates this service. Empty, without a ClientKey: a public client.
	ClientSecret string
	// ClientKey authenticates this service with signed assertions in the place of ClientSecret; New refuses both together. nil: with
	// ClientSecret, or not at all.
	ClientKey *ClientKey
	// TokenEndpointAuthMethod is how this service authenticates at the provider, at every endpoint: client_secret_basic,
	// client_secret_post or private_key_jwt (RFC 7591 section 2). Write it for a provider that announces one method and insists on
	// another. Empty: private_key_jwt with ClientKey; with ClientSecret client_secret_basic, or client_secret_post if the provider
	// announces methods and not that one.
	TokenEndpointAuthMethod string
	// PushedRequests says when a login sends its parameters to the provider directly (RFC 9126), and not through the browser. Empty:
	// [PushWhenOffered].
	PushedRequests PushedRequests
	// Tokens says what the provider's access tokens are: JWTs, which are verified here, or opaque texts, which guards look up at the
	// provider. At most one provider of a service can have opaque tokens. In broker mode guards accept own tokens alone, and Tokens is for
	// the subject tokens of exchanges. Empty: [JWT].
	Tokens TokenForm
	// Introspection has settings of the lookups. nil: this client asks the endpoint of the discovery document.
	Introspection *IntrospectionConfig
	// PublicURL is the part of a route's URL before its Paths entry, as browsers see it: scheme, host and prefix
	// ("https://app.example.org/api"). https, or http on loopback. New converts scheme and host to lower case and removes a
	// trailing slash. Empty: the callback route answers 500 and browser logins do not work, and New logs a warning. Broker mode
	// requires it: it is the issuer of its tokens. The request's Host and X-Forwarded headers are never read.
	PublicURL string
	// Issuer is the only accepted issuer, compared byte for byte. Empty: the issuer in the discovery document, which must be
	// DiscoveryURL without its well-known part, with or without a trailing slash.
	Issuer string
	// IssuerAliases are further texts that this provider's tokens may have as iss, compared byte for byte: Google's "accounts.google.com"
	// beside "https://accounts.google.com". They are the same issuer: [IDToken.Issuer] and [IDToken.Person] return Issuer. New refuses
	// them without Issuer. Empty: none. At most 8.
	IssuerAliases []string
	// Tenants lists the tenants whose people this service accepts, if the provider has one discovery document for many: Microsoft Entra.
	// Then Issuer is the template in that document, "https://login.microsoftonline.com/{tenantid}/v2.0", and so are IssuerAliases. A
	// token is accepted if its iss is the template with a tenant of the list in it, its claim tid is that tenant, and the key that
	// signed it is one for all tenants or for this one (its member issuer). Each tenant is an issuer of its own: [IDToken.Issuer] returns the
	// template with the tenant. A token of another tenant is refused without a fetch. Each entry is the tenant's ID, a GUID. New refuses
	// a template without tenants. Empty: the provider has one issuer. At most 10,000.
	Tenants []string
	// JWKSURL is the address of the provider's keys. Empty: the discovery document's jwks_uri.
	JWKSURL string
	// IDTokenAlgorithm is the algorithm with which the provider signs ID tokens for this client, id_token_signed_response_alg in its
	// registration: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA or Ed25519. Then ID tokens and logout tokens of
	// another algorithm are refused, and an RSA key that names no algorithm verifies tokens of this one too. Empty: the algorithm of the key;
	// an RSA key that names none has RS256, or, if the provider does not announce that, the first RSA algorithm that it announces.
	IDTokenAlgorithm string

	// Scopes are requested at login and device start. A login can choose among these and openid, profile, email and
	// offline_access, but no others. Empty: profile and email. openid is always added.
	Scopes []string
	// Providers are further providers of this service. Guards accept the tokens of all; a login names one by the parameter provider, and a
	// person who begins a login without it chooses on a page. Each has its own callback address, the one of the callback route followed
	// by a slash and its Name, to be registered there. The provider in the fields of Config, or the first of Providers if those
	// are empty, is the main one: it counts where a program names none, and own subjects and what is encrypted depend on
	// which one it is; so keep it first. Empty: one provider. At most 100.
	Providers []Provider
	// ResolveIssuer returns the provider of a tenant: an issuer that becomes known at run time. Guards call it with the claim iss, not yet
	// verified, of a token whose issuer is none of the configuration's, before anything is fetched for it; in broker mode, where guards
	// accept own tokens alone, exchanges of tokens, refreshes and checks of own tokens and sessions do. It says whose tokens are trusted:
	// return a Provider only for an issuer that the application knows, never one made of the text. nil: not trusted, a 401, which is
	// remembered for 30 s. An error: a 503, which is not remembered. A panic: a 500.
	//
	// The Provider must have the issuer that was asked for, and passes the checks of New: a mistake in it is a 503 and a line in the log that
	// names the field. Its discovery document may name keys only on its own host or the issuer's: for other ones set JWKSURL. Its Name, Label
	// and settings for logins have no effect: a login names one of the configuration. Its ClientKey is published only if a provider of
	// the configuration has it too. It is kept while it is in use, at most 20,000 of them, and asked for again each minute: what is nil
	// by then ends, its tokens and its people's sessions too. With equal settings, compared by value, nothing else happens; other settings
	// replace it. While ResolveIssuer fails, the last answer counts for ten minutes. See [Auth.ForgetIssuer] for an end at once.
	//
	// It is called for texts that anybody can send: absolute URLs of at most 512 bytes, https, or http on loopback or with AllowHTTP. One
	// call serves all requests for the same issuer, at most 16 calls about unknown issuers run at once, and 16 about known ones. A
	// request waits no longer than Timeout, and ctx, which belongs to no request, ends then; a function that ignores it keeps its place. It must
	// be safe for concurrent use. nil: the configuration has all providers.
	ResolveIssuer func(ctx context.Context, issuer string) (*Provider, error)
	// AuthParams are sent with every authorization request and at every device start, beside the parameters that this library sets:
	// {"audience": {"https://api.example.org"}}. A name may have several values. A parameter in the query of a login replaces the one
	// here, see AllowAuthParams; so does its prompt. At most 2,048 bytes, encoded. New refuses names that this library sets (such as
	// scope and state), parameters that authenticate the client, and the prompt none. Empty: none.
	AuthParams url.Values
	// AllowAuthParams lists the parameters that the query of a login may set and that go on to the provider: "login_hint",
	// "ui_locales". Each may be given once and has at most 2,048 bytes. A request parameter of OAuth or OpenID Connect that is not in
	// the list is refused with 400; other names are ignored. The device route takes no parameters. New refuses the names that it
	// refuses in AuthParams, and those with rules of their own at the login, as prompt. Empty: none. At most 64.
	AllowAuthParams []string
	// ResponseMode is how the provider sends the answer of a login to the callback route. "form_post" is for a provider that insists on it:
	// its page posts the answer (OAuth 2.0 Form Post Response Mode). The callback route then takes POST too, a form of another site, and
	// the login's cookie is SameSite=None and Secure. With Sessions the browser goes on to the callback route once more, with the cookies of
	// this site. PublicURL must be https, or http on loopback, where browsers except Safari accept such a cookie. Logins with another
	// redirect URI, as those of native clients, keep the query. Empty or "query": the query of a redirect.
	ResponseMode string
	// Audience lists the accepted audiences: aud of the provider's access tokens must contain one of them, or one of Resources. Empty: it
	// must contain ClientID, or one of Resources. With an empty list, a token whose aud is absent or contains only Keycloak's built-in
	// clients (account, broker, realm-management), and whose header does not have the type of RFC 9068 (at+jwt), is accepted if it has azp or
	// client_id and each of them is ClientID. [IssuedToUs] accepts tokens by azp or client_id whatever their aud;
	// [AnyAudience] disables the check. A token exchange always checks aud, and is disabled with AnyAudience. The audience of an
	// ID token is always ClientID.
	Audience []string
	// RedirectURIs lists where a login may send the browser in addition to the callback route, compared byte for byte. https, a
	// native app's own scheme, or http on loopback. Empty: the loopback rule, see [Loopback].
	RedirectURIs []string
	// PostLogoutURIs lists where a logout may send the browser, compared byte for byte. Empty: nowhere.
	PostLogoutURIs []string
	// SecretKeys encrypt the login state and what is stored: the first one encrypts, all decrypt. Each must be random
	// and have at least 32 bytes, for instance the output of "openssl rand -base64 48"; New refuses keys that can be guessed.
	// Empty: a random per-process key, with a warning in the log; pending logins are then lost on a restart, and work on one
	// replica only. Sessions and broker mode require keys, except with a store that is local to this machine: SQLite keeps a key
	// file beside the database.
	SecretKeys []string

	// Store is an open store; it takes precedence over StoreURL, and Close leaves it open. All instances of a service must use
	// the same store. Only Sessions and broker mode use it.
	Store store.Store
	// StoreURL is the database of sessions and signing keys, with a scheme that an imported store package has registered:
	// "postgres://user@host/database". New opens it without connecting, Close closes it. Empty, without a Store: Sessions and
	// broker mode use the SQLite file broker.sqlite in the folder AppName of the user's data directory (XDG_DATA_HOME or the platform's
	// own).
	StoreURL string
	// AppName is the folder of the default SQLite file. Empty: oidcauth.
	AppName string

	// Sessions enables browser sessions: people log in and get a cookie. nil: bearer tokens alone.
	Sessions *SessionConfig
	// Broker enables broker mode. nil: the provider's tokens are passed through.
	Broker *BrokerConfig

	// Resources are what this service is called as a protected resource (RFC 9728), for clients that learn from it where to get a token, as
	// those of the Model Context Protocol do. Then aud of the provider's access tokens may also be one of them, compared as RFC 8707 does;
	// 401 and 403 say which scopes the guard needs; and [Auth.RootRoutes] has the routes with their metadata, whose addresses 401 and 403
	// name. The metadata lists the providers of the configuration, and the scopes that guards need, up to 100. In broker mode New refuses
	// them. Empty: no metadata, and nothing of this. At most 100.
	Resources []Resource

	// Require is added to the requirements of every guard without [NoDefaults]. Broker mode issues a token only to a caller who
	// meets it. [ACR] and [MaxAge] here also apply to every login, which asks the provider for them. Empty: a guard has only its own
	// requirements.
	Require []Requirement
	// ScopeImplies reports whether a granted scope includes the wanted one: with func(granted, wanted string) bool { return granted == "admin" },
	// admin includes every other scope. Guards and [Demand] ask about each scope of a token that lacks a wanted one; equal scopes are not
	// asked about. It must be quick, always say the same, and be safe for concurrent use. If it panics, the answer is a 500. nil: only equal
	// scopes count.
	ScopeImplies func(granted, wanted string) bool
	// RolesOfAllClients makes the roles of every client in a token's resource_access count for [IDToken.Roles], [Roles] and
	// [AnyRole], and puts them into the tokens of broker mode, as the Python library does: an administrator of another
	// application is one here too, and at every service that trusts this one. Default: only the roles of ClientID count.
	RolesOfAllClients bool
	// NoOfflineAccess disables offline_access. Default: a device start requests it, and a login if its query does.
	NoOfflineAccess bool
	// AllowHTTP permits http beyond loopback for the provider, trusted issuers, PublicURL and RedirectURIs. Whoever can read
	// or change the traffic can then take over every login. New logs a warning.
	AllowHTTP bool

	// Timeout limits one call to the provider as a whole. A route answers within Timeout plus one second, in broker mode plus
	// three. 0: 10 s. At most 5 min.
	Timeout time.Duration
	// Leeway is how far the clocks of provider and service may differ. 0: 30 s. At most 5 min.
	Leeway time.Duration

	// TokenCacheSize is how many verified access tokens are cached, so that the signature of a token is verified once and not on
	// every request; each entry takes 2 to 3 KiB. Expiry, the provider's keys and revocation are checked on every request.
	// 0: 8,192. Negative: no cache. At most 1,048,576.
	TokenCacheSize int

	// HTTPClient is copied for calls to the provider. The copy keeps its transport, cookie jar and Timeout, refuses redirects and
	// limits the size of bodies. nil: a client with defaults.
	HTTPClient *http.Client
	// Logger receives warnings about the configuration, each change of state with what to correct, and at level debug a line
	// for each refused token, at most ten per second. No token, code or secret is ever logged. nil: nothing is logged.
	Logger *slog.Logger
	// Observe is called when a login, a refresh, a fetch or a call to the provider begins and ends, and for every verification:
	// use it for counters, durations and spans. [ObserveFunc] makes one from a function that counts; see [Observer] and
	// [Event]. nil: no calls.
	Observe Observer
	// OnLogin answers the callback route after a successful login, for instance with a redirect. It must be safe for concurrent
	// use. nil, or a nil answer: the token as JSON; with Sessions, a redirect to the address at which the login began. With
	// Sessions the session's cookie is added to every answer, and the Token has a Caller but no access or refresh token.
	OnLogin func(context.Context, *Request, *Token) *Response
	// OnChoose answers a login that names no provider where there are several (Providers): show a page with a link for each choice, for
	// instance. The provider of the browser's last login is the first choice. It must be safe for concurrent use. nil, or a nil answer: a plain
	// page.
	OnChoose func(context.Context, *Request, []Choice) *Response
	// OnError answers a request that a guard or a route refuses. Start with [Error.Response] to keep WWW-Authenticate and
	// Retry-After. It must be safe for concurrent use. nil, or a nil answer: the default. That is the answer of Error.Response;
	// with Sessions, a browser gets a redirect to the login or a page instead, and a script the address of the login.
	OnError func(context.Context, *Request, *Error) *Response

	main     Provider // the main provider; Providers has the others
	inList   bool     // the main provider is the first of the caller's Providers
	ownStore bool     // Store was opened by New, and is closed by Close
}

// checked returns a copy with every default filled in and, in broker mode, an open store. The error lists every invalid
// field and its fix.
func (c Config) checked() (*Config, error) {
	c.PublicURL = lowerOrigin(c.PublicURL)
	c.gatherProviders()
	var f faults
	c.check(&f)
	c.openStore(&f)
	if len(f) > 0 {
		_ = c.closeOwnStore() // nothing was written, and the errors of the configuration matter more
		return nil, errors.Join(f...)
	}
	c.complete()
	return &c, nil
}

// complete copies the slices, which the caller may change later, and fills in the defaults.
func (c *Config) complete() {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.RedirectURIs, c.PostLogoutURIs = slices.Clone(c.RedirectURIs), slices.Clone(c.PostLogoutURIs)
	c.SecretKeys, c.Require, c.Resources = slices.Clone(c.SecretKeys), slices.Clone(c.Require), slices.Clone(c.Resources)
	if len(c.RedirectURIs) == 0 {
		c.RedirectURIs = []string{Loopback}
	}
	for _, p := range c.all() {
		p.complete()
	}
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Leeway = cmp.Or(c.Leeway, defaultLeeway)
	c.TokenCacheSize = cmp.Or(c.TokenCacheSize, defaultTokenCache)
	if c.Broker != nil {
		c.Broker = c.Broker.complete(c.PublicURL)
	}
	c.completeSessions()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}
