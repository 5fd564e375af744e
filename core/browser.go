package core

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// showsPage reports whether the browser shows the answer to a person: a navigation by Fetch Metadata, or without these headers a
// request that prefers HTML.
func showsPage(credentials Credentials) bool {
	if credentials.Method != http.MethodGet && credentials.Method != http.MethodHead {
		return false
	}
	if navigates, known := isDocument(credentials); known {
		return navigates
	}
	return len(credentials.values("X-Requested-With")) == 0 && prefersPage(credentials.values("Accept"))
}

// postsForm reports whether the browser sent a form and shows the answer to a person.
func postsForm(credentials Credentials) bool {
	if credentials.Method == http.MethodGet || credentials.Method == http.MethodHead {
		return false
	}
	navigates, _ := isDocument(credentials)
	return navigates
}

// isSeen reports whether the browser shows the answer to a person.
func isSeen(credentials Credentials) bool { return showsPage(credentials) || postsForm(credentials) }

// isDocument reports whether the browser shows the answer as a document of its own (Fetch Metadata). known: the browser says so or not.
func isDocument(credentials Credentials) (navigates, known bool) {
	mode, dest := credentials.values("Sec-Fetch-Mode"), credentials.values("Sec-Fetch-Dest")
	navigates = len(mode) == 1 && mode[0] == "navigate" && len(dest) == 1 && dest[0] == "document"
	return navigates, len(mode) > 0 || len(dest) > 0
}

// referer returns the page of this origin that contains the form, "" if it is unknown.
func (a *Auth) referer(credentials Credentials) string {
	values := credentials.values("Referer")
	if len(values) != 1 || originOf(values[0]) != a.origin {
		return ""
	}
	u, err := url.Parse(values[0])
	if err != nil {
		return ""
	}
	return permitted(u.RequestURI())
}

// refusedBrowser returns the answer to a refused request if Config.Sessions changes it, nil if it does not: without a session, or with a
// login that is not enough, a person is redirected to the login and a program gets the login's address; without a permission, a person gets
// a page. No refusal deletes the cookie: another tab may have logged in meanwhile.
func (g *Guard) refusedBrowser(ctx context.Context, credentials Credentials, refusal *Error) *Response {
	a := g.auth
	if a.cfg.Sessions == nil || g.bearerOnly {
		return nil
	}
	unknown := refusal.isNobody() || refusal.isStepUp()
	var answer *Response
	switch {
	case unknown && showsPage(credentials) && a.isOwn(credentials): // the login would be refused in the same way, for ever
		answer = page{Title: loginDidNotWork, Text: "The login of this service cannot be reached. Its log says why."}.response(refusal.Status)
		refusal.addTo(answer.Header)
	case unknown && showsPage(credentials) && !g.noRedirect:
		answer = redirect(a.loginFor(ctx, refusal, a.returnTo(credentials)))
	case unknown && postsForm(credentials):
		answer = page{
			Title: "Please log in", Text: sentInVain(refusal),
			Link: a.loginFor(ctx, refusal, a.referer(credentials)), LinkText: "Log in",
		}.response(http.StatusUnauthorized)
		refusal.addTo(answer.Header)
	case unknown && len(credentials.values("Hx-Request")) > 0:
		answer = refusal.response(a.loginFor(ctx, refusal, ""))
		answer.Header.Set("HX-Redirect", a.loginFor(ctx, refusal, a.returnTo(credentials)))
	case unknown:
		answer = refusal.response(a.loginFor(ctx, refusal, ""))
	case isSeen(credentials):
		answer = a.refusalPage(refusal, didNotWork)
	default:
		return nil
	}
	answer.Header["Vary"] = browserVary
	return answer
}

// sentInVain returns the text for a person who sent a form that needs a login.
func sentInVain(refusal *Error) string {
	if refusal.isStepUp() {
		return "This needs a stronger or more recent login. What you sent was not processed."
	}
	return "Your session has ended, or you were not logged in. What you sent was not processed."
}

// browserVary lists what decides how a refusal looks. It is shared and read-only.
var browserVary = []string{"Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest, X-Requested-With, HX-Request"}

// refusedBrowser returns the answer to a request that this route refuses if Config.Sessions changes it, nil if it does not: a person gets a
// page, and a program without a session, or with a login that is not enough, the login's address, where a session is what the route is about.
func (r Route) refusedBrowser(ctx context.Context, credentials Credentials, refusal *Error) *Response {
	switch {
	case r.auth.cfg.Sessions == nil:
		return nil
	case isSeen(credentials) && (r.Name == "login" || r.Name == "callback"):
		return r.auth.refusalPage(refusal, loginDidNotWork)
	case isSeen(credentials):
		return r.auth.refusalPage(refusal, didNotWork)
	case r.takesSession && (refusal.isNobody() || refusal.isStepUp()):
		answer := refusal.response(r.auth.loginFor(ctx, refusal, ""))
		answer.Header["Vary"] = browserVary
		return answer
	}
	return nil
}

// originURL returns the public address of a path of this origin.
func (a *Auth) originURL(path string) string { return a.origin + path }

// loginURL returns the public address of the login route; returnTo may be "".
func (a *Auth) loginURL(returnTo string) string {
	path := defaultLoginPath
	if mounted := a.loginPath.Load(); mounted != nil {
		path = *mounted
	}
	address := a.cfg.PublicURL + path
	if returnTo != "" {
		address += "?" + url.Values{"return_to": {returnTo}}.Encode()
	}
	return address
}

// sessionCookie returns the session cookie. A session gets one at its login and no other.
func (a *Auth) sessionCookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: a.cfg.Sessions.CookieName, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: a.cfg.isSecure(), SameSite: http.SameSiteLaxMode,
	}
}

func (a *Auth) dropSession() *http.Cookie { return a.sessionCookie("", -1) }

// browserCaller returns the session of the request's cookie. isSliding: the request extends the idle time.
func (a *Auth) browserCaller(ctx context.Context, credentials *Credentials, isSliding bool) (session *Session, cached bool, err error) {
	if a.browsers == nil {
		return nil, false, errNoBearer
	}
	cookie := credentials.cookie(a.cfg.Sessions.CookieName)
	if cookie == "" {
		return nil, false, errNoBearer
	}
	if a.closed.Load() {
		return nil, false, fault.Down(fault.Service, errClosed)
	}
	if err := a.checkOwn(credentials); err != nil {
		return nil, false, err
	}
	seat, cached, err := a.browsers.Admit(ctx, cookie, isSliding)
	if err == nil {
		err = a.tenants.check(ctx, seat.Token, fault.Ended)
	}
	if err != nil {
		return nil, cached, err
	}
	return sessionOf(seat), cached, nil
}

// sessionHeader keeps answers to a session out of shared caches. RFC 9111 section 3.5 protects only answers to requests with an
// Authorization header. It is shared and read-only.
var sessionHeader = http.Header{"Cache-Control": {"private"}, "Vary": {"Cookie"}}

// guestHeader keeps a cached answer to a guest from somebody who is logged in. It is shared and read-only.
var guestHeader = http.Header{"Vary": {"Cookie"}}
