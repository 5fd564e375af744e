package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// faults collects the errors of a configuration, so that New can report all of them at once.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, fmt.Errorf("core: Config."+field+": "+format, args...))
}

// check adds every error that it can find without opening the store: the field, its value, and the fix. No error contains a
// secret, or a URL that may contain a password.
func (c *Config) check(f *faults) {
	c.checkProvider(f)
	c.checkLists(f)
	c.checkParameters(f)
	c.checkResponseMode(f)
	c.checkAudience(f)
	c.checkSecrets(f)
	c.checkStore(f)
	c.checkBroker(f)
	c.checkSessions(f)
	checkDuration(f, "Timeout", c.Timeout, maxTimeout)
	checkDuration(f, "Leeway", c.Leeway, maxLeeway)
	if c.TokenCacheSize > maxTokenCache {
		f.add("TokenCacheSize", "%d: write at most %d", c.TokenCacheSize, maxTokenCache)
	}
	for i, requirement := range c.Require {
		if fault := requirement.faultInConfig(); fault != "" {
			f.add("Require", "entry %d: %s", i, fault)
		}
	}
}

func (c *Config) checkProvider(f *faults) {
	switch {
	case c.DiscoveryURL != "":
		if fault := c.badURL(c.DiscoveryURL); fault != "" {
			f.add("DiscoveryURL", "%s", fault)
		} else if !strings.HasSuffix(c.DiscoveryURL, provider.WellKnown) {
			f.add("DiscoveryURL", "%s: write the address of the discovery document, ending in %s", quoted(c.DiscoveryURL), provider.WellKnown)
		}
		if c.ClientID == "" {
			f.add("ClientID", "empty: write the client id of this service at the provider")
		}
	case c.Issuer == "" || c.JWKSURL == "":
		f.add("DiscoveryURL", "empty: write the address of the provider's discovery document, or both Issuer and JWKSURL if you need only guards")
	case c.ClientID == "" && len(c.Audience) == 0:
		f.add("Audience", "empty: write the audience that tokens must contain, or a ClientID")
	}
	if c.JWKSURL != "" {
		if fault := c.badURL(c.JWKSURL); fault != "" {
			f.add("JWKSURL", "%s", fault)
		}
	}
	if c.PublicURL != "" {
		if fault := c.badURL(c.PublicURL); fault != "" {
			f.add("PublicURL", "%s", fault)
		} else if strings.Contains(c.PublicURL, "?") {
			f.add("PublicURL", "%s: remove the query", quoted(c.PublicURL))
		}
	}
	if alg := c.IDTokenAlgorithm; alg != "" && alg != "Ed25519" && !slices.Contains(jose.Algorithms, alg) {
		f.add("IDTokenAlgorithm", "%q: write one of %s, Ed25519; ID tokens without a signature, or signed with the client secret, are not accepted", alg, strings.Join(jose.Algorithms, ", "))
	}
	if strings.TrimSpace(c.Issuer) != c.Issuer {
		f.add("Issuer", "%s: remove the white space around it", quoted(c.Issuer))
	}
	if hasControl(c.ClientID) {
		f.add("ClientID", "%q: remove the control characters", c.ClientID)
	}
	if hasControl(c.ClientSecret) {
		f.add("ClientSecret", "it contains control characters, perhaps a line break: remove them")
	}
}

func (c *Config) checkLists(f *faults) {
	for _, scope := range c.Scopes {
		if !isScope(scope) {
			f.add("Scopes", "%q is not a scope: write one word per entry, of printable ASCII without quotes and backslashes", scope)
		}
	}
	for i, uri := range c.RedirectURIs {
		switch {
		case uri == Loopback:
		case badTarget(uri):
			f.add("RedirectURIs", "entry %d, %s: write an absolute URI without user or fragment, or core.Loopback", i, quoted(uri))
		case !c.AllowHTTP && isPlain(uri):
			f.add("RedirectURIs", "entry %d, %s: write an https URI; http is allowed only on loopback, because the code would cross the network unencrypted", i, quoted(uri))
		}
	}
	for i, uri := range c.PostLogoutURIs {
		if badTarget(uri) {
			f.add("PostLogoutURIs", "entry %d, %s: write an absolute URI without user or fragment", i, quoted(uri))
		}
	}
}

func (c *Config) checkAudience(f *faults) {
	if slices.Contains(c.Audience, "") {
		f.add("Audience", "an entry is empty: remove it")
	}
	if c.takesAnyAudience() && len(c.Audience) > 1 {
		f.add("Audience", "core.AnyAudience must be the only entry: remove it or the others")
	}
	if slices.Contains(c.Audience, IssuedToUs) && c.ClientID == "" {
		f.add("Audience", "core.IssuedToUs needs a client: write the ClientID that azp or client_id must name")
	}
}

func checkDuration(f *faults, field string, value, most time.Duration) {
	if value < 0 || value > most {
		f.add(field, "%s: write a duration above 0 and up to %s, or 0 for the default", value, most)
	}
}

func hasControl(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0
}

// isScope reports whether word is a scope-token (RFC 6749 section 3.3).
func isScope(word string) bool {
	return word != "" && strings.IndexFunc(word, func(r rune) bool { return r <= 0x20 || r > 0x7e || r == '"' || r == '\\' }) < 0
}

// isAlphanumeric reports whether text consists of ASCII letters, digits and the characters in more.
func isAlphanumeric(text, more string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(more, r))
	}) < 0
}

// takesAnyAudience reports whether tokens for other services of the provider are accepted.
func (c *Config) takesAnyAudience() bool { return slices.Contains(c.Audience, AnyAudience) }

// takesIssuedToUs reports whether tokens that were issued to this client are accepted whatever their audience.
func (c *Config) takesIssuedToUs() bool { return slices.Contains(c.Audience, IssuedToUs) }
