package core

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// callbackPath is the path on which a program on the user's machine listens, on any port (RFC 8252 section 7.3).
const callbackPath = "/callback"

// mayRedirect reports whether a login at p may send the browser to uri: the own callback for p, an entry of RedirectURIs, or an address
// that the loopback rule allows. The comparison is byte for byte.
func (f *flows) mayRedirect(p *party, uri string) bool {
	own := f.ownCallback(p)
	if own != "" && uri == own {
		return true
	}
	if slices.Contains(f.cfg.RedirectURIs, Loopback) && isLoopbackCallback(uri) {
		return true
	}
	return uri != Loopback && slices.Contains(f.cfg.RedirectURIs, uri)
}

// isLoopbackCallback implements the loopback rule: http://HOST[:PORT]/callback, byte for byte.
func isLoopbackCallback(uri string) bool {
	rest, isHTTP := strings.CutPrefix(uri, "http://")
	authority, isCallback := strings.CutSuffix(rest, callbackPath)
	if !isHTTP || !isCallback {
		return false
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if port, ok := strings.CutPrefix(authority, host); ok {
			return port == "" || isPort(port)
		}
	}
	return false
}

func isPort(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	number, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil && number > 0 && strconv.FormatUint(number, 10) == digits
}

// logoutTarget returns uri if a logout may send the browser there, else "".
func (a *Auth) logoutTarget(uri string) string {
	if uri != "" && slices.Contains(a.cfg.PostLogoutURIs, uri) {
		return uri
	}
	return ""
}

// withState adds the client's state to a URL to which this service redirects directly, without the provider.
func withState(target, state string) string {
	if state == "" {
		return target
	}
	return endpoint(target, url.Values{"state": {state}})
}
