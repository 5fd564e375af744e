package contract

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// answer is one whole answer as the client received it.
type answer struct {
	t      *testing.T
	what   string // the request, for messages
	status int
	header http.Header
	body   string
}

// transport lists the headers that depend on the connection or the clock, and may differ.
var transport = []string{"Date", "Content-Length", "Connection", "Keep-Alive", "Transfer-Encoding"}

// text is the whole answer in one form: status, headers in order of their names, body.
func (a *answer) text() string {
	var lines []string
	for name, values := range a.header {
		if slices.Contains(transport, name) {
			continue
		}
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	return whole(a.status, a.body, lines...)
}

// is compares the whole answer with one made by [whole] or a function like it. In want, … matches at least one character except
// those that end a member, a parameter or a line.
func (a *answer) is(want string) {
	a.t.Helper()
	got := a.text()
	if got == want {
		return // most answers are, and need no pattern
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "[^\"&;,{}\\s]+")
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(got) {
		a.t.Errorf("%s\n--- got\n%s\n--- want\n%s", a.what, got, want)
	}
}

// hasStatus compares only the status, for answers of the framework.
func (a *answer) hasStatus(want int) {
	a.t.Helper()
	if a.status != want {
		a.t.Errorf("%s\n--- got\n%s\n--- want\n%d", a.what, a.text(), want)
	}
}

// cookies returns "name=value" of every cookie that the answer sets, except those that it deletes.
func (a *answer) cookies() string {
	var pairs []string
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		if cookie.MaxAge >= 0 {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

func (a *answer) location() string { return a.header.Get("Location") }

// whole makes an answer of a status, "Name: value" lines in any order, and a body.
func whole(status int, body string, headers ...string) string {
	headers = slices.SortedFunc(slices.Values(headers), func(a, b string) int { return strings.Compare(sortable(a), sortable(b)) })
	return fmt.Sprintf("%d\n%s\n\n%s", status, strings.Join(headers, "\n"), body)
}

// sortable lets … stand where the digit stands that the names of login cookies begin with.
func sortable(line string) string { return strings.ReplaceAll(line, "…", "5") }

// jsonWith makes a JSON answer of this library.
func jsonWith(status int, body string, headers ...string) string {
	return whole(status, body, append(headers, "Content-Type: application/json", "Cache-Control: no-store", "Pragma: no-cache")...)
}

// refused makes a JSON refusal with a code.
func refused(status int, code, detail string, headers ...string) string {
	return jsonWith(status, fmt.Sprintf(`{"detail":"%s","error":"%s","error_description":"%s"}`, detail, code, detail), headers...)
}

// outage makes a JSON refusal without a code, for temporary failures.
func outage(status int, detail string, headers ...string) string {
	return jsonWith(status, fmt.Sprintf(`{"detail":"%s"}`, detail), append(headers, "Retry-After: 10")...)
}

// moved makes a redirect.
func moved(location string, headers ...string) string {
	return whole(http.StatusFound, "", append(headers, "Location: "+location, "Cache-Control: no-store", "Pragma: no-cache")...)
}

// shown makes an answer of a handler of the suite.
func shown(body string) string { return whole(http.StatusOK, body, "Content-Type: application/json") }

// seen makes the answer of the handler who, which got the caller with this subject so many times; "" is a guest.
func seen(subject string, times int) string {
	text := `"` + subject + `"`
	if subject == "" {
		text = "null"
	}
	given := strings.Repeat(text+",", times)
	return shown(`{"context":` + text + `,"given":[` + given[:len(given)-1] + `],"same":true}`)
}

// The refusals of guards: RFC 6750 section 3.
const challenge = `Www-Authenticate: Bearer realm="oidcauth"`

func noCredentials() string {
	return refused(http.StatusUnauthorized, "invalid_request", "Not authenticated", challenge)
}

func badToken() string {
	return refused(http.StatusUnauthorized, "invalid_token", "Invalid token", challenge+`, error="invalid_token", error_description="Invalid token"`)
}

func manyHeaders() string {
	return refused(http.StatusBadRequest, "invalid_request", "Several Authorization headers.",
		challenge+`, error="invalid_request", error_description="Several Authorization headers."`)
}

func lacksScopes(missing, all string) string {
	detail := "Token missing required scopes: " + missing
	return refused(http.StatusForbidden, "insufficient_scope", detail,
		challenge+`, error="insufficient_scope", error_description="`+detail+`", scope="`+all+`"`)
}

func lacksClaims() string {
	const detail = "Insufficient permissions based on token claims."
	return refused(http.StatusForbidden, "insufficient_scope", detail, challenge+`, error="insufficient_scope", error_description="`+detail+`"`)
}
