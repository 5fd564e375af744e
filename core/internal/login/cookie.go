package login

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxOpen is how many logins one browser may have in progress; one more deletes the cookie of the oldest.
const maxOpen = 5

// prefix returns the prefix of the cookie names. With https it includes __Host-, so that no other host or path can set the
// cookie (RFC 6265bis section 4.1.3.2).
func (l *Logins) prefix() string {
	if l.cfg.Secure {
		return "__Host-oidc-"
	}
	return "oidc-"
}

// Bind binds a state to the browser that begins the login. It puts the hash of a random value into the state and returns the
// cookie with the value.
func (l *Logins) Bind(state *State, now time.Time) *http.Cookie {
	value := randomText()
	sum := sha256.Sum256([]byte(value))
	// The name starts with the time, so that names sort by age.
	state.Cookie = fmt.Sprintf("%s%08x%s", l.prefix(), now.Unix(), randomText()[:6])
	state.Binding = sum[:]
	return l.cookie(state.Cookie, value, life)
}

func (l *Logins) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: l.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}
}

// Drop returns a cookie that deletes the login's cookie of this name.
func (l *Logins) Drop(name string) *http.Cookie { return l.cookie(name, "", -time.Second) }

// Crowded returns the names of the oldest login cookies, which must be deleted before another one is set.
func (l *Logins) Crowded(cookies []*http.Cookie) []string {
	names := l.begun(cookies)
	return names[:max(0, len(names)-maxOpen+1)]
}

// HasBegun reports whether a browser has the cookie of a login, begun on any instance.
func (l *Logins) HasBegun(cookies []*http.Cookie) bool { return len(l.begun(cookies)) > 0 }

// begun returns the names of login cookies, the oldest first.
func (l *Logins) begun(cookies []*http.Cookie) (names []string) {
	const suffix = 14 // of a name: time and random text
	for _, cookie := range cookies {
		if rest, ours := strings.CutPrefix(cookie.Name, l.prefix()); ours && len(rest) == suffix && strings.Trim(rest[:8], "0123456789abcdef") == "" {
			names = append(names, cookie.Name)
		}
	}
	slices.Sort(names)
	return names
}
