package core

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
)

// Which of the provider's access tokens are for this service: docs/decisions/0022-audience.md.

// keycloaksOwn lists Keycloak's built-in clients. It adds them to aud if the user has one of their roles, and every user has
// roles of account. So an aud with only these does not name the recipient of a token.
var keycloaksOwn = []string{"account", "broker", "realm-management"}

// audiences returns the accepted audiences: aud must contain one of them.
func (c *Config) audiences() []string {
	named := slices.DeleteFunc(slices.Clone(c.Audience), func(audience string) bool { return audience == IssuedToUs })
	if len(named) == 0 {
		return []string{c.ClientID}
	}
	return named
}

// isForUs is the rule of guards, see [Config.Audience]. typed means that the token's header has typ at+jwt: RFC 9068 then
// requires that aud names the recipient.
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

// isSubject is the rule of a token exchange, whose result has all rights at this service: aud must name the service, whatever
// guards accept.
func (c *Config) isSubject(token *claims.Token, _ bool) bool { return c.isNamed(token) }

// isGranted is the rule for access tokens in the provider's answers to this client. It only decides whether the claims of the
// token count for the user; it admits no request.
func (c *Config) isGranted(token *claims.Token, typed bool) bool {
	return c.isForUs(token, typed) || len(c.Audience) == 0 && c.isIssuedToUs(token)
}

func (c *Config) isNamed(token *claims.Token) bool {
	return slices.ContainsFunc(token.Audience, c.isAudience)
}

// isAudience runs for each new token and must not allocate.
func (c *Config) isAudience(name string) bool {
	if len(c.Audience) == 0 || len(c.Audience) == 1 && c.Audience[0] == IssuedToUs {
		return name == c.ClientID
	}
	return name != IssuedToUs && slices.Contains(c.Audience, name)
}

func saysNobody(audience []string) bool {
	return !slices.ContainsFunc(audience, func(name string) bool { return !slices.Contains(keycloaksOwn, name) })
}

// isIssuedToUs reports whether azp or client_id is this client. If the token has both, both must be.
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

// audienceHint names the setting that would accept a refused token, "" if there is none.
func (c *Config) audienceHint(token *claims.Token) string {
	if c.takesIssuedToUs() || !c.isIssuedToUs(token) {
		return ""
	}
	return "the token was issued to this client, for another audience: core.IssuedToUs in Config.Audience accepts such tokens"
}
