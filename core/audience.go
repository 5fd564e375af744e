package core

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
)

// Which of the provider's access tokens are for this service: docs/decisions/0022-audience.md.

// keycloaksOwn are clients of Keycloak's own, which it writes into aud wherever a user has one of their roles: everybody has
// those of account. An aud that names nobody else does not say whom a token is for.
var keycloaksOwn = []string{"account", "broker", "realm-management"}

// audiences are those that a token's aud has to name one of.
func (c *Config) audiences() []string {
	named := slices.DeleteFunc(slices.Clone(c.Audience), func(audience string) bool { return audience == IssuedToUs })
	if len(named) == 0 {
		return []string{c.ClientID}
	}
	return named
}

// isForUs is the rule of guards, see [Config.Audience]. typed says that the token's header calls it an access token: RFC 9068
// demands that its aud names whom it is for.
func (c *Config) isForUs(token *claims.Token, typed bool) bool {
	switch {
	case c.takesAnyAudience(), c.isNamed(token):
		return true
	case c.takesIssuedToUs():
		return c.isIssuedToUs(token)
	default:
		return len(c.Audience) == 0 && !typed && saysNobody(token.Audience) && c.isIssuedToUs(token)
	}
}

// isSubject is the rule of a token exchange, which makes a token with all the rights of this service out of another one: aud
// has to name it, whatever guards take.
func (c *Config) isSubject(token *claims.Token, _ bool) bool { return c.isNamed(token) }

// isGranted is the rule for what the provider answered to a request of this client's, which is for nobody else. It decides
// whether the token says anything about the user, and lets nobody in.
func (c *Config) isGranted(token *claims.Token, typed bool) bool {
	return c.isForUs(token, typed) || len(c.Audience) == 0 && c.isIssuedToUs(token)
}

func (c *Config) isNamed(token *claims.Token) bool {
	return slices.ContainsFunc(token.Audience, c.isAudience)
}

// isAudience is asked for each new token, so it does not allocate.
func (c *Config) isAudience(name string) bool {
	if len(c.Audience) == 0 || len(c.Audience) == 1 && c.Audience[0] == IssuedToUs {
		return name == c.ClientID
	}
	return name != IssuedToUs && slices.Contains(c.Audience, name)
}

func saysNobody(audience []string) bool {
	return !slices.ContainsFunc(audience, func(name string) bool { return !slices.Contains(keycloaksOwn, name) })
}

// isIssuedToUs reports whether azp or client_id is this client. Where both are there, both have to be.
func (c *Config) isIssuedToUs(token *claims.Token) bool {
	named := false
	for _, name := range []string{"azp", "client_id"} {
		if !token.Has(name) {
			continue
		}
		if named = token.Text(name) == c.ClientID; !named {
			return false
		}
	}
	return named && c.ClientID != ""
}

// audienceHint says which setting would accept a token that was refused.
func (c *Config) audienceHint(token *claims.Token) string {
	if c.takesIssuedToUs() || !c.isIssuedToUs(token) {
		return ""
	}
	return "the token was issued to this client, for another audience: core.IssuedToUs in Config.Audience accepts such tokens"
}
