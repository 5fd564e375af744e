// Package provider is the client for the OpenID provider of a service: its documents, and calls to it. Its answers are not
// trusted: they are limited in size, parsed strictly, and their text is never passed on to clients.
package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// How long the provider's documents are cached. A key that the provider withdraws is refused within KeyAge. While the provider is
// down, the cached documents are used for StaleAge.
const (
	DiscoveryAge = time.Hour
	KeyAge       = 12 * time.Minute
	StaleAge     = 24 * time.Hour
	RefetchPause = 10 * time.Second
)

// Slack staggers nested timeouts, so that the inner one ends first: a call has Timeout, a fetch of the discovery document one
// Slack more, a fetch of keys, which may need discovery, two more, and a wait for keys three more. Otherwise the next caller
// would join a fetch that is about to fail.
const Slack = 200 * time.Millisecond

// Metadata has the members of the discovery document that this service uses (OpenID Connect Discovery section 3, RFC 8414
// section 2). An absent endpoint is "".
type Metadata struct {
	Issuer, JWKS, Authorization, Token, Device, UserInfo, EndSession, Revocation string
	PushedRequests                                                               string // pushed_authorization_request_endpoint, RFC 9126
	Introspection                                                                string // RFC 7662

	IssInAnswers bool // authorization_response_iss_parameter_supported, RFC 9207
	PushedOnly   bool // require_pushed_authorization_requests

	SignedLookups []string // introspection_signing_alg_values_supported, RFC 9701 section 7

	authMethods    []string // token_endpoint_auth_methods_supported
	lookupMethods  []string // introspection_endpoint_auth_methods_supported
	authAlgorithms []string // token_endpoint_auth_signing_alg_values_supported
	rsaAlgorithm   string   // the algorithm of RSA keys that name none
}

// Config has the settings of a Provider.
type Config struct {
	DiscoveryURL string // empty: Issuer and JWKSURL are required
	Issuer       string // the only accepted issuer; empty: the one in the document
	JWKSURL      string // empty: the one in the document
	NearKeys     bool   // the document may name keys only at its own host or at the issuer's
	Algorithm    string // another algorithm of RSA keys that name none; empty: only the one that the document announces
	Client       Client
	HTTP         *http.Client      // copied; nil: a client with defaults
	Timeout      time.Duration     // of one call
	Allows       func(string) bool // whether an endpoint in the document may be called
	Log          *slog.Logger
	Observe      observe.Begin

	// Called runs a function of the application, and returns a fault of kind Internal if it panics.
	Called func(ctx context.Context, name string, run func()) error
}

// Provider is one OpenID provider. Safe for concurrent use.
type Provider struct {
	Client Client

	cfg    Config
	client *http.Client
	meta   *fresh.Source[*Metadata] // nil without DiscoveryURL
	keys   *fresh.Source[jose.Set]
	keySet *keyset.Keys[jose.Set]

	revocation   *trouble.Trouble // the provider does not revoke tokens
	calls        *trouble.Trouble // token requests get no usable answer
	registration *trouble.Trouble // the provider refuses this service
	scopes       *trouble.Trouble // the provider refuses scopes
	denied       *trouble.Trouble // browsers come back with an error
	signing      *trouble.Trouble // the key of the client does not sign
	pushes       *trouble.Trouble // pushed requests get no usable answer
	lookups      *trouble.Trouble // access tokens cannot be looked up
	obtained     *trouble.Trouble // the provider gives no tokens for other services

	places chan struct{} // of signatures under way

	challenged *atomic.Bool // device logins of this client need PKCE
}

