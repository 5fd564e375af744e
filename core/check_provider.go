package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// maxProviders is the maximum number of providers beside the main one.
const maxProviders = 100

// checkProviders adds the faults of all providers, and those of their combination.
func (c *Config) checkProviders(f *faults) {
	if len(c.Providers) > maxProviders {
		f.add("Providers", "%d entries: write at most %d", len(c.Providers), maxProviders)
		return
	}
	all := c.all()
	for i, p := range all {
		p.check(f, c, c.fieldOf(i))
		if p.Name == "" && len(all) > 1 {
			f.add(c.fieldOf(i)+"Name", "empty, and no address has a host for a name: write the name by which a login chooses this provider")
		}
	}
	if c.ResolveIssuer != nil && c.Broker != nil && c.takesAnyAudience() {
		f.add("ResolveIssuer", "in broker mode tokens of tenants are exchanged, and Audience, which is core.AnyAudience, disables that: write the audiences, or remove ResolveIssuer")
	}
	c.checkDistinct(f, all)
	c.checkOneAsked(f, all)
}

// fieldOf returns what precedes the names of a provider's fields in errors; i is its place in [Config.all].
func (c *Config) fieldOf(i int) string {
	if i == 0 && !c.inList {
		return ""
	}
	if !c.inList {
		i--
	}
	return fmt.Sprintf("Providers[%d].", i)
}

// checkDistinct adds the faults of providers with one name or one issuer.
func (c *Config) checkDistinct(f *faults, all []*Provider) {
	spelled := make([]verify.Spellings, len(all))
	for i, p := range all {
		spelled[i] = p.spellings()
		for k, other := range all[:i] {
			if p.Name != "" && strings.EqualFold(p.Name, other.Name) {
				f.add(c.fieldOf(i)+"Name", "%q is the name of another provider too: give each its own Name", p.Name)
			}
			if sharesIssuer(spelled[i], spelled[k], p.base(), other.base()) {
				f.add(c.fieldOf(i)+"DiscoveryURL", "%s: the provider %s has the same issuer, and a token does not say which of the two it belongs to: write one entry, with every Audience", quoted(p.DiscoveryURL), other.Name)
			}
		}
	}
}

// all returns the settings of all providers, the main one first.
func (c *Config) all() []*Provider {
	list := []*Provider{&c.main}
	for i := range c.Providers {
		list = append(list, &c.Providers[i])
	}
	return list
}

// takesAnyAudience reports whether tokens for other services of a provider are accepted.
func (c *Config) takesAnyAudience() bool {
	return slices.ContainsFunc(c.all(), (*Provider).takesAnyAudience)
}

// isName reports whether text can be the name of a provider, which is part of a path.
func isName(text string) bool {
	const most = 64
	return text != "" && len(text) <= most && text != "." && text != ".." && isAlphanumeric(text, "-_.")
}

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
	case p.ClientID == "" && len(p.Audience) == 0 && len(c.Resources) == 0:
		f.add(field+"Audience", "empty: write the audience that tokens must contain, or a ClientID")
	}
	if p.Name != "" && !isName(p.Name) {
		f.add(field+"Name", "%q: write at most 64 letters, digits, dots, - and _; it is part of the address of the callback", p.Name)
	}
	if p.JWKSURL != "" {
		if fault := c.badURL(p.JWKSURL); fault != "" {
			f.add(field+"JWKSURL", "%s", fault)
		}
	}
	if strings.TrimSpace(p.Issuer) != p.Issuer {
		f.add(field+"Issuer", "%s: remove the white space around it", quoted(p.Issuer))
	}
	p.checkIssuers(f, field)
	if hasControl(p.ClientID) {
		f.add(field+"ClientID", "%q: remove the control characters", p.ClientID)
	}
	if hasControl(p.ClientSecret) {
		f.add(field+"ClientSecret", "it contains control characters, perhaps a line break: remove them")
	}
	p.checkClientAuth(f, field)
	p.checkParameters(f, field)
	p.checkResponseMode(f, c, field)
	if alg := p.IDTokenAlgorithm; alg != "" && alg != "Ed25519" && !slices.Contains(jose.Algorithms, alg) {
		f.add(field+"IDTokenAlgorithm", "%q: write one of %s, Ed25519; ID tokens without a signature, or signed with the client secret, are not accepted", alg, strings.Join(jose.Algorithms, ", "))
	}
	for _, scope := range p.Scopes {
		if !isScope(scope) {
			f.add(field+"Scopes", "%q is not a scope: write one word per entry, of printable ASCII without quotes and backslashes", scope)
		}
	}
	p.checkAudience(f, field)
	p.checkTokens(f, c, field)
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
