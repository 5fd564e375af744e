package core

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// rules are how every token of this service is read.
func (c *Config) rules() *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: c.ClientID, AllClients: true}
}

// grantedIssuer reads what this client got as an access token, so that nothing in it has to say that it is one.
func (a *Auth) grantedIssuer() *verify.Issuer {
	row := a.providerIssuer()
	row.Marked = false
	return row
}

// providerIssuer is the provider's row of the table of issuers.
func (a *Auth) providerIssuer() *verify.Issuer {
	return &verify.Issuer{
		ID: a.cfg.Issuer, Discover: a.provider.Issuer, Keys: a.provider.Keys(), Down: fault.Keys,
		Audience: a.cfg.isForUs, Want: a.cfg.audience(), Marked: true,
		Rules: a.cfg.rules(), New: newToken,
	}
}

// isForUs is the audience rule for the provider's access tokens, see [Config.Audience].
func (c *Config) isForUs(token *claims.Token) bool {
	if len(c.Audience) > 0 {
		return c.Audience[0] == AnyAudience || slices.ContainsFunc(token.Audience, func(aud string) bool { return slices.Contains(c.Audience, aud) })
	}
	return slices.Contains(token.Audience, c.ClientID) || token.Text("azp") == c.ClientID || token.Text("client_id") == c.ClientID
}

// audience is what isForUs asks for, for the log.
func (c *Config) audience() []string {
	if len(c.Audience) > 0 {
		return c.Audience
	}
	return []string{c.ClientID}
}
