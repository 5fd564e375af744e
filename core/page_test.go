package core_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The own routes answer a person with a page that says what happened and what to do, and a script with JSON.
func TestRefusalsOfOwnRoutes(t *testing.T) {
	w := newWeb(t, nil)
	guest, alice := w.browser(), w.browser()
	alice.logIn("alice")
	own, foreign := form("same-origin"), form("cross-site")
	nobody := `{"detail":"Not authenticated","error":"invalid_request","error_description":"Not authenticated","login_url":"` + webURL + `/auth/v2/login"}`
	const (
		spent   = `{"detail":"The login state is not valid: begin the login again.","error":"invalid_request","error_description":"The login state is not valid: begin the login again."}`
		denied  = `{"detail":"access_denied: the provider did not log the user in","error":"access_denied","error_description":"access_denied: the provider did not log the user in"}`
		another = `{"detail":"A request of another site is not taken.","error":"access_denied","error_description":"A request of another site is not taken."}`
		login   = `href="` + webURL + `/auth/v2/login">Log in</a>`
		home    = `href="` + webURL + `/">Back</a>`
		late    = "<p>This login took too long, was begun in another window, or was used already. Log in again.</p>"
	)
	for _, c := range []struct {
		what           string
		as             *browser
		method, target string
		headers        []string
		status         int
		want           []string
	}{
		{"a login of another window", guest, "GET", "/auth/v2/callback?code=c&state=s", navigation, 400, []string{"<h1>The login did not work</h1>", late, login}},
		{"a script there", guest, "GET", "/auth/v2/callback?code=c&state=s", script, 400, []string{spent}},
		{"Deny", guest, "GET", guest.denied(), navigation, 400, []string{"<h1>The login did not work</h1>", "<p>The provider did not log you in.", login}},
		{"Deny in a script", guest, "GET", guest.denied(), script, 400, []string{denied}},
		{"a person at the session route", guest, "GET", "/auth/v2/session", navigation, 401, []string{"<h1>Please log in</h1>", "<p>You are not logged in.</p>", login}},
		{"the session route", guest, "GET", "/auth/v2/session", script, 401, []string{nobody}},
		{"the sessions route", guest, "GET", "/auth/v2/sessions", script, 401, []string{nobody}},
		{"an end of sessions", guest, "DELETE", "/auth/v2/sessions?all=true", script, 401, []string{nobody}},
		{"the userinfo route", guest, "GET", "/auth/v2/userinfo", script, 401, []string{nobody}},
		{"a logout form of another site", alice, "POST", "/auth/v2/logout", foreign, 403, []string{"<h1>This did not work</h1>", "<p>Another site made your browser send this.", home}},
		{"a logout by a script of another site", alice, "POST", "/auth/v2/logout", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: cross-site"}, 403, []string{another}},
		{"a token form of another site", alice, "POST", "/auth/v2/token", foreign, 403, []string{"<h1>This did not work</h1>", "<p>Another site made your browser send this.", home}},
		{"a form with a parameter twice", alice, "POST", "/auth/v2/logout", append([]string{"Form: state=a&state=b"}, own...), 400, []string{"<h1>This did not work</h1>", home}},
	} {
		answer := c.as.do(c.method, c.target, c.headers...)
		text := body(answer)
		isPage := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html")
		if answer.StatusCode != c.status || isPage != strings.HasPrefix(c.want[0], "<") || !isPage && text != c.want[0] {
			t.Errorf("%s: %d %s", c.what, answer.StatusCode, text)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in %s", c.what, want, text)
			}
		}
	}
	if status := alice.status("/page"); status != http.StatusOK {
		t.Errorf("alice is logged out: %d", status)
	}
}

// form is what a browser sends with a form of this or another site.
func form(site string) []string {
	return []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: " + site, "Accept: text/html"}
}

// denied begins a login which the user refuses, and returns where the browser goes then.
func (b *browser) denied() string {
	b.t.Helper()
	back, err := b.idp.Deny(b.do(http.MethodGet, "/auth/v2/login", navigation...).Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	return back.RequestURI()
}

// A session that has ended is told to a person, with the way to the login.
func TestPageOfEndedSession(t *testing.T) {
	w := newWeb(t, nil)
	b := w.browser()
	b.logIn("alice")
	if _, err := w.auth.EndSessions(t.Context(), w.idp.Issuer(), "alice"); err != nil {
		t.Fatal(err)
	}
	answer := b.do(http.MethodGet, "/auth/v2/session", navigation...)
	if text := body(answer); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "<p>Your session has ended. Log in again.</p>") || !strings.Contains(text, ">Log in</a>") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

// Only the routes that are about the caller name the login: a dead refresh token is the matter of the program that has it.
func TestTokenRouteNamesNoLogin(t *testing.T) {
	w := newWeb(t, func(c *core.Config) { c.Broker = &core.BrokerConfig{SigningAlgorithm: "EdDSA"} })
	answer := w.browser().do(http.MethodPost, "/auth/v2/token", "Form: refresh_token="+strings.Repeat("A", 64))
	if text := body(answer); answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(text, `{"detail":"Session expired`) || strings.Contains(text, "login_url") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}
