package core

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// TokenForm says what the access tokens of a provider are, and so who checks them. It decides for each token before anything is sent: a
// JWT that names another issuer, or none, is never sent to the provider.
type TokenForm string

const (
	// JWT is the zero value: access tokens are JWTs, and their signature is verified here. Other tokens are refused.
	JWT TokenForm = ""
	// Opaque looks every access token up at the provider (RFC 7662), JWTs of the provider too, so that a revoked token is refused within
	// [IntrospectionConfig.TTL].
	Opaque TokenForm = "opaque"
	// Either verifies the provider's JWTs here and looks up what is no JWT.
	Either TokenForm = "either"
	// GoogleTokenInfo asks Google's tokeninfo endpoint, in the place of introspection, which Google does not have. The aud of its answer,
	// the client that the token was issued to, must be an accepted audience.
	GoogleTokenInfo TokenForm = "google-tokeninfo"
)

// IntrospectionConfig says how opaque access tokens are looked up at the provider.
type IntrospectionConfig struct {
	// ClientID and ClientSecret are the credentials of this service at the introspection endpoint, if they are not those of its logins.
	// Write both or none. Empty: Config.ClientID with its secret or key.
	ClientID, ClientSecret string
	// Endpoint is the address of the endpoint. Empty: introspection_endpoint of the discovery document, or Google's address.
	Endpoint string
	// Unmarked accepts tokens whose answer has neither token_type nor aud, if [Config.Audience] does. At some providers the answer about a
	// refresh token looks the same: write it only for one whose endpoint calls no refresh token active, such as LemonLDAP::NG. false: such
	// a token is refused.
	Unmarked bool
	// Signed accepts only answers that are JWTs signed by the provider (RFC 9701); the provider needs introspection_signed_response_alg for
	// this client. Any other answer is a 502. false: an answer may be signed where the discovery document has
	// introspection_signing_alg_values_supported, and a signed one is verified.
	Signed bool
	// TTL is how long a token that the provider calls active is accepted without asking again, never after its exp: a token that is
	// revoked at the provider may be accepted for so long. 0: 1 min, which is the maximum. Negative: the provider is asked for each
	// request.
	TTL time.Duration
}

const maxLookupTTL = time.Minute

// Format prints the settings without the secret, the same for every verb.
func (i IntrospectionConfig) Format(f fmt.State, _ rune) {
	printFields(f, "core.IntrospectionConfig", i.shown())
}

func (i IntrospectionConfig) shown() []slog.Attr {
	return slices.DeleteFunc([]slog.Attr{
		slog.String("ClientID", i.ClientID),
		slog.String("ClientSecret", hide(i.ClientSecret != "")),
		slog.String("Endpoint", shownAddress(i.Endpoint)),
		slog.Bool("Unmarked", i.Unmarked),
		slog.Bool("Signed", i.Signed),
		slog.Duration("TTL", i.TTL),
	}, isUnset)
}

// LogValue returns the settings without the secret.
func (i IntrospectionConfig) LogValue() slog.Value { return slog.GroupValue(i.shown()...) }

// MarshalJSON returns the settings without the secret, for logs. The result cannot be unmarshalled again.
func (i IntrospectionConfig) MarshalJSON() ([]byte, error) { return json.Marshal(fieldMap(i.shown())) }

// looksUp reports whether the provider is asked about access tokens.
func (p *Provider) looksUp() bool { return p.Tokens != JWT }

// introspection returns the settings, never nil.
func (p *Provider) introspection() *IntrospectionConfig {
	if p.Introspection == nil {
		return &IntrospectionConfig{}
	}
	return p.Introspection
}

