package core

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// Provider has the settings of one OpenID provider, for [Config.Providers]. Each field is documented at the field of [Config] with the
// same name. Printing or logging a Provider shows no secret.
type Provider struct {
	Name         string
	Label        string // what the chooser shows people; empty: Name
	DiscoveryURL string
	ClientID     string
	ClientSecret string
	Issuer       string
	// IssuerAliases and Tenants are for providers whose tokens do not all have one text as iss.
	IssuerAliases []string
	Tenants       []string
	JWKSURL       string
	ClientKey     *ClientKey
	Scopes        []string
	Audience      []string

	AuthParams       url.Values
	AllowAuthParams  []string
	ResponseMode     string
	IDTokenAlgorithm string

	TokenEndpointAuthMethod string
	PushedRequests          PushedRequests

	Tokens        TokenForm
	Introspection *IntrospectionConfig
}

// flat returns the settings of the provider that the fields of Config describe.
func (c *Config) flat() Provider {
	return Provider{
		Name: c.Name, Label: c.Label, DiscoveryURL: c.DiscoveryURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Issuer: c.Issuer, IssuerAliases: c.IssuerAliases, Tenants: c.Tenants, JWKSURL: c.JWKSURL,
		Scopes: c.Scopes, Audience: c.Audience, ClientKey: c.ClientKey, TokenEndpointAuthMethod: c.TokenEndpointAuthMethod, PushedRequests: c.PushedRequests,
		AuthParams: c.AuthParams, AllowAuthParams: c.AllowAuthParams, ResponseMode: c.ResponseMode, IDTokenAlgorithm: c.IDTokenAlgorithm,
		Tokens: c.Tokens, Introspection: c.Introspection,
	}
}

// isEmpty reports whether no field that says which provider it is is set.
func (p *Provider) isEmpty() bool {
	return p.DiscoveryURL == "" && p.Issuer == "" && p.JWKSURL == "" && p.ClientID == "" && p.ClientSecret == "" && p.ClientKey == nil
}

// gatherProviders sets main and the others. If the fields of Config describe no provider, the first of Providers becomes the main one. From
// then on only main counts, and not the fields.
func (c *Config) gatherProviders() {
	c.main, c.Providers = c.flat(), slices.Clone(c.Providers)
	if c.main.isEmpty() && len(c.Providers) > 0 {
		c.main, c.Providers, c.inList = c.Providers[0], c.Providers[1:], true
	}
	for _, p := range c.all() {
		p.normalize()
	}
}

// normalize puts what is compared into one form, and sets the name.
func (p *Provider) normalize() {
	p.DiscoveryURL, p.JWKSURL = lowerScheme(p.DiscoveryURL), lowerScheme(p.JWKSURL)
	if p.Name == "" {
		p.Name = hostOf(cmp.Or(p.DiscoveryURL, p.Issuer))
	}
	p.Label = cmp.Or(p.Label, p.Name)
	p.IssuerAliases, p.Tenants = slices.Clone(p.IssuerAliases), slices.Clone(p.Tenants)
	for i, tenant := range p.Tenants {
		p.Tenants[i] = strings.ToLower(tenant)
	}
}

// hostOf returns the host of an address, without port and brackets; "" if it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(u.Hostname(), ":", "-")
}

// base returns the issuer that the provider must have, up to a trailing slash if Issuer is not set.
func (p *Provider) base() string {
	return cmp.Or(p.Issuer, strings.TrimSuffix(p.DiscoveryURL, provider.WellKnown))
}

// complete copies the slices, which the caller may change later, and fills in the defaults.
func (p *Provider) complete() {
	p.Scopes, p.Audience = slices.Clone(p.Scopes), slices.Clone(p.Audience)
	p.AuthParams, p.AllowAuthParams = cloneValues(p.AuthParams), slices.Clone(p.AllowAuthParams)
	if len(p.Scopes) == 0 {
		p.Scopes = slices.Clone(defaultScopes)
	}
	if p.Introspection != nil {
		own := *p.Introspection
		p.Introspection = &own
	}
}

// Format prints the settings that are set, without the secret, the same for every verb.
func (p Provider) Format(f fmt.State, _ rune) {
	printFields(f, "core.Provider", slices.DeleteFunc(p.shown(), isUnset))
}

// LogValue returns the settings without the secret.
func (p Provider) LogValue() slog.Value {
	return slog.GroupValue(slices.DeleteFunc(p.shown(), isUnset)...)
}

// MarshalJSON returns the settings without the secret, for logs. The result cannot be unmarshalled again.
func (p Provider) MarshalJSON() ([]byte, error) {
	return json.Marshal(fieldMap(slices.DeleteFunc(p.shown(), isUnset)))
}

// shown returns the fields that may be printed.
func (p Provider) shown() []slog.Attr {
	fields := []slog.Attr{
		slog.String("Name", p.Name),
		slog.String("Label", p.Label),
		slog.String("DiscoveryURL", shownAddress(p.DiscoveryURL)),
		slog.String("ClientID", p.ClientID),
		slog.String("ClientSecret", hide(p.ClientSecret != "")),
		slog.String("Issuer", shownAddress(p.Issuer)),
		slog.Any("IssuerAliases", shownAddresses(p.IssuerAliases)),
		slog.Any("Tenants", p.Tenants),
		slog.String("JWKSURL", shownAddress(p.JWKSURL)),
		slog.Any("Scopes", p.Scopes),
		slog.Any("Audience", p.Audience),
		slog.String("TokenEndpointAuthMethod", p.TokenEndpointAuthMethod),
		slog.String("PushedRequests", string(p.PushedRequests)),
		slog.String("IDTokenAlgorithm", p.IDTokenAlgorithm),
		slog.Any("AuthParams", slices.Sorted(maps.Keys(p.AuthParams))), // without the values, which may be somebody's
		slog.Any("AllowAuthParams", p.AllowAuthParams),
		slog.String("ResponseMode", p.ResponseMode),
		slog.String("Tokens", string(p.Tokens)),
	}
	if p.ClientKey != nil {
		fields = append(fields, slog.Attr{Key: "ClientKey", Value: p.ClientKey.LogValue()})
	}
	if p.Introspection != nil {
		fields = append(fields, slog.Attr{Key: "Introspection", Value: p.Introspection.LogValue()})
	}
	return fields
}