// New makes a provider. It fetches its documents on first use.
func New(cfg Config) *Provider {
	p := &Provider{
		Client: cfg.Client, cfg: cfg, client: fetch.NewClient(cfg.HTTP, cfg.Timeout),

		revocation:   trouble.New(cfg.Log, slog.LevelWarn, "tokens", "revoked at the provider"),
		calls:        trouble.New(cfg.Log, slog.LevelWarn, "token requests", "answered by the provider"),
		registration: trouble.New(cfg.Log, slog.LevelError, "logins", "completed at the provider"),
		scopes:       trouble.New(cfg.Log, slog.LevelWarn, "scopes", "granted by the provider"),
		denied:       trouble.New(cfg.Log, slog.LevelWarn, "browsers", "logged in at the provider"),
		signing:      trouble.New(cfg.Log, slog.LevelError, "requests to the provider", "signed with the key of this client"),
		pushes:       trouble.New(cfg.Log, slog.LevelWarn, "pushed authorization requests", "answered by the provider"),
		lookups:      trouble.New(cfg.Log, slog.LevelError, "opaque access tokens", "looked up at the provider"),
		obtained:     trouble.New(cfg.Log, slog.LevelError, "tokens for other services", "given by the provider"),

		places: make(chan struct{}, maxSigning), challenged: new(atomic.Bool),
	}
	policy := fresh.Policy{Renew: DiscoveryAge, Stale: StaleAge, Pause: RefetchPause, Timeout: cfg.Timeout + Slack}
	if cfg.DiscoveryURL != "" {
		p.meta = fresh.New(policy, observe.Load(cfg.Observe, observe.Discovery, p.fetchMetadata), trouble.Changes(cfg.Log, "the provider's discovery document", "fetched"))
	}
	policy.Renew, policy.Timeout = KeyAge, cfg.Timeout+2*Slack
	p.keys = fresh.New(policy, observe.Load(cfg.Observe, observe.Keys, p.fetchKeys), trouble.Changes(cfg.Log, "the provider's key set", "fetched"))
	p.keySet = keyset.New(p.keys, cfg.Timeout+3*Slack)
	return p
}

// Keys returns the provider's keys.
func (p *Provider) Keys() *keyset.Keys[jose.Set] { return p.keySet }

// Close stops the renewal of the documents.
func (p *Provider) Close() {
	p.keys.Close()
	if p.meta != nil {
		p.meta.Close()
	}
}

// Metadata returns the discovery document, or the error of the fetch or of ctx. Without DiscoveryURL it has only the issuer.
func (p *Provider) Metadata(ctx context.Context) (*Metadata, error) {
	if p.meta == nil {
		return &Metadata{Issuer: p.cfg.Issuer}, nil
	}
	snapshot, err := p.meta.Get(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot.Value, nil
}

// Issuer returns the only accepted issuer: the configured one, or the one in the discovery document.
func (p *Provider) Issuer(ctx context.Context) (string, error) {
	if p.cfg.Issuer != "" {
		return p.cfg.Issuer, nil
	}
	meta, err := p.Metadata(ctx)
	if err != nil {
		return "", err
	}
	return meta.Issuer, nil
}

// Document fetches a JSON document. The error is a [fetch.Error].
func (p *Provider) Document(ctx context.Context, address string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, badAddress(address)
	}
	answer, err := fetch.Do(p.client, request)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK { // a provider that is starting may answer 404: an outage like any other
		return nil, answer.Failed()
	}
	return answer, nil
}

func badAddress(address string) error {
	return &fetch.Error{Host: fetch.HostOf(address), Reason: fetch.ReasonAddress, Err: fetch.ErrNonsense}
}

func (p *Provider) fetchKeys(ctx context.Context) (jose.Set, error) {
	address, alg := p.cfg.JWKSURL, defaultRSA
	if p.meta != nil && (address == "" || p.cfg.Issuer == "") {
		meta, err := p.Metadata(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fresh.ErrElsewhere, err)
		}
		alg = meta.rsaAlgorithm
		if address == "" {
			address = meta.JWKS
		}
	}
	set, _, err := p.loadKeys(ctx, address, alg)
	return set, err
}

