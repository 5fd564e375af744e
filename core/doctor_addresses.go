package core

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// mounts has the path tables that [Auth.Routes] was called with. Safe for concurrent use.
type mounts struct {
	mu   sync.Mutex
	list []Paths
}

// maxMounts limits the tables that are kept. A service has one or two.
const maxMounts = 16

func (m *mounts) add(paths Paths) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) < maxMounts && !slices.Contains(m.list, paths) {
		m.list = append(m.list, paths)
	}
}

// tables returns the mounted tables; if there are none, the default paths.
func (m *mounts) tables() (tables []Paths, mounted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) > 0 {
		return slices.Clone(m.list), true
	}
	var paths Paths
	paths.complete()
	return []Paths{paths}, false
}

// examineAddresses compares PublicURL with the mounted routes, and notes what must be registered at the provider, apart from the redirect
// URIs, which examineRedirects asks the provider about.
func (a *Auth) examineAddresses(_ context.Context, f *findings) {
	tables, mounted := a.mounts.tables()
	if a.cfg.main.DiscoveryURL == "" {
		f.note("PublicURL", "", "There is no DiscoveryURL: only guards and userinfo work, no login.")
		return
	}
	if a.cfg.PublicURL == "" {
		a.examineMissing(f, tables, mounted)
		return
	}
	if !mounted {
		f.note("routes", "routes, err := auth.Routes(core.Paths{})", "No routes are mounted yet: Doctor assumes the default paths.")
	}
	a.examinePrefixes(f, tables, mounted)
	a.examineRegistration(f, tables)
}

func (a *Auth) examineMissing(f *findings, tables []Paths, mounted bool) {
	const line = `PublicURL: "https://app.example.org",`
	if mounted && serves(tables, func(paths Paths) string { return paths.Callback }) {
		f.wrong("PublicURL", line, "Config.PublicURL is empty: the callback route answers 500, and logins of browsers do not work.")
		return
	}
	f.note("PublicURL", line, "Config.PublicURL is empty: guards and command-line tools work without it, logins of browsers do not.")
}

func (a *Auth) examinePrefixes(f *findings, tables []Paths, mounted bool) {
	good := true
	for _, paths := range tables {
		if a.cfg.lacksPrefix(paths.Prefix) {
			good = false
			f.wrong("PublicURL", "PublicURL: "+strconv.Quote(a.cfg.PublicURL+paths.Prefix)+",",
				"The routes are mounted under %s, and Config.PublicURL does not end in it: browsers and the provider do not find them, unless a proxy adds the prefix.", paths.Prefix)
		}
	}
	if u, err := url.Parse(a.cfg.PublicURL); err == nil && isLoopback(u.Hostname()) {
		f.note("PublicURL", `PublicURL: "https://app.example.org",`, "Config.PublicURL is on loopback: only browsers on this machine can log in.")
	} else if good && mounted {
		f.ok("PublicURL", "The routes are mounted, and their public addresses begin with Config.PublicURL.")
	}
}

// examineRegistration notes addresses for the provider's page of this client, which cannot be asked for.
func (a *Auth) examineRegistration(f *findings, tables []Paths) {
	if a.browsers != nil {
		for _, address := range a.publicAddresses(tables, func(paths Paths) string { return paths.Logout }) {
			f.note("post-logout redirect URI", address, "Register this post-logout redirect URI %s, to which it sends browsers after a logout.", a.atProvider())
		}
	}
	for _, address := range a.cfg.PostLogoutURIs {
		f.note("post-logout redirect URI", address, "Register this post-logout redirect URI %s: it is in Config.PostLogoutURIs.", a.atProvider())
	}
}

// publicAddresses returns the addresses of one route for browsers and the provider, without duplicates.
func (a *Auth) publicAddresses(tables []Paths, pathOf func(Paths) string) (addresses []string) {
	for _, paths := range tables {
		address := a.cfg.PublicURL + pathOf(paths)
		if pathOf(paths) != Off && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// serves reports whether a route is in a table.
func serves(tables []Paths, pathOf func(Paths) string) bool {
	return slices.ContainsFunc(tables, func(paths Paths) bool { return pathOf(paths) != Off })
}

// plainIssuer returns an issuer that the provider named, if it is a plain URL that may be shown, else "".
func (a *Auth) plainIssuer(issuer string) string {
	if len(issuer) > 200 || a.cfg.badURL(issuer) != "" || !isAlphanumeric(issuer, "-._~:/[]") || strings.Contains(issuer, "..") {
		return ""
	}
	return issuer
}
