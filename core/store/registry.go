package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Opener makes a store from a URL. It checks the URL and connects to nothing: Init does. An error holds neither the URL
// nor a password. url begins with one of the schemes that it was registered for; a driver's name, which the Python
// library writes after a plus sign ("postgresql+asyncpg"), is taken out already.
type Opener func(url string) (Store, error)

var registry = struct {
	sync.RWMutex
	openers map[string]Opener
}{openers: map[string]Opener{"memory": func(string) (Store, error) { return NewMemory(), nil }}}

// Register makes an opener known for URL schemes, in lower case. Store packages call it from init, as database/sql
// drivers do: importing one is enough. A scheme that is registered again gets the new opener. Safe for concurrent use.
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

// packages are the stores of this repository, for the error that says which import is missing.
var packages = map[string]string{
	"sqlite": "sqlitestore", "postgres": "postgresstore", "postgresql": "postgresstore", "mysql": "mysqlstore", "mariadb": "mysqlstore",
	"mongodb": "mongostore", "mongodb+srv": "mongostore", "redis": "redisstore", "rediss": "redisstore",
}

// Open makes a store from a URL by its scheme: "memory://", "sqlite:///broker.sqlite", "postgres://user@host/db" and
// whatever the imported store packages have registered. A driver's name after a plus sign is left out of account. Open
// connects to nothing. The error names the scheme and nothing else of the URL, which may hold a password. Safe for
// concurrent use.
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