// checkTokens adds the errors of the settings for opaque tokens.
func (p *Provider) checkTokens(f *faults, c *Config, field string) {
	if !slices.Contains([]TokenForm{JWT, Opaque, Either, GoogleTokenInfo}, p.Tokens) {
		f.add(field+"Tokens", "%q: write core.JWT, core.Opaque, core.Either or core.GoogleTokenInfo", string(p.Tokens))
		return
	}
	i := p.introspection()
	google := p.Tokens == GoogleTokenInfo
	switch {
	case p.Introspection != nil && !p.looksUp():
		f.add(field+"Introspection", "it has no effect on JWTs: remove it, or write core.Opaque or core.Either into "+field+"Tokens")
		return
	case !p.looksUp():
		return
	case (i.ClientID == "") != (i.ClientSecret == ""):
		f.add(field+"Introspection", "write both ClientID and ClientSecret, or none of them")
	case google && i.Endpoint == "" && strings.TrimSuffix(p.base(), "/") != googleIssuer:
		f.add(field+"Tokens", "core.GoogleTokenInfo sends tokens to Google, and this provider is %s: write core.Opaque, or the address in Introspection.Endpoint", quoted(p.base()))
	case google && i.ClientID != "":
		f.add(field+"Introspection.ClientID", "tokeninfo has no credentials: remove ClientID and ClientSecret")
	case google && i.Signed:
		f.add(field+"Introspection.Signed", "tokeninfo does not sign its answers: remove it")
	case !google && i.ClientID == "" && p.ClientSecret == "" && p.ClientKey == nil:
		f.add(field+"Tokens", "introspection needs the credentials of a client: write ClientSecret or ClientKey, or ClientID and ClientSecret of Introspection")
	}
	if hasControl(i.ClientID) || hasControl(i.ClientSecret) {
		f.add(field+"Introspection", "ClientID or ClientSecret contains control characters, perhaps a line break: remove them")
	}
	switch {
	case i.Endpoint != "":
		if fault := p.badEndpoint(i.Endpoint, c); fault != "" {
			f.add(field+"Introspection.Endpoint", "%s", fault)
		}
	case !google && p.DiscoveryURL == "":
		f.add(field+"Introspection.Endpoint", "empty: write the address of the introspection endpoint, or DiscoveryURL")
	}
	if i.TTL > maxLookupTTL {
		f.add(field+"Introspection.TTL", "%s: write at most %s, 0 for the default, or a negative duration to ask for each request", i.TTL, maxLookupTTL)
	}
}

// checkOneAsked adds an error if several providers are asked about opaque tokens: nothing in such a token says whose it is, and showing it
// to another provider gives it away.
func (c *Config) checkOneAsked(f *faults, all []*Provider) {
	first := ""
	for i, p := range all {
		switch {
		case !p.looksUp():
		case first == "":
			first = p.Name
		default:
			f.add(c.fieldOf(i)+"Tokens", "the provider %s has opaque tokens too, and an opaque token does not say whose it is: it would be sent to a provider that did not issue it. Use core.JWT for all providers but one", first)
		}
	}
}

// newOpaque makes what looks up the access tokens of a provider; nil if nothing does.
func (a *Auth) newOpaque(p *party, at *provider.Provider, row *verify.Issuer) *verify.Opaque {
	if !p.looksUp() {
		return nil
	}
	i := p.introspection()
	lookup := provider.Lookup{Client: at.Client, Endpoint: i.Endpoint, Check: "Config.ClientID, Config.ClientSecret or Config.ClientKey", TokenInfo: p.Tokens == GoogleTokenInfo}
	lookup.Signed = i.Signed
	lookup.Open = func(ctx context.Context, raw string, algorithms []string, asked time.Time) (strictjson.Object, error) {
		return row.SignedAnswer(ctx, raw, cmp.Or(i.ClientID, p.ClientID), algorithms, asked)
	}
	if i.ClientID != "" {
		lookup.Client, lookup.Check = provider.NewClient(i.ClientID, i.ClientSecret, ""), "Config.Introspection.ClientID, Config.Introspection.ClientSecret"
	}
	ttl := i.TTL
	if ttl == 0 {
		ttl = maxLookupTTL
	}
	ask := func(ctx context.Context, raw string) (said strictjson.Object, err error) {
		panicked := a.called(ctx, "Config.HTTPClient, in a lookup of a token", func() {
			answer, failed := at.Introspect(ctx, lookup, raw)
			if err = failed; answer != nil {
				said = answer.Object
			}
		})
		if panicked != nil {
			return strictjson.Object{}, panicked
		}
		return said, err
	}
	return verify.NewOpaque(verify.OpaqueConfig{
		Row: row, All: p.Tokens == Opaque, Unmarked: i.Unmarked, Ask: ask, TTL: ttl, Size: a.cfg.TokenCacheSize, Timeout: a.cfg.Timeout + provider.Slack,
		Identity: p.base() + "\x00" + string(p.Tokens) + "\x00" + cmp.Or(i.ClientID, p.ClientID) + "\x00" + i.Endpoint,
	})
}
