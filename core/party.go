package core

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// party is one provider of this service: its settings, and what asks it.
type party struct {
	Provider

	asks      *authRequest // parameters of authorization requests
	up        *session.Upstream
	noLogout  *trouble.Trouble // the provider has no logout endpoint
	resources *resources       // of this service, which tokens may have as audience
}

// surroundings are what a party reports to, and calls with.
type surroundings struct {
	log      *slog.Logger
	label    string // Event.Provider
	http     *http.Client
	nearKeys bool // a discovery document names no keys on another host
}

// around returns the surroundings of a provider of the configuration.
func (a *Auth) around(p *Provider) surroundings {
	if len(a.cfg.Providers) == 0 {
		return surroundings{log: a.log, http: a.cfg.HTTPClient}
	}
	return surroundings{log: a.log.With("provider", p.Name), label: p.Name, http: a.cfg.HTTPClient}
}

// newParty makes a provider's party. It fetches nothing.
func (a *Auth) newParty(settings Provider, in surroundings) (*party, error) {
	p := &party{Provider: settings, asks: settings.authRequest(), resources: a.resources}
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	at := provider.New(provider.Config{
		DiscoveryURL: p.DiscoveryURL, Issuer: p.Issuer, JWKSURL: p.JWKSURL, Algorithm: p.IDTokenAlgorithm, Client: client,
		NearKeys: in.nearKeys, HTTP: in.http, Timeout: a.cfg.Timeout, Allows: func(address string) bool { return p.badEndpoint(address, a.cfg) == "" },
		Log: in.log, Observe: a.observed(in.label), Called: a.called,
	})
	rules := p.rules(a.cfg)
	issuer := p.issuer(at, rules)
	p.up = &session.Upstream{
		Name: p.Name, Owner: p, Rules: rules, Provider: at, Issuer: issuer, Subjects: p.subjects(*issuer), Granted: p.granted(*issuer), RefreshTTL: a.cfg.sessionTTL(),
	}
	row := issuer
	if a.cfg.Broker != nil {
		row = p.up.Subjects // guards accept own tokens alone
	}
	p.up.Opaque = a.newOpaque(p, at, row)
	p.noLogout = trouble.New(in.log, slog.LevelWarn, "browsers", "sent to the provider's logout")
	return p, nil
}

// rules returns the rules for reading the tokens of this provider.
func (p *Provider) rules(c *Config) *claims.Rules {
	return &claims.Rules{Leeway: c.Leeway, Client: p.ClientID, AllClients: c.RolesOfAllClients}
}

// issuer returns the provider's entry in the table of issuers.
func (p *party) issuer(at *provider.Provider, rules *claims.Rules) *verify.Issuer {
	return &verify.Issuer{
		ID: p.Issuer, IDAlgorithm: p.IDTokenAlgorithm, Discover: at.Issuer, Base: p.base(), Spellings: p.spellings(), Keys: at.Keys(), Down: fault.Keys,
		Audience: p.isForUs, Want: p.audiences(), Hint: p.audienceHint, Marked: true,
		Rules: rules, New: newToken,
	}
}

// subjects is the provider's entry for subject tokens of an exchange, made from its entry in the table.
func (p *party) subjects(row verify.Issuer) *verify.Issuer {
	row.Audience, row.Hint = p.isSubject, nil
	return &row
}

// granted is the provider's entry for access tokens in answers to this client, which need no mark of an access token,
// made from its entry in the table.
func (p *party) granted(row verify.Issuer) *verify.Issuer {
	row.Audience, row.Marked = p.isGranted, false
	return &row
}

// named returns the provider with this name; the main one for "", nil if there is none.
func (a *Auth) named(name string) *party {
	if name == "" {
		return a.main()
	}
	for _, p := range a.parties {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// partyOf returns the party of an Upstream; the main one for nil.
func (a *Auth) partyOf(up *session.Upstream) *party {
	if up == nil {
		return a.main()
	}
	return up.Owner.(*party) //nolint:forcetypeassert // newParty set it
}

// tag is how a state names the provider: "" for the main one.
func (a *Auth) tag(p *party) string {
	if p == a.main() {
		return ""
	}
	return p.Name
}

// metadata returns the provider's metadata, empty while it is unreachable, which is logged as a change of state.
func (p *party) metadata(ctx context.Context) *provider.Metadata {
	meta, err := p.up.Provider.Metadata(ctx)
	if err != nil {
		return &provider.Metadata{}
	}
	p.noLogout.Seen(ctx, endSessionFault(meta))
	return meta
}

// errUnknownProvider refuses a parameter provider that names none of Config.Providers.
func errUnknownProvider() error {
	return badRequest(CodeInvalidRequest, "There is no provider of this name.")
}

// clientIDs returns the client ids of this service at its providers, separated by spaces.
func (a *Auth) clientIDs() string {
	var ids []string
	for _, p := range a.parties {
		ids = append(ids, p.ClientID)
	}
	return strings.Join(ids, " ")
}
