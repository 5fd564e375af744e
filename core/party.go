package core

import (
	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// party is one provider of this service: its settings, and what asks it.
type party struct {
	Provider

	up *session.Upstream
}

// newParty makes a provider's party. It fetches nothing.
func (a *Auth) newParty(settings Provider) *party {
	p := &party{Provider: settings}
	at := provider.New(provider.Config{
		DiscoveryURL: p.DiscoveryURL, Issuer: p.Issuer, JWKSURL: p.JWKSURL, Client: provider.NewClient(p.ClientID, p.ClientSecret),
		HTTP: a.cfg.HTTPClient, Timeout: a.cfg.Timeout, Allows: func(address string) bool { return p.badEndpoint(address, a.cfg) == "" },
		Log: a.log, Observe: a.observed(),
	})
	rules := p.rules(a.cfg)
	p.up = &session.Upstream{Provider: at, Issuer: p.issuer(at, rules), Subjects: p.subjects(at, rules), Granted: p.granted(at, rules), RefreshTTL: a.cfg.sessionTTL()}
	return p
}

// rules returns the rules for reading the tokens of this provider.
func (p *Provider) rules(c *Config) *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: p.ClientID, AllClients: c.RolesOfAllClients}
}

// issuer returns the provider's entry in the table of issuers.
func (p *Provider) issuer(at *provider.Provider, rules *claims.Rules) *verify.Issuer {
	return &verify.Issuer{
		ID: p.Issuer, Discover: at.Issuer, Keys: at.Keys(), Down: fault.Keys,
		Audience: p.isForUs, Want: p.audiences(), Hint: p.audienceHint, Marked: true,
		Rules: rules, New: newToken,
	}
}

// subjects is the provider's entry for subject tokens of an exchange.
func (p *Provider) subjects(at *provider.Provider, rules *claims.Rules) *verify.Issuer {
	row := p.issuer(at, rules)
	row.Audience, row.Hint = p.isSubject, nil
	return row
}

// granted is the provider's entry for access tokens in answers to this client, which need no mark of an access token.
func (p *Provider) granted(at *provider.Provider, rules *claims.Rules) *verify.Issuer {
	row := p.issuer(at, rules)
	row.Audience, row.Marked = p.isGranted, false
	return row
}
