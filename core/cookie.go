package core

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxLogins is how many logins one browser may have open; the cookie of the oldest goes when one more begins.
const maxLogins = 5

// cookiePrefix begins the name of a login's cookie. With https it is a __Host- one, which no other host or path can set
// (RFC 6265bis section 4.1.3.2).
func (a *Auth) cookiePrefix() string {
	if a.secureCookies() {
		return "__Host-oidc-"
	}
	return "oidc-"
}

func (a *Auth) secureCookies() bool { return strings.HasPrefix(a.cfg.PublicURL, "https:") }

// bind ties a state to the browser that begins the login: the value goes into a cookie, its hash into the state.
func (a *Auth) bind(state *loginState, now time.Time) *http.Cookie {
	value := randomText()
	sum := sha256.Sum256([]byte(value))
	// The name begins with the time, so that names sort by age.
	state.Cookie = fmt.Sprintf("%s%08x%s", a.cookiePrefix(), now.Unix(), randomText()[:6])
	state.Binding = sum[:]
	return a.cookie(state.Cookie, value, int(stateLife/time.Second))
}

// cookie makes a login's cookie; age below 0 deletes it.
func (a *Auth) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: a.secureCookies(), SameSite: http.SameSiteLaxMode,
	}
}

func (a *Auth) dropCookie(name string) *http.Cookie { return a.cookie(name, "", -1) }

// crowded returns the names of the oldest login cookies that have to go before one more is set.
func (a *Auth) crowded(request *Request) []string {
	var names []string
	for _, cookie := range cookies(request) {
		if rest, ours := strings.CutPrefix(cookie.Name, a.cookiePrefix()); ours && len(rest) == 14 {
			names = append(names, cookie.Name)
		}
	}
	slices.Sort(names)
	return names[:max(0, len(names)-maxLogins+1)]
}

func cookieValue(request *Request, name string) string {
	for _, cookie := range cookies(request) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func cookies(request *Request) []*http.Cookie {
	return (&http.Request{Header: http.Header{"Cookie": request.Header.Values("Cookie")}}).Cookies()
}

func addCookie(answer *Response, cookie *http.Cookie) {
	answer.Header.Add("Set-Cookie", cookie.String())
}
