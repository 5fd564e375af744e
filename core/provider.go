package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// How old the provider's documents grow. A key that the provider withdraws is refused within keyAge; while the provider
// is down the last ones serve on for staleAge.
const (
	discoveryAge = time.Hour
	keyAge       = 12 * time.Minute
	staleAge     = 24 * time.Hour
	refetchPause = 10 * time.Second
)

// slack lets what is waited for end before who waits: an exchange has Timeout, a fetch of discovery one slack more, one
// of keys, which may need discovery, two, and whoever waits for them three. Otherwise the next caller would join a fetch
// that is just about to fail.
const slack = 200 * time.Millisecond

// metadata is what is read of the discovery document (OpenID Connect Discovery section 3, RFC 8414 section 2).
type metadata struct {
	issuer, jwks, authorization, token, device, userInfo, endSession, revocation string

	issInAnswers bool     // authorization_response_iss_parameter_supported, RFC 9207
	authMethods  []string // token_endpoint_auth_methods_supported
	rsaAlgorithm string   // that of RSA keys which name none
}

// provider is the one OpenID provider: its documents and calls to it. Safe for concurrent use.
type provider struct {
	cfg    *Config
	client *http.Client
	meta   *fresh.Source[*metadata] // nil without DiscoveryURL
	keys   *keyset.Keys[jose.Set]
	close  func()

	revocation *trouble
}

func newProvider(cfg *Config, revocation *trouble) *provider {
	p := &provider{cfg: cfg, client: fetch.NewClient(cfg.HTTPClient, cfg.Timeout), revocation: revocation}
	policy := fresh.Policy{Renew: discoveryAge, Stale: staleAge, Pause: refetchPause, Timeout: cfg.Timeout + slack}
	if cfg.DiscoveryURL != "" {
		p.meta = fresh.New(policy, counted(cfg.Metrics, documentDiscovery, p.fetchMetadata), tellChanges(cfg.Logger, "the provider's discovery document", "fetched"))
	}
	policy.Renew, policy.Timeout = keyAge, cfg.Timeout+2*slack
	keys := fresh.New(policy, counted(cfg.Metrics, documentKeys, p.fetchKeys), tellChanges(cfg.Logger, "the provider's key set", "fetched"))
	p.keys = keyset.New(keys, cfg.Timeout+3*slack)
	p.close = func() {
		keys.Close()
		if p.meta != nil {
			p.meta.Close()
		}
	}
	return p
}

// tellChanges logs when something can no longer be had in a way ("fetched"), and when it can again.
func tellChanges(log *slog.Logger, what, had string) func(error) {
	return func(err error) { tellChange(context.Background(), log, slog.LevelWarn, what, had, err) }
}

// tellChange writes the line of something that begins to fail, or with nil that of something that works again.
func tellChange(ctx context.Context, log *slog.Logger, failing slog.Level, what, done string, err error) {
	if err != nil {
		log.Log(ctx, failing, what+" cannot be "+done, "error", err)
		return
	}
	log.InfoContext(ctx, what+" can be "+done+" again")
}

func (p *provider) metadata(ctx context.Context) (*metadata, error) {
	if p.meta == nil {
		return &metadata{issuer: p.cfg.Issuer}, nil
	}
	snapshot, err := p.meta.Get(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot.Value, nil
}

// issuer is what iss has to be: there is no verification without one.
func (p *provider) issuer(ctx context.Context) (string, error) {
	if p.cfg.Issuer != "" {
		return p.cfg.Issuer, nil
	}
	meta, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	return meta.issuer, nil
}

func (p *provider) get(ctx context.Context, address string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fetch.ErrNonsense
	}
	return fetch.Do(p.client, request)
}

func (p *provider) document(ctx context.Context, address string) (*fetch.Answer, error) {
	answer, err := p.get(ctx, address)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK { // 404 while a provider starts is an outage like any other
		return nil, fetch.ErrUnreachable
	}
	return answer, nil
}

func (p *provider) fetchKeys(ctx context.Context) (jose.Set, error) {
	address, alg := p.cfg.JWKSURL, "RS256"
	if p.meta != nil && (address == "" || p.cfg.Issuer == "") {
		meta, err := p.metadata(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fresh.ErrElsewhere, err)
		}
		alg = meta.rsaAlgorithm
		if address == "" {
			address = meta.jwks
		}
	}
	answer, err := p.document(ctx, address)
	if err != nil {
		return nil, err
	}
	return jose.ParseSet(answer.Text, alg)
}

func (p *provider) fetchMetadata(ctx context.Context) (*metadata, error) {
	answer, err := p.document(ctx, p.cfg.DiscoveryURL)
	if err != nil {
		return nil, err
	}
	meta, err := readMetadata(answer.Object)
	if err != nil {
		return nil, err
	}
	if !p.isIssuer(meta.issuer) {
		return nil, errors.New("the discovery document names another issuer than DiscoveryURL and Issuer allow")
	}
	for _, address := range []string{meta.jwks, meta.authorization, meta.token, meta.device, meta.userInfo, meta.endSession, meta.revocation} {
		if address != "" && p.cfg.badEndpoint(address) != "" {
			return nil, errors.New("the discovery document names an endpoint that is not https")
		}
	}
	if meta.jwks == "" && p.cfg.JWKSURL == "" {
		return nil, errors.New("the discovery document names no jwks_uri")
	}
	return meta, nil
}

// isIssuer is OpenID Connect Discovery section 4.3, a trailing slash forgiven.
func (p *provider) isIssuer(issuer string) bool {
	if p.cfg.Issuer != "" {
		return issuer == p.cfg.Issuer
	}
	base := strings.TrimSuffix(p.cfg.DiscoveryURL, wellKnown)
	return issuer == base || issuer == base+"/"
}

func readMetadata(object strictjson.Object) (*metadata, error) {
	m := &metadata{rsaAlgorithm: "RS256"}
	for name, into := range map[string]*string{
		"issuer": &m.issuer, "jwks_uri": &m.jwks, "authorization_endpoint": &m.authorization, "token_endpoint": &m.token,
		"device_authorization_endpoint": &m.device, "userinfo_endpoint": &m.userInfo,
		"end_session_endpoint": &m.endSession, "revocation_endpoint": &m.revocation,
	} {
		text, err := object.String(name)
		if err != nil {
			return nil, fetch.ErrNonsense
		}
		*into = text
	}
	if raw, ok := object.Get("authorization_response_iss_parameter_supported"); ok {
		m.issInAnswers = raw == "true"
	}
	methods, errMethods := object.Strings("token_endpoint_auth_methods_supported")
	algs, errAlgs := object.Strings("id_token_signing_alg_values_supported")
	if errMethods != nil || errAlgs != nil {
		return nil, fetch.ErrNonsense
	}
	m.authMethods = methods
	if first := slices.IndexFunc(algs, func(alg string) bool { return slices.Contains(jose.RSAAlgorithms, alg) }); first >= 0 && !slices.Contains(algs, "RS256") {
		m.rsaAlgorithm = algs[first]
	}
	return m, nil
}

// endpoint appends parameters to an address that may have a query already.
func endpoint(address string, parameters url.Values) string {
	if len(parameters) == 0 {
		return address
	}
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + parameters.Encode()
}
