package core

import (
	"net/url"
	"strings"
)

// warn logs what New accepts although it is dangerous or leaves something out: one line for each field.
func (c *Config) warn() {
	if len(c.SecretKeys) == 0 {
		c.Logger.Warn("no SecretKeys are configured: logins end with this process and do not cross replicas")
	}
	if c.PublicURL == "" && c.DiscoveryURL != "" {
		c.Logger.Warn("Config.PublicURL is empty: the callback route answers 500, and logins with the own callback do not work")
	}
	if c.AllowHTTP {
		c.Logger.Warn("Config.AllowHTTP is set: whoever can read or change the traffic can take over every login")
	}
	if c.takesAnyAudience() {
		c.Logger.Warn("Config.Audience is core.AnyAudience: tokens that were issued for other services of the provider are accepted")
	}
	if c.ownStore && isUnencrypted(c.StoreURL) {
		c.Logger.Warn("Config.StoreURL names a server beyond this machine without TLS: its password and everything stored cross the network in clear; write tls=true, or rediss://")
	}
}

// warnOfPrefix logs that browsers will miss the routes: they are mounted under a prefix that PublicURL does not end in.
func (c *Config) warnOfPrefix(prefix string) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL == "" || prefix == "" || strings.HasSuffix(u.Path, prefix) {
		return
	}
	c.Logger.Warn("Config.PublicURL does not end in Paths.Prefix: browsers and the provider are sent to addresses without the prefix, which only a proxy that adds it can serve", "public_url", c.PublicURL, "prefix", prefix)
}
