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
func (p *party) audiences() []string {
	named := slices.DeleteFunc(slices.Clone(p.Audience), func(audience string) bool { return audience == IssuedToUs })
	if len(named) == 0 && p.ClientID != "" {
		named = []string{p.ClientID}
	}
	return append(named, p.resources.urls()...)
}

// isForUs is the rule of guards, see [Config.Audience]. typed means that the token's header has typ at+jwt: RFC 9068 then
// requires that aud names the recipient.
func (p *party) isForUs(token *claims.Token, typed bool) bool {
	switch {
	case p.takesAnyAudience(), p.isNamed(token):
		return true
	case p.takesIssuedToUs():
		return p.isIssuedToUs(token)
	default:
		return len(p.Audience) == 0 && !typed && saysNobody(token.Audience) && p.isIssuedToUs(token)
	}
}

// isSubject is the rule of a token exchange, whose result has all rights at this service: aud must name the service, whatever
// guards accept.
func (p *party) isSubject(token *claims.Token, _ bool) bool { return p.isNamed(token) }

// isGranted is the rule for access tokens in the provider's answers to this client. It only decides whether the claims of the
// token count for the user; it admits no request.
func (p *party) isGranted(token *claims.Token, typed bool) bool {
	return p.isForUs(token, typed) || len(p.Audience) == 0 && p.isIssuedToUs(token)
}

func (p *party) isNamed(token *claims.Token) bool {
	return slices.ContainsFunc(token.Audience, p.isAudience)
}

// isAudience runs for each new token and must not allocate.
func (p *party) isAudience(name string) bool {
	if p.resources.has(name) {
		return true
	}
	if len(p.Audience) == 0 || len(p.Audience) == 1 && p.Audience[0] == IssuedToUs {
		return name == p.ClientID && name != "" // Resources alone need no client
	}
	return name != IssuedToUs && slices.Contains(p.Audience, name)
}

func saysNobody(audience []string) bool {
	return !slices.ContainsFunc(audience, func(name string) bool { return !slices.Contains(keycloaksOwn, name) })
}

// isIssuedToUs reports whether azp or client_id is this client. If the token has both, both must be.
func (p *Provider) isIssuedToUs(token *claims.Token) bool {
	named := false
	for _, name := range []string{"azp", "client_id"} {
		if !token.Has(name) {
			continue
		}
		if named = token.Text(name) == p.ClientID; !named {
			return false
		}
	}
	return named && p.ClientID != ""
}

// audienceHint names the setting that would accept a refused token, "" if there is none.
func (p *party) audienceHint(token *claims.Token) string {
	if p.takesIssuedToUs() || !p.isIssuedToUs(token) {
		return ""
	}
	return "the token was issued to this client, for another audience: core.IssuedToUs in Config.Audience accepts such tokens"
}

// takesAnyAudience reports whether tokens for other services of the provider are accepted.
func (p *Provider) takesAnyAudience() bool { return slices.Contains(p.Audience, AnyAudience) }

// takesIssuedToUs reports whether tokens that were issued to this client are accepted whatever their audience.
func (p *Provider) takesIssuedToUs() bool { return slices.Contains(p.Audience, IssuedToUs) }
