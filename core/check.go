package core

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// wellKnown is the end of every discovery address (OpenID Connect Discovery section 4).
const wellKnown = "/.well-known/openid-configuration"

// faults collects what is wrong with a configuration: all of it is told at once.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, fmt.Errorf("core: Config."+field+": "+format, args...))
}

// check returns every fault of the configuration, each with its field and what to write instead. No value of a secret
// is in a text.
func (c *Config) check() error {
	var f faults
	c.checkProvider(&f)
	c.checkLists(&f)
	c.checkSecrets(&f)
	c.checkStore(&f)
	c.checkBroker(&f)
	checkDuration(&f, "Timeout", c.Timeout, maxTimeout)
	checkDuration(&f, "Leeway", c.Leeway, maxLeeway)
	if c.TokenCacheSize > maxTokenCache {
		f.add("TokenCacheSize", "%d: write at most %d", c.TokenCacheSize, maxTokenCache)
	}
	for i, requirement := range c.Require {
		if fault := requirement.faultInConfig(); fault != "" {
			f.add("Require", "entry %d: %s", i, fault)
		}
	}
	return errors.Join(f...)
}

func (c *Config) checkProvider(f *faults) {
	switch {
	case c.DiscoveryURL != "":
		if fault := c.badURL(c.DiscoveryURL); fault != "" {
			f.add("DiscoveryURL", "%s", fault)
		} else if !strings.HasSuffix(c.DiscoveryURL, wellKnown) {
			f.add("DiscoveryURL", "write the address of the discovery document, ending in %s", wellKnown)
		}
		if c.ClientID == "" {
			f.add("ClientID", "write the client id that the provider gave this service")
		}
	case c.Issuer == "" || c.JWKSURL == "":
		f.add("DiscoveryURL", "write the address of the provider's discovery document, or both Issuer and JWKSURL for guards alone")
	case c.ClientID == "" && len(c.Audience) == 0:
		f.add("Audience", "write the audience that tokens have to name, or a ClientID")
	}
	c.checkURL(f, "JWKSURL", c.JWKSURL)
	c.checkURL(f, "PublicURL", c.PublicURL)
	if strings.Contains(c.PublicURL, "?") {
		f.add("PublicURL", "write it without a query")
	}
	if strings.TrimSpace(c.Issuer) != c.Issuer {
		f.add("Issuer", "write it without white space")
	}
	if hasControl(c.ClientID) || hasControl(c.ClientSecret) {
		f.add("ClientID", "write ClientID and ClientSecret without control characters")
	}
}

func (c *Config) checkURL(f *faults, field, value string) {
	if value == "" {
		return
	}
	if fault := c.badURL(value); fault != "" {
		f.add(field, "%s", fault)
	}
}

func (c *Config) checkLists(f *faults) {
	for _, scope := range c.Scopes {
		if !isScope(scope) {
			f.add("Scopes", "%q is no scope: write one word for each entry, of printable ASCII without quotes and backslashes", scope)
		}
	}
	if slices.Contains(c.Audience, "") {
		f.add("Audience", "write no empty entry")
	}
	if slices.Contains(c.Audience, AnyAudience) && len(c.Audience) > 1 {
		f.add("Audience", "write core.AnyAudience alone, or the audiences without it")
	}
	// The text of a broken URI may hold a password: the entry's number says which one it is.
	for i, uri := range c.RedirectURIs {
		if uri != Loopback && badTarget(uri) {
			f.add("RedirectURIs", "entry %d: write an absolute URI without user and fragment, or core.Loopback", i)
		}
	}
	for i, uri := range c.PostLogoutURIs {
		if badTarget(uri) {
			f.add("PostLogoutURIs", "entry %d: write an absolute URI without user and fragment", i)
		}
	}
}

func (c *Config) checkSecrets(f *faults) {
	for i, secret := range c.SecretKeys {
		if len(secret) < minSecretKey {
			f.add("SecretKeys", "entry %d has %d bytes: write at least %d, for instance the output of: openssl rand -base64 48", i, len(secret), minSecretKey)
		}
	}
}

func checkDuration(f *faults, field string, value, most time.Duration) {
	if value < 0 || value > most {
		f.add(field, "%s: write a duration above 0 and up to %s, or 0 for the default", value, most)
	}
}

// badURL says what is wrong with an address that this service calls, or is called by, "" when it will do.
func (c *Config) badURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "write an absolute URL" // the text of a broken URL may hold a password
	case u.User != nil:
		return "write it without user and password"
	case u.Fragment != "" || strings.Contains(address, "#"):
		return "write it without a fragment"
	case u.Scheme == "https", u.Scheme == "http" && (c.AllowHTTP || isLoopback(u.Hostname())):
		return ""
	case u.Scheme == "http":
		return "write an https URL; http is for loopback, or set AllowHTTP for a network that nobody else can reach"
	default:
		return "write an https URL"
	}
}

// badTarget refuses what a browser would not go to as written; custom schemes of native apps pass.
func badTarget(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || strings.ContainsAny(uri, "#\\ ") || hasControl(uri) || u.User != nil {
		return true
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Host == ""
	}
	return u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript" || u.Scheme == "file"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func hasControl(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0
}

// isScope is the scope-token of RFC 6749 section 3.3.
func isScope(word string) bool {
	return word != "" && strings.IndexFunc(word, func(r rune) bool { return r <= 0x20 || r > 0x7e || r == '"' || r == '\\' }) < 0
}

// isAlphanumeric reports whether text has nothing but ASCII letters, digits and the characters of more.
func isAlphanumeric(text, more string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(more, r))
	}) < 0
}

// takesAnyAudience reports whether tokens for other services of the provider are taken.
func (c *Config) takesAnyAudience() bool { return slices.Contains(c.Audience, AnyAudience) }
