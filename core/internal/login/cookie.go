package login

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxOpen is how many logins one browser may have open; the cookie of the oldest goes when one more begins.
const maxOpen = 5

// prefix begins the name of a login's cookie. With https it is a __Host- one, which no other host or path can set
// (RFC 6265bis section 4.1.3.2).
func (l *Logins) prefix() string {
	if l.cfg.Secure {
		return "__Host-oidc-"
	}
	return "oidc-"
}

// Bind ties a state to the browser that begins the login: the value goes into a cookie, its hash into the state.
func (l *Logins) Bind(state *State, now time.Time) *http.Cookie {
	value := randomText()
	sum := sha256.Sum256([]byte(value))
	// The name begins with the time, so that names sort by age.
	state.Cookie = fmt.Sprintf("%s%08x%s", l.prefix(), now.Unix(), randomText()[:6])
	state.Binding = sum[:]
	return l.cookie(state.Cookie, value, life)
}

func (l *Logins) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: l.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}
}

// Drop deletes a login's cookie.
func (l *Logins) Drop(name string) *http.Cookie { return l.cookie(name, "", -time.Second) }

// Crowded returns the names of the oldest login cookies that have to go before one more is set.
func (l *Logins) Crowded(cookies []*http.Cookie) []string {
	const suffix = 14 // of a name: time and random text
	var names []string
	for _, cookie := range cookies {
		if rest, ours := strings.CutPrefix(cookie.Name, l.prefix()); ours && len(rest) == suffix {
			names = append(names, cookie.Name)
		}
	}
	slices.Sort(names)
	return names[:max(0, len(names)-maxOpen+1)]
}
