package core

import (
	"fmt"
	"net/url"
	"strings"
)

// Limits of Config.Resources.
const (
	maxResources    = 100
	maxResourceURL  = 512
	maxResourceName = 256
)

// checkResources adds the errors of Resources.
func (c *Config) checkResources(f *faults) {
	if len(c.Resources) == 0 {
		return
	}
	if c.Broker != nil {
		f.add("Resources", "%d entries: remove them, or Broker: a client that reads the metadata gets its token from the provider, and guards of broker mode accept tokens of this service alone", len(c.Resources))
		return
	}
	if len(c.Resources) > maxResources {
		f.add("Resources", "%d entries: write at most %d", len(c.Resources), maxResources)
		return
	}
	places := make(map[string]int)
	for i, r := range c.Resources {
		field := fmt.Sprintf("Resources[%d].", i)
		r.checkRest(f, c, field)
		if fault := c.badResource(r.URL); fault != "" {
			f.add(field+"URL", "%s", fault)
			continue
		}
		path := newResource(r).path
		if first, taken := places[path]; taken {
			f.add(field+"URL", "%s: Resources[%d] has the same path, and so has its metadata, which says nothing about the host of a request: write a resource of another path, or make an Auth for each host", quoted(r.URL), first)
			continue
		}
		places[path] = i
	}
}

// badResource returns what is wrong with a resource identifier, "" if nothing is (RFC 9728 section 1.2, RFC 8707 section 2).
func (c *Config) badResource(address string) string {
	if fault := c.badURL(address); fault != "" {
		return fault
	}
	u, err := url.Parse(address)
	path := newResource(Resource{URL: address}).path
	switch {
	case err != nil: // badURL has parsed it
		return quoted(address) + ": write an absolute URL"
	case len(address) > maxResourceURL:
		return fmt.Sprintf("%s: write at most %d bytes", quoted(address), maxResourceURL)
	case strings.Contains(address, "?"):
		return quoted(address) + ": remove the query: the address of the metadata would have it too, and routes are found by their path"
	case !isAlphanumeric(u.Host, "-.:[]_") || strings.HasSuffix(u.Host, ":"):
		return quoted(address) + ": write the host in ASCII, an international name as xn--…, and a port only with its number"
	case strings.HasSuffix(path, "/") || path != "" && strings.HasSuffix(address, "/"):
		return quoted(address) + ": remove the slash at the end of the path"
	case path != "" && !isPath(path):
		return quoted(address) + ": write a path of letters, digits and -._~, without escapes, empty segments and dot segments"
	}
	return ""
}

// checkRest adds the errors of what is for people.
func (r Resource) checkRest(f *faults, c *Config, field string) {
	if len(r.Name) > maxResourceName || !isPrintable(r.Name) {
		f.add(field+"Name", "%.80q: write at most %d bytes of text without control characters", r.Name, maxResourceName)
	}
	if r.Documentation == "" {
		return
	}
	page, _, _ := strings.Cut(r.Documentation, "#") // a page may have sections
	if fault := c.badURL(page); fault != "" {
		f.add(field+"Documentation", "%s", fault)
	}
}

// resourceURLs returns the resource identifiers, for printing.
func (c Config) resourceURLs() []string {
	var urls []string
	for _, r := range c.Resources {
		urls = append(urls, r.URL)
	}
	return urls
}
