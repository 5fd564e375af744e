package main

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// browser acts as a user's browser: it follows redirects, keeps cookies and presses buttons of forms.
type browser struct {
	t    *testing.T
	http *http.Client
	base string // of the application
}

// seen is the last answer that the browser gets.
type seen struct {
	status int
	header http.Header
	url    *url.URL
	body   string
}

func newBrowser(t *testing.T, d *demo) *browser {
	t.Helper()
	return newBrowserAt(t, d.apps[0].base)
}

func newBrowserAt(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return &browser{t: t, http: client, base: base}
}

// send makes one request and follows redirects. Headers are given as pairs.
func (b *browser) send(method, address, body string, headers ...string) seen {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return seen{answer.StatusCode, answer.Header, answer.Request.URL, string(text)}
}

func (b *browser) get(address string, headers ...string) seen {
	b.t.Helper()
	return b.send(http.MethodGet, address, "", headers...)
}

func (b *browser) post(address string, form url.Values) seen {
	b.t.Helper()
	return b.send(http.MethodPost, address, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	button     = regexp.MustCompile(`<button[^>]* name="([^"]*)" value="([^"]*)"`)
)

// press presses the button with this name and value in the page's form.
func (b *browser) press(page seen, name, value string) seen {
	b.t.Helper()
	action := formAction.FindStringSubmatch(page.body)
	if action == nil {
		b.t.Fatalf("no form on %s: %d %s", page.url, page.status, page.body)
	}
	target, err := page.url.Parse(html.UnescapeString(action[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	for _, found := range button.FindAllStringSubmatch(page.body, -1) {
		if found[1] == name && found[2] == value {
			form.Set(name, value)
			return b.post(target.String(), form)
		}
	}
	b.t.Fatalf("no button %s=%s on %s", name, value, page.url)
	return seen{}
}

var loginLink = regexp.MustCompile(`id="login" href="([^"]*)"`)

// login follows the page's link, chooses the user at the provider and returns to the page.
func (b *browser) login(user string) session {
	b.t.Helper()
	link := loginLink.FindStringSubmatch(b.get("/").body)
	if link == nil {
		b.t.Fatal("the page has no login link")
	}
	back := b.press(b.get(html.UnescapeString(link[1])), "user", user)
	if back.status != http.StatusOK || back.url.String() != b.base+"/" {
		b.t.Fatalf("the login ends at %s with %d %s", back.url, back.status, back.body)
	}
	return b.session()
}

func (b *browser) session() session {
	b.t.Helper()
	return readAs[session](b.t, b.get("/session"))
}

// keep sends a token to the page's session, as the script does.
func (b *browser) keep(token core.Token) seen {
	b.t.Helper()
	body, err := json.Marshal(token)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(http.MethodPut, "/session", string(body), "Content-Type", "application/json")
}

// bearer exchanges a token of the provider with these claims, and returns the header with the application's access token.
func (b *browser) bearer(d *demo, user string, claims ...oidctest.Claims) []string {
	b.t.Helper()
	answer := b.post("/api/auth/v2/token", url.Values{"grant_type": {exchange}, "subject_token": {d.provider.AccessToken(user, claims...)}})
	if answer.status != http.StatusOK {
		b.t.Fatalf("exchange: %d %s", answer.status, answer.body)
	}
	return []string{"Authorization", "Bearer " + readAs[core.Token](b.t, answer).AccessToken}
}

const exchange = "urn:ietf:params:oauth:grant-type:token-exchange"

func readAs[T any](t *testing.T, answer seen) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(answer.body), &value); err != nil {
		t.Fatalf("%v in %d %s", err, answer.status, answer.body)
	}
	return value
}
