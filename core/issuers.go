package core

import (
	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// rules returns the rules for reading every token of this service.
func (c *Config) rules() *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: c.ClientID, AllClients: c.RolesOfAllClients}
}

// providerIssuer returns the provider's entry in the table of issuers.
func (a *Auth) providerIssuer() *verify.Issuer {
	return &verify.Issuer{
		ID: a.cfg.Issuer, IDAlgorithm: a.cfg.IDTokenAlgorithm, Discover: a.provider.Issuer, Keys: a.provider.Keys(), Down: fault.Keys,
		Audience: a.cfg.isForUs, Want: a.cfg.audiences(), Hint: a.cfg.audienceHint, Marked: true,
		Rules: a.cfg.rules(), New: newToken,
	}
}

// subjectIssuer is the provider's entry for subject tokens of an exchange.
func (a *Auth) subjectIssuer() *verify.Issuer {
	row := a.providerIssuer()
	row.Audience, row.Hint = a.cfg.isSubject, nil
	return row
}

// grantedIssuer is the provider's entry for access tokens in answers to this client, which need no mark of an access token.
func (a *Auth) grantedIssuer() *verify.Issuer {
	row := a.providerIssuer()
	row.Audience, row.Marked = a.cfg.isGranted, false
	return row
}
