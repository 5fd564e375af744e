package core

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// checkOwn refuses a request with a session cookie that another site made the browser send. It follows
// [http.CrossOriginProtection], with the origin of PublicURL instead of the Host header, and is stricter in two points: an Origin that
// is neither own nor trusted is refused for every method, because middleware may have changed the method, and a WebSocket handshake
// counts as unsafe. Clients other than browsers send neither header and pass.
func (a *Auth) checkOwn(credentials *Credentials) error {
	origins, sites := credentials.values("Origin"), credentials.values("Sec-Fetch-Site")
	if len(origins) > 1 || len(sites) > 1 {
		return foreign()
	}
	trusted := false
	if len(origins) == 1 {
		own := origins[0] == a.origin
		if trusted = !own && slices.Contains(a.cfg.Sessions.TrustedOrigins, origins[0]); !own && !trusted {
			return foreign()
		}
	}
	if len(sites) == 0 || sites[0] == "same-origin" || sites[0] == "none" || trusted || isSafe(credentials) {
		return nil
	}
	return foreign()
}

// isSafe reports whether the method is safe (RFC 9110 section 9.2.1) and the request is no WebSocket handshake.
func isSafe(credentials *Credentials) bool {
	switch credentials.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	for _, value := range credentials.values("Upgrade") {
		if strings.Contains(strings.ToLower(value), "websocket") {
			return false
		}
	}
	return true
}

func foreign() error { return fault.New(fault.Foreign, nil) }

// cookie returns the value of a cookie. It returns "" if there is none, and if there are several: another host of the same site may
// have set one of them. It does not allocate.
func (c *Credentials) cookie(name string) (value string) {
	found := false
	for _, line := range c.values("Cookie") {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			text, ok := strings.CutPrefix(trimmed(pair), name)
			if !ok || text == "" || text[0] != '=' {
				continue
			}
			if found {
				return ""
			}
			found, value = true, trimmed(text[1:])
		}
	}
	return value
}

// trimmed returns text without spaces and tabs around it, faster than [strings.Trim].
func trimmed(text string) string {
	for text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	for text != "" && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}
