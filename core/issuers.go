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
		ID: a.cfg.Issuer, Discover: a.provider.Issuer, Keys: a.provider.Keys(), Down: fault.Keys,
		Audience: a.cfg.isForUs, Want: a.cfg.audiences(), Hint: a.cfg.audienceHint, Marked: true,
		Rules: a.cfg.rules(), New: newToken,
	}
}

// subjectIssuer reads what somebody wants to exchange.
func (a *Auth) subjectIssuer() *verify.Issuer {
	row := a.providerIssuer()
	row.Audience, row.Hint = a.cfg.isSubject, nil
	return row
}

// grantedIssuer reads what this client got as an access token, so that nothing in it has to say that it is one.
func (a *Auth) grantedIssuer() *verify.Issuer {
	row := a.providerIssuer()
	row.Audience, row.Marked = a.cfg.isGranted, false
	return row
}
