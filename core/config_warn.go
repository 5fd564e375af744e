package core

import (
	"net/url"
	"strings"
)

// warn logs settings that New accepts although they are dangerous or disable a feature: one line for each field.
func (c *Config) warn() {
	if len(c.SecretKeys) == 0 {
		c.Logger.Warn("no SecretKeys are configured: pending logins are lost on a restart and do not work across replicas")
	}
	if c.PublicURL == "" && c.main.DiscoveryURL != "" {
		c.Logger.Warn("Config.PublicURL is empty: the callback route answers 500, and browser logins that end there do not work")
	}
	if c.AllowHTTP {
		c.Logger.Warn("Config.AllowHTTP is set: whoever can read or change the traffic can take over every login")
	}
	if c.takesAnyAudience() {
		c.Logger.Warn("Config.Audience is core.AnyAudience: tokens that were issued for other services of the provider are accepted")
	}
	if c.mayBreakPython() {
		c.Logger.Warn("Config.Broker.SigningAlgorithm beside TrustedIssuers: Python services verify RS256 alone, and one that trusts this service refuses every token, its own too; write RS256 unless all of them are Go", "algorithm", c.Broker.SigningAlgorithm)
	}
	if c.ownStore && isUnencrypted(c.StoreURL) {
		c.Logger.Warn("Config.StoreURL connects to another machine without TLS: the password and all stored data cross the network unencrypted; write tls=true, or rediss://")
	}
}

// mayBreakPython reports whether this service belongs to a federation, whose Python services could not verify its tokens. Nothing that a
// trusted issuer publishes tells what it can verify: Go services publish RSA keys alone too.
func (c *Config) mayBreakPython() bool {
	return c.Broker != nil && c.Broker.SigningAlgorithm != defaultSigning && len(c.Broker.TrustedIssuers) > 0
}

// warnOfPrefix logs a warning if the routes are mounted under a prefix that PublicURL does not end in: browsers would not find
// them.
func (c *Config) warnOfPrefix(prefix string) {
	if c.lacksPrefix(prefix) {
		c.Logger.Warn("Config.PublicURL does not end in Paths.Prefix: browsers and the provider use addresses without the prefix, which work only behind a proxy that adds it", "public_url", c.PublicURL, "prefix", prefix)
	}
}

// lacksPrefix reports whether PublicURL does not end in a prefix of the routes.
func (c *Config) lacksPrefix(prefix string) bool {
	u, err := url.Parse(c.PublicURL)
	return err == nil && c.PublicURL != "" && prefix != "" && !strings.HasSuffix(u.Path, prefix)
}
