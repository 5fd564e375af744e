package core

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// browserLogin completes the query of a login for a browser session: the own callback as redirect_uri, and the address to return to.
// Without Config.Sessions, redirect_uri is required.
func (f *flows) browserLogin(ctx context.Context, request *Request, q *loginQuery, returnTo string) error {
	own := f.ownCallback(q.party)
	switch {
	case q.redirect == "" && f.browsers == nil:
		return badRequest(CodeInvalidRequest, "Missing redirect_uri")
	case q.redirect == "" && own == "":
		return badRequest(CodeInvalidRequest, "Missing redirect_uri: the callback route is not mounted")
	case q.redirect == "":
		q.redirect = own
	}
	if f.browsers == nil || q.redirect != own {
		return nil
	}
	if isEmbedded(request) {
		return &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "A login is a page of its own.", kind: fault.Request}
	}
	q.returnTo = permitted(returnTo)
	if path, _, _ := strings.Cut(q.returnTo, "?"); q.returnTo == "" || strings.HasSuffix(path, f.paths.Login) {
		if returnTo != "" {
			f.log.WarnContext(ctx, "a login returns home: its return_to is no path of this origin", "home", f.cfg.Sessions.Home)
		}
		q.returnTo = f.cfg.Sessions.Home
	}
	return nil
}

// isEmbedded reports whether a page loads the login as a frame, an image or the like.
func isEmbedded(request *Request) bool {
	dest := request.Header.Get("Sec-Fetch-Dest")
	return dest != "" && dest != "document" && dest != "empty"
}

// A browser that begins a login after maxLogins successful ones within loopTime is in a loop: its sessions do not last. Logins that only
// begin do not count: a browser that restores its tabs begins many at once.
const (
	maxLogins = 5
	loopTime  = time.Minute
)

func (f *flows) countName() string { return f.cfg.Sessions.CookieName + "-logins" }

// lastLogins returns how many logins of this browser have succeeded, and since when. The cookie is not protected: it only limits the
// browser that sends it.
func (f *flows) lastLogins(request *Request) (n int, since time.Time) {
	count, first, _ := strings.Cut(cookieValue(request, f.countName()), ".")
	n, errCount := strconv.Atoi(count)
	seconds, errFirst := strconv.ParseInt(first, 10, 64)
	since = time.Unix(seconds, 0)
	if errCount != nil || errFirst != nil || n < 0 || time.Since(since) >= loopTime || time.Since(since) < 0 {
		return 0, time.Now()
	}
	return n, since
}

// countCookie returns the cookie that counts one more login.
func (f *flows) countCookie(request *Request) *http.Cookie {
	n, since := f.lastLogins(request)
	cookie := f.sessionCookie(strconv.Itoa(n+1)+"."+strconv.FormatInt(since.Unix(), 10), int(loopTime/time.Second)) //nolint:gosec // sessionCookie sets the attributes
	cookie.Name = f.countName()
	return cookie
}

// countLogin returns the page that ends a loop, nil if there is no loop.
func (f *flows) countLogin(request *Request) *Response {
	if n, _ := f.lastLogins(request); n < maxLogins {
		return nil
	}
	answer := page{
		Title: "The login goes round in circles",
		Text:  "This browser has logged in several times within a minute, and the login did not last. Does it keep cookies of this site, and is its clock right? Please wait a minute before you try again.",
		Link:  f.originURL(f.cfg.Sessions.Home), LinkText: "Back",
	}.response(http.StatusTooManyRequests)
	answer.Header.Set("Retry-After", strconv.Itoa(int(loopTime/time.Second)))
	return answer
}
