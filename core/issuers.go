package core

import (
	"context"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// rules are how every token of this service is read.
func (c *Config) rules() *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: c.ClientID, AllClients: true}
}

// providerIssuer is the provider's row of the table of issuers.
func (a *Auth) providerIssuer() *verify.Issuer {
	return &verify.Issuer{
		ID: a.cfg.Issuer, Discover: a.provider.Issuer, Keys: a.provider.Keys(), Down: fault.Keys,
		Audience: a.cfg.isForUs, Want: a.cfg.audience(), Rules: a.cfg.rules(), New: newToken,
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

// issuers are the rows of broker mode: this service and those that it trusts.
func (b *tokenBroker) issuers() []*verify.Issuer {
	table := []*verify.Issuer{b.row(b.issuer, b.keys, fault.Store)}
	table[0].Session, table[0].Ended = sessionOf, b.feed.Has
	for issuer, keys := range b.peers { // what they revoke is known to them alone
		table = append(table, b.row(issuer, keys, fault.PeerKeys))
	}
	return table
}

func (b *tokenBroker) row(id string, keys verify.Keys, down fault.Part) *verify.Issuer {
	return &verify.Issuer{
		ID: id, Keys: keys, Down: down, Algorithm: brokerAlgorithm, NamedKeys: true,
		Audience: func(token *claims.Token) bool { return slices.Contains(token.Audience, b.cfg.Audience) },
		Want:     []string{b.cfg.Audience}, Rules: b.auth.cfg.rules(), New: newToken,
	}
}

// sessionOf names what a token can be revoked by: its session, or itself where it has none, as tokens of the Python
// library.
func sessionOf(token *claims.Token) string {
	if sid := token.Text("sid"); sid != "" {
		return sid
	}
	return token.Text("jti") // Read checked its type
}

// verifyProviderAccess checks an access token of the provider, whatever the mode.
func (a *Auth) verifyProviderAccess(ctx context.Context, raw string) (*IDToken, error) {
	token, err := a.upstream.Access(ctx, raw)
	return idTokenOf(token), err
}
