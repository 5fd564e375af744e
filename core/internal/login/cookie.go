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

// CookiePrefix returns what the names of cookies begin with. With https it is __Host-, so that no other host or path can set the cookie
// (RFC 6265bis section 4.1.3.2).
func CookiePrefix(secure bool) string {
	if secure {
		return "__Host-"
	}
	return ""
}

// prefix returns the prefix of the names of login cookies.
func (l *Logins) prefix() string { return CookiePrefix(l.cfg.Secure) + "oidc-" }

// Bind binds a state to the browser that begins the login. It puts the hash of a random value into the state and returns the
// cookie with the value.
func (l *Logins) Bind(state *State, now time.Time) *http.Cookie {
	value := randomText()
	sum := sha256.Sum256([]byte(value))
	// The name starts with the time, so that names sort by age.
	state.Cookie = fmt.Sprintf("%s%08x%s", l.prefix(), now.Unix(), randomText()[:6])
	state.Binding = sum[:]
	return l.cookie(state, value, life)
}

// cookie returns the cookie of a state. One that comes with a posted answer is SameSite=None, and Secure also with http: browsers refuse it
// otherwise (RFC 6265bis section 5.7), and treat loopback as secure.
func (l *Logins) cookie(state *State, value string, age time.Duration) *http.Cookie {
	cookie := &http.Cookie{ // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: state.Cookie, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: l.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}
	if state.Posted {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	return cookie
}

// Drop returns a cookie that deletes the cookie of a state.
func (l *Logins) Drop(state *State) *http.Cookie { return l.cookie(state, "", -time.Second) }

// DropOther returns a cookie that deletes the cookie of this name, of a login that is like the one of state.
func (l *Logins) DropOther(name string, state *State) *http.Cookie {
	return l.Drop(&State{Cookie: name, Posted: state.Posted})
}

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
