package core

import (
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// check adds the faults of a provider. field precedes the names of its fields in errors.
func (p *Provider) check(f *faults, c *Config, field string) {
	switch {
	case p.DiscoveryURL != "":
		if fault := c.badURL(p.DiscoveryURL); fault != "" {
			f.add(field+"DiscoveryURL", "%s", fault)
		} else if !strings.HasSuffix(p.DiscoveryURL, provider.WellKnown) {
			f.add(field+"DiscoveryURL", "%s: write the address of the discovery document, ending in %s", quoted(p.DiscoveryURL), provider.WellKnown)
		}
		if p.ClientID == "" {
			f.add(field+"ClientID", "empty: write the client id of this service at the provider")
		}
	case p.Issuer == "" || p.JWKSURL == "":
		f.add(field+"DiscoveryURL", "empty: write the address of the provider's discovery document, or both Issuer and JWKSURL if you need only guards")
	case p.ClientID == "" && len(p.Audience) == 0:
		f.add(field+"Audience", "empty: write the audience that tokens must contain, or a ClientID")
	}
	if p.JWKSURL != "" {
		if fault := c.badURL(p.JWKSURL); fault != "" {
			f.add(field+"JWKSURL", "%s", fault)
		}
	}
	if strings.TrimSpace(p.Issuer) != p.Issuer {
		f.add(field+"Issuer", "%s: remove the white space around it", quoted(p.Issuer))
	}
	if hasControl(p.ClientID) {
		f.add(field+"ClientID", "%q: remove the control characters", p.ClientID)
	}
	if hasControl(p.ClientSecret) {
		f.add(field+"ClientSecret", "it contains control characters, perhaps a line break: remove them")
	}
	for _, scope := range p.Scopes {
		if !isScope(scope) {
			f.add(field+"Scopes", "%q is not a scope: write one word per entry, of printable ASCII without quotes and backslashes", scope)
		}
	}
	p.checkAudience(f, field)
}

func (p *Provider) checkAudience(f *faults, field string) {
	if slices.Contains(p.Audience, "") {
		f.add(field+"Audience", "an entry is empty: remove it")
	}
	if p.takesAnyAudience() && len(p.Audience) > 1 {
		f.add(field+"Audience", "core.AnyAudience must be the only entry: remove it or the others")
	}
	if slices.Contains(p.Audience, IssuedToUs) && p.ClientID == "" {
		f.add(field+"Audience", "core.IssuedToUs needs a client: write the ClientID that azp or client_id must name")
	}
}
