package core

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/login"
)

// Defaults and bounds of browser sessions.
const (
	defaultIdle         = 12 * time.Hour
	defaultLifetime     = 7 * 24 * time.Hour
	maxLifetime         = 400 * 24 * time.Hour
	defaultRefreshAfter = time.Hour
	maxRefreshAfter     = 24 * time.Hour
	maxPerUser          = 1000
	defaultHome         = "/"
	sessionCookie       = "oidc-session"
)

// SessionConfig enables browser sessions, in Config.Sessions: a person logs in once and gets a cookie, which guards accept like a bearer
// token. The store contains the sessions. The zero value is ready for use; each field documents what its zero value means.
type SessionConfig struct {
	// CookieName is the name of the cookie; with https, the prefix __Host- is added. Empty: oidc-session, and if PublicURL is on
	// loopback or has a path, "-" and eight hex digits of its SHA-256, because ports and paths of a host share cookies.
	CookieName string
	// Home is the path to which a logout redirects, and a login whose request has no parameter return_to. Empty: /.
	Home string
	// IdleTimeout ends a session that has had no request for this time. 0: 12 h, or Lifetime if that is shorter. At most Lifetime.
	IdleTimeout time.Duration
	// Lifetime ends a session this time after the login, even if it has requests. 0: 7 days. At most 400 days.
	Lifetime time.Duration
	// RefreshAfter is the age of a session's claims at which a request makes one instance refresh them at the provider, in the background.
	// So a change of roles at the provider takes effect about this time later. 0: 1 h. At most 24 h.
	RefreshAfter time.Duration
	// StrippedPrefix is the path prefix that a proxy removes before requests reach this process ("/shop"). The redirect after a login
	// adds it again. Empty: none.
	StrippedPrefix string
	// PerUser is the maximum number of sessions of one person; one more login ends the oldest. 0: no limit. At most 1,000.
	PerUser int
	// TrustedOrigins lists other origins ("https://shop.example.org") whose scripts and forms may send unsafe requests with the cookie.
	// Empty: only the origin of PublicURL.
	TrustedOrigins []string
	// Claims lists claims of the provider that the session route returns in addition to sub, name, email, preferred_username and
	// picture. Empty: none.
	Claims []string
}

// checkSessions adds the faults of browser sessions.
func (c *Config) checkSessions(f *faults) {
	s := c.Sessions
	if s == nil {
		return
	}
	if c.main.DiscoveryURL == "" {
		f.add("Sessions", "set without DiscoveryURL: write DiscoveryURL, as sessions begin with a login")
	}
	if c.PublicURL == "" {
		f.add("PublicURL", "empty: browser sessions need it, it says which requests are this service's own")
	}
	if s.CookieName != "" && !isAlphanumeric(s.CookieName, "-_.") {
		f.add("Sessions.CookieName", "%q: write letters, digits, -, _ and dots; the prefix __Host- is added", s.CookieName)
	}
	if s.Home != "" && !isReturnTo(s.Home) {
		f.add("Sessions.Home", "%s: write a path of this origin that begins with one /", quoted(s.Home))
	}
	if s.StrippedPrefix != "" && !isPath(s.StrippedPrefix) {
		f.add("Sessions.StrippedPrefix", "%s: write a path that begins with / and does not end with one", quoted(s.StrippedPrefix))
	}
	if s.PerUser < 0 || s.PerUser > maxPerUser {
		f.add("Sessions.PerUser", "%d: write a number up to %d, or 0 for no bound", s.PerUser, maxPerUser)
	}
	for i, origin := range s.TrustedOrigins {
		if originOf(origin) != origin {
			f.add("Sessions.TrustedOrigins", "entry %d, %s: write scheme, host and port alone, in lower case", i, quoted(origin))
		} else if fault := c.badURL(origin); fault != "" {
			f.add("Sessions.TrustedOrigins", "entry %d, %s", i, fault)
		}
	}
	checkDuration(f, "Sessions.Lifetime", s.Lifetime, maxLifetime)
	checkDuration(f, "Sessions.IdleTimeout", s.IdleTimeout, cmp.Or(s.Lifetime, defaultLifetime))
	checkDuration(f, "Sessions.RefreshAfter", s.RefreshAfter, maxRefreshAfter)
}

// completeSessions fills in the defaults, in a copy.
func (c *Config) completeSessions() {
	if c.Sessions == nil {
		return
	}
	s := *c.Sessions
	s.TrustedOrigins, s.Claims = append([]string(nil), s.TrustedOrigins...), append([]string(nil), s.Claims...)
	s.Home = cmp.Or(s.Home, defaultHome)
	s.Lifetime = cmp.Or(s.Lifetime, defaultLifetime)
	s.IdleTimeout = cmp.Or(s.IdleTimeout, min(defaultIdle, s.Lifetime))
	s.RefreshAfter = cmp.Or(s.RefreshAfter, defaultRefreshAfter)
	if s.CookieName == "" {
		s.CookieName = sessionCookie + c.cookieDigits()
	}
	s.CookieName = login.CookiePrefix(c.isSecure()) + s.CookieName
	c.Sessions = &s
}

// cookieDigits distinguishes services that share cookies: ports and paths of one host.
func (c *Config) cookieDigits() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Path == "" && !isLoopback(u.Hostname()) {
		return ""
	}
	sum := sha256.Sum256([]byte(c.PublicURL))
	return "-" + hex.EncodeToString(sum[:4])
}

// originOf returns the origin of a URL in the form of the Origin header (RFC 6454 section 6.2), "" if it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}
