package core

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// badURL returns what is wrong with an address that this service calls or is called by, "" if nothing is. The text contains the
// address unless that may contain a password.
func (c *Config) badURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "empty: write an absolute URL"
	case err != nil || u.Host == "" || u.Opaque != "":
		return quoted(address) + ": write an absolute URL"
	case u.User != nil:
		return quoted(address) + ": remove user and password"
	case strings.Contains(address, "#"):
		return quoted(address) + ": remove the fragment"
	case u.Scheme == "https", u.Scheme == "http" && (c.AllowHTTP || isLoopback(u.Hostname())):
		return ""
	case u.Scheme == "http":
		return quoted(address) + ": write an https URL; http is allowed only on loopback, or with AllowHTTP in a network that nobody else can reach"
	default:
		return quoted(address) + ": write an https URL"
	}
}

// badEndpoint returns what is wrong with an endpoint in the provider's discovery document, "" if nothing is. Only a provider on
// loopback may name an http endpoint on loopback: otherwise this service would send the client secret unencrypted to whatever
// listens on this machine.
func (p *Provider) badEndpoint(address string, c *Config) string {
	if fault := c.badURL(address); fault != "" {
		return fault
	}
	discovery, err := url.Parse(p.DiscoveryURL)
	if isHTTP(address) && !c.AllowHTTP && (err != nil || !isLoopback(discovery.Hostname())) {
		return quoted(address) + ": http on loopback is allowed only if DiscoveryURL is on loopback too"
	}
	return ""
}

// badTarget reports whether uri is not a valid redirect target. Custom schemes of native apps are valid (RFC 8252 section 7.1).
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

// isPlain reports whether an address is http and not on loopback.
func isPlain(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// quoted returns an address for the text of an error. It hides one that may contain a password, before the host or in the query.
func quoted(address string) string {
	switch {
	case address == "":
		return "empty"
	case strings.ContainsAny(address, "@?"):
		return "an address that is not shown because it may contain a password"
	case len(address) > 200:
		return "an address of " + strconv.Itoa(len(address)) + " bytes"
	default:
		return strconv.Quote(address)
	}
}

// lowerScheme converts the scheme of an address to lower case (RFC 3986 section 3.1).
func lowerScheme(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return strings.ToLower(scheme) + "://" + rest
}

// lowerOrigin converts scheme and host of an address to lower case (RFC 3986 sections 3.1 and 3.2.2), as browsers do, and
// keeps the path as it is.
func lowerOrigin(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return strings.ToLower(scheme) + "://" + strings.ToLower(rest[:end]) + rest[end:]
}