// loadKeys fetches the usable keys, and the document as it was; it is nil if it cannot be read. An RSA key that names no algorithm verifies
// alg, and Algorithm of the configuration too: then it is in the set twice.
func (p *Provider) loadKeys(ctx context.Context, address, alg string) (jose.Set, *fetch.Answer, error) {
	answer, err := p.Document(ctx, address)
	if err != nil {
		if p.cfg.JWKSURL != "" {
			err = lookAt("Config.JWKSURL", err)
		}
		return nil, nil, err
	}
	set, err := jose.ParseSet(answer.Text, alg)
	if err != nil {
		return nil, answer, fmt.Errorf("%s: %w", fetch.HostOf(address), err)
	}
	if slices.Contains(jose.RSAAlgorithms, p.cfg.Algorithm) {
		more, _ := jose.ParseSet(answer.Text, p.cfg.Algorithm) // the same keys
		for _, key := range more {
			if !slices.ContainsFunc(set, key.Equal) {
				set = append(set, key)
			}
		}
	}
	return set, answer, nil
}

// lookAt adds the field with the address of a document to the error of its fetch, unless the error shows that the address is
// correct and the provider is down.
func lookAt(field string, err error) error {
	var failed *fetch.Error
	if errors.As(err, &failed) && (failed.Status >= 500 || slices.Contains([]string{fetch.ReasonTimeout, fetch.ReasonCanceled, fetch.ReasonClosed}, failed.Reason)) {
		return err
	}
	return &trouble.Mistake{Err: err, Check: field}
}

func (p *Provider) fetchMetadata(ctx context.Context) (*Metadata, error) {
	meta, _, err := p.loadMetadata(ctx)
	if err != nil {
		return nil, err
	}
	return meta, nil
}

// loadMetadata fetches the discovery document. With an error, it is for an examination alone, and nil if it cannot be read.
func (p *Provider) loadMetadata(ctx context.Context) (*Metadata, *fetch.Answer, error) {
	answer, err := p.Document(ctx, p.cfg.DiscoveryURL)
	if err != nil {
		return nil, nil, lookAt("Config.DiscoveryURL", err)
	}
	meta, err := readMetadata(answer.Object)
	if err != nil {
		return nil, nil, lookAt("Config.DiscoveryURL", answer.Bad(fetch.ReasonMalformed))
	}
	if !p.isIssuer(meta.Issuer) {
		return meta, answer, &trouble.Mistake{
			Text:  "the issuer in the discovery document does not match DiscoveryURL or Issuer",
			Attrs: []slog.Attr{slog.String("found_issuer", trouble.Printable(meta.Issuer)), slog.String("want_issuer", p.wantedIssuer())},
			Check: "Config.DiscoveryURL, Config.Issuer",
		}
	}
	if member := p.badEndpoint(meta); member != "" {
		return meta, answer, &trouble.Mistake{
			Text:  "an endpoint in the discovery document is not a valid https URL",
			Attrs: []slog.Attr{slog.String("member", member)}, Check: "Config.DiscoveryURL",
		}
	}
	if meta.JWKS == "" && p.cfg.JWKSURL == "" {
		return meta, answer, &trouble.Mistake{Text: "the discovery document has no jwks_uri", Check: "Config.DiscoveryURL, Config.JWKSURL"}
	}
	if p.cfg.NearKeys && p.cfg.JWKSURL == "" && !isNear(meta.JWKS, meta.Issuer, p.cfg.DiscoveryURL) {
		return meta, answer, &trouble.Mistake{Text: "the jwks_uri in the discovery document is on another host than the issuer: write it as JWKSURL if it is right",
			Attrs: []slog.Attr{slog.String("found", trouble.Printable(meta.JWKS))}, Check: "Provider.JWKSURL"}
	}
	return meta, answer, nil
}

// badEndpoint returns the first member of a discovery document whose address may not be called, "" if there is none.
func (p *Provider) badEndpoint(meta *Metadata) string {
	for _, endpoint := range []struct{ member, address string }{
		{"jwks_uri", meta.JWKS}, {"authorization_endpoint", meta.Authorization}, {"token_endpoint", meta.Token},
		{"device_authorization_endpoint", meta.Device}, {"userinfo_endpoint", meta.UserInfo},
		{"end_session_endpoint", meta.EndSession}, {"revocation_endpoint", meta.Revocation},
		{"pushed_authorization_request_endpoint", meta.PushedRequests}, {"introspection_endpoint", meta.Introspection},
	} {
		if endpoint.address != "" && !p.cfg.Allows(endpoint.address) {
			return endpoint.member
		}
	}
	return ""
}

