package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Opener makes a store from a URL. It checks the URL and does not connect: [Store.Init] does. url begins with one of the schemes for
// which the opener is registered, in lower case; [Open] removes the name of a driver after a plus sign ("postgresql+asyncpg"), as
// Python programs write it. The errors contain neither the URL nor a password. It must be safe for concurrent use.
type Opener func(url string) (Store, error)

var registry = struct {
	sync.RWMutex
	openers map[string]Opener
}{openers: map[string]Opener{"memory": func(string) (Store, error) { return NewMemory(), nil }}}

// Register registers an opener for URL schemes, in lower case. Store packages call it from init, like database/sql drivers, so
// importing a package is enough. It replaces the opener of a scheme that is already registered. Safe for concurrent use.
func Register(open Opener, schemes ...string) {
	registry.Lock()
	defer registry.Unlock()
	for _, scheme := range schemes {
		registry.openers[scheme] = open
	}
}

// Schemes returns the registered schemes, sorted. Safe for concurrent use.
func Schemes() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.openers))
}

// packages maps URL schemes to the store packages of this repository, for the error that names the missing import.
var packages = map[string]string{
	"sqlite": "sqlitestore", "postgres": "postgresstore", "postgresql": "postgresstore", "mysql": "mysqlstore", "mariadb": "mysqlstore",
	"mongodb": "mongostore", "mongodb+srv": "mongostore", "redis": "redisstore", "rediss": "redisstore",
}

// Open makes a store from a URL with the opener of its scheme: "memory://", or a scheme that an imported store package has registered,
// as in "sqlite:///broker.sqlite" and "postgres://user@host/db". The name of a driver after a plus sign is ignored. Open does not
// connect. It returns an error for a malformed URL, and for a scheme that no imported package has registered; if a package of this
// repository has that scheme, the error names the missing import. These errors contain the scheme and no other part of the URL, which may
// contain a password. Safe for concurrent use.
func Open(url string) (Store, error) {
	scheme, rest, found := strings.Cut(url, "://")
	if !found && url == "memory" {
		scheme, found = url, true
	}
	scheme = strings.ToLower(scheme)
	if base, driver, plus := strings.Cut(scheme, "+"); plus && driver != "srv" {
		scheme = base
	}
	if !found || !isScheme(scheme) {
		return nil, fmt.Errorf("store: a store URL begins with a scheme, as in postgres://user@host/database")
	}
	registry.RLock()
	open := registry.openers[scheme]
	registry.RUnlock()
	switch name, known := packages[scheme]; {
	case open != nil:
		return open(scheme + "://" + rest)
	case known:
		return nil, fmt.Errorf("store: no store for %s URLs: write import _ %q", scheme, "github.com/go-oidc-auth/oidcauth/brokerstore/"+name)
	default:
		return nil, fmt.Errorf("store: unsupported store URL scheme %q", scheme)
	}
}

func isScheme(text string) bool {
	return text != "" && len(text) <= 32 && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '-' || r == '.')
	}) < 0
}
