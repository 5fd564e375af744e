package core

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// badURL says what is wrong with an address that this service calls or is called by, with the address where it can hold no
// password. "" means that it can be used.
func (c *Config) badURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "empty: write an absolute URL"
	case err != nil || u.Host == "" || u.Opaque != "":
		return quoted(address) + ": write an absolute URL"
	case u.User != nil:
		return quoted(address) + ": write it without user and password"
	case strings.Contains(address, "#"):
		return quoted(address) + ": write it without a fragment"
	case u.Scheme == "https", u.Scheme == "http" && (c.AllowHTTP || isLoopback(u.Hostname())):
		return ""
	case u.Scheme == "http":
		return quoted(address) + ": write an https URL; http is for loopback, or set AllowHTTP for a network that nobody else can reach"
	default:
		return quoted(address) + ": write an https URL"
	}
}

// badEndpoint says what is wrong with an endpoint that the provider's discovery document names, "" if it can be used. http
// on loopback is for a provider on loopback: any other one would have the client's secret sent in clear to whatever
// listens on this machine.
func (c *Config) badEndpoint(address string) string {
	if fault := c.badURL(address); fault != "" {
		return fault
	}
	discovery, err := url.Parse(c.DiscoveryURL)
	if isHTTP(address) && !c.AllowHTTP && (err != nil || !isLoopback(discovery.Hostname())) {
		return quoted(address) + ": http on loopback is for a provider whose DiscoveryURL is on loopback"
	}
	return ""
}

// badTarget refuses what a browser would not go to as written; custom schemes of native apps pass (RFC 8252 section 7.1).
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

// isPlain reports whether an address is http beyond loopback.
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

// quoted returns an address for an error's text, but for one that may hold a password, before a host or in a query.
func quoted(address string) string {
	switch {
	case address == "":
		return "empty"
	case strings.ContainsAny(address, "@?"):
		return "an address that is not shown, as it may hold a password"
	case len(address) > 200:
		return "an address of " + strconv.Itoa(len(address)) + " bytes"
	default:
		return strconv.Quote(address)
	}
}

// lowerScheme puts the scheme of an address into lower case (RFC 3986 section 3.1).
func lowerScheme(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	return strings.ToLower(scheme) + "://" + rest
}

// lowerOrigin puts scheme and host of an address into lower case (RFC 3986 sections 3.1 and 3.2.2), as browsers do, and
// leaves the path as it is.
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