// isNear reports whether an address has scheme, host and port of one of the others.
func isNear(address string, others ...string) bool {
	at, err := url.Parse(address)
	return err == nil && slices.ContainsFunc(others, func(other string) bool {
		to, err := url.Parse(other)
		return err == nil && at.Scheme == to.Scheme && at.Host == to.Host
	})
}

// defaultRSA is the algorithm of RSA keys that name none, if the provider announces it or announces nothing.
const defaultRSA = "RS256"

// WellKnown is the end of every discovery address (OpenID Connect Discovery section 4).
const WellKnown = "/.well-known/openid-configuration"

// isIssuer implements OpenID Connect Discovery section 4.3, except that it ignores a trailing slash.
func (p *Provider) isIssuer(issuer string) bool {
	if p.cfg.Issuer != "" {
		return issuer == p.cfg.Issuer
	}
	return issuer == p.wantedIssuer() || issuer == p.wantedIssuer()+"/"
}

// wantedIssuer returns the issuer that the discovery document must have, up to a trailing slash if Issuer is not configured.
func (p *Provider) wantedIssuer() string {
	if p.cfg.Issuer != "" {
		return p.cfg.Issuer
	}
	return strings.TrimSuffix(p.cfg.DiscoveryURL, WellKnown)
}

func readMetadata(object strictjson.Object) (*Metadata, error) {
	m := &Metadata{rsaAlgorithm: defaultRSA}
	var read texts
	m.Issuer = read.of(object, "issuer")
	m.JWKS = read.of(object, "jwks_uri")
	m.Authorization = read.of(object, "authorization_endpoint")
	m.Token = read.of(object, "token_endpoint")
	m.Device = read.of(object, "device_authorization_endpoint")
	m.UserInfo = read.of(object, "userinfo_endpoint")
	m.EndSession = read.of(object, "end_session_endpoint")
	m.Revocation = read.of(object, "revocation_endpoint")
	m.PushedRequests = read.of(object, "pushed_authorization_request_endpoint")
	m.Introspection = read.of(object, "introspection_endpoint")
	if read.bad {
		return nil, fetch.ErrNonsense
	}
	if raw, ok := object.Get("authorization_response_iss_parameter_supported"); ok {
		m.IssInAnswers = raw == "true"
	}
	if raw, ok := object.Get("require_pushed_authorization_requests"); ok {
		m.PushedOnly = raw == "true"
	}
	methods, errMethods := object.Strings("token_endpoint_auth_methods_supported")
	authAlgs, errAuthAlgs := object.Strings("token_endpoint_auth_signing_alg_values_supported")
	lookups, errLookups := object.Strings("introspection_endpoint_auth_methods_supported")
	signed, errSigned := object.Strings("introspection_signing_alg_values_supported")
	algs, errAlgs := object.Strings("id_token_signing_alg_values_supported")
	if errMethods != nil || errAuthAlgs != nil || errLookups != nil || errSigned != nil || errAlgs != nil {
		return nil, fetch.ErrNonsense
	}
	m.authMethods, m.authAlgorithms, m.lookupMethods, m.SignedLookups = methods, authAlgs, lookups, signed
	if first := slices.IndexFunc(algs, func(alg string) bool { return slices.Contains(jose.RSAAlgorithms, alg) }); first >= 0 && !slices.Contains(algs, "RS256") {
		m.rsaAlgorithm = algs[first]
	}
	return m, nil
}

// texts reads members that must be strings; bad is set if one was not.
type texts struct{ bad bool }

func (t *texts) of(object strictjson.Object, name string) string {
	text, err := object.String(name)
	t.bad = t.bad || err != nil
	return text
}
