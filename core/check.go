package core

import (
	"fmt"
	"strings"
	"time"
)

// faults collects the errors of a configuration, so that New can report all of them at once.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, fmt.Errorf("core: Config."+field+": "+format, args...))
}

// check adds every error that it can find without opening the store: the field, its value, and the fix. No error contains a
// secret, or a URL that may contain a password.
func (c *Config) check(f *faults) {
	c.checkProviders(f)
	c.checkPublicURL(f)
	c.checkLists(f)
	c.checkSecrets(f)
	c.checkStore(f)
	c.checkBroker(f)
	c.checkSessions(f)
	c.checkResources(f)
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

func (c *Config) checkPublicURL(f *faults) {
	if c.PublicURL != "" {
		if fault := c.badURL(c.PublicURL); fault != "" {
			f.add("PublicURL", "%s", fault)
		} else if strings.Contains(c.PublicURL, "?") {
			f.add("PublicURL", "%s: remove the query", quoted(c.PublicURL))
		}
	}
}

func (c *Config) checkLists(f *faults) {
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
