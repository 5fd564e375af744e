package core

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// rules returns the rules for reading every token of this service.
func (c *Config) rules() *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: c.ClientID, AllClients: true}
}

// providerIssuer returns the provider's entry in the table of issuers.
func (a *Auth) providerIssuer() *verify.Issuer {
	return &verify.Issuer{
		ID: a.cfg.Issuer, Discover: a.provider.Issuer, Keys: a.provider.Keys(), Down: fault.Keys,
		Audience: a.cfg.isForUs, Want: a.cfg.audience(), Rules: a.cfg.rules(), New: newToken,
	}
}

// isForUs implements the audience rule for the provider's access tokens, see [Config.Audience].
func (c *Config) isForUs(token *claims.Token) bool {
	if len(c.Audience) > 0 {
		return c.Audience[0] == AnyAudience || slices.ContainsFunc(token.Audience, func(aud string) bool { return slices.Contains(c.Audience, aud) })
	}
	return slices.Contains(token.Audience, c.ClientID) || token.Text("azp") == c.ClientID || token.Text("client_id") == c.ClientID
}

// audience returns the audiences that isForUs accepts, for the log.
func (c *Config) audience() []string {
	if len(c.Audience) > 0 {
		return c.Audience
	}
	return []string{c.ClientID}
}
