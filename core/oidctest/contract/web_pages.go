package contract

import (
	"net/http"
	"strings"
)

// isPage compares an answer with one of the library's pages for people: its headers as a whole, its heading, and that nothing in it can
// run or be framed.
func (a *answer) isPage(status int, heading string, headers ...string) {
	a.t.Helper()
	bare := *a
	bare.body = ""
	forms := "form-action 'none'; "
	if strings.Contains(a.body, "<form") { // it leads to the provider, which some browsers would refuse
		forms = ""
	}
	bare.is(whole(status, "", append(headers, "Content-Type: text/html; charset=utf-8", "Cache-Control: no-store", "Pragma: no-cache", "X-Content-Type-Options: nosniff",
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "+forms+"base-uri 'none'; frame-ancestors 'none'")...))
	if !strings.Contains(a.body, "<h1>"+heading+"</h1>") || strings.Contains(a.body, "<script") {
		a.t.Errorf("%s\n--- want the page %q, got\n%s", a.what, heading, a.body)
	}
}

const loginURL = publicURL + "/auth/v2/login"

// Answers of guards depend on what kind of request it was.
const varies = "Vary: Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest, X-Requested-With, HX-Request"

// notLoggedIn is the answer of guards, and of the routes that are about the caller, to a script without a session.
func notLoggedIn(headers ...string) string {
	return jsonWith(http.StatusUnauthorized, `{"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated","login_url":"`+loginURL+`"}`,
		append(headers, challenge, varies)...)
}

// sessionOver is a guard's answer to a script whose session has ended, or never existed. The cookie stays: another tab may have got a new one.
func sessionOver() string {
	const detail = "Session expired or not found. Please re-authenticate."
	return jsonWith(http.StatusUnauthorized, `{"detail":"`+detail+`","error":"invalid_grant","error_description":"`+detail+`","login_url":"`+loginURL+`"}`,
		challenge, varies)
}

// foreignRequest is the answer to a request that another site made a browser send.
func foreignRequest() string {
	return refused(http.StatusForbidden, "access_denied", "A request of another site is not taken.")
}
