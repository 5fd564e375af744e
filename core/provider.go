package core

import (
	"log/slog"
	"slices"
)

// Provider has the settings of one OpenID provider. Each field is documented at the field of [Config] with the same name.
type Provider struct {
	DiscoveryURL string
	ClientID     string
	ClientSecret string
	Issuer       string
	JWKSURL      string
	Scopes       []string
	Audience     []string
}

// main returns the settings of the provider that the fields of Config describe.
func (c *Config) main() Provider {
	return Provider{
		DiscoveryURL: c.DiscoveryURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Issuer: c.Issuer, JWKSURL: c.JWKSURL,
		Scopes: c.Scopes, Audience: c.Audience,
	}
}

// complete copies the slices, which the caller may change later, and fills in the defaults.
func (p *Provider) complete() {
	p.Scopes, p.Audience = slices.Clone(p.Scopes), slices.Clone(p.Audience)
	if len(p.Scopes) == 0 {
		p.Scopes = slices.Clone(defaultScopes)
	}
}

// shown returns the fields that may be printed.
func (p Provider) shown() []slog.Attr {
	return []slog.Attr{
		slog.String("DiscoveryURL", shownAddress(p.DiscoveryURL)),
		slog.String("ClientID", p.ClientID),
		slog.String("ClientSecret", hide(p.ClientSecret != "")),
		slog.String("Issuer", shownAddress(p.Issuer)),
		slog.String("JWKSURL", shownAddress(p.JWKSURL)),
		slog.Any("Scopes", p.Scopes),
		slog.Any("Audience", p.Audience),
	}
}
