package main

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser acts as a user's browser: it follows redirects, keeps cookies and presses buttons of forms.
type browser struct {
	t    *testing.T
	http *http.Client
	base string // of the demo
	seen *record
}

// seen is the last answer that the browser gets.
type seen struct {
	status int
	header http.Header
	url    *url.URL
	body   string
}

// record keeps all answers that a browser gets, redirects too.
type record struct {
	http.RoundTripper
	answers []seen
}

func (r *record) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.RoundTripper.RoundTrip(request)
	if err != nil || answer.Header.Get("Content-Type") == "text/event-stream" {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(text))
	r.answers = append(r.answers, seen{answer.StatusCode, answer.Header, request.URL, string(text)})
	return answer, err
}

func newBrowser(t *testing.T, d *demo) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	record := &record{RoundTripper: transport}
	return &browser{t: t, http: &http.Client{Jar: jar, Transport: record}, base: d.base, seen: record}
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

// login opens the login of a service, chooses the user at the provider, unless it knows the browser, and returns to the page.
func (b *browser) login(service, user string) *profile {
	b.t.Helper()
	back := b.get(service + "/auth/v2/login?return_to=/")
	if back.url.String() != b.base+"/" {
		back = b.press(back, "user", user)
	}
	if back.status != http.StatusOK || back.url.String() != b.base+"/" {
		b.t.Fatalf("the login ends at %s with %d %s", back.url, back.status, back.body)
	}
	who := b.who(service)
	if who == nil || who.Username != user || who.Session == "" {
		b.t.Fatalf("after the login of %s at %s: %+v", user, service, who)
	}
	return who
}

// who returns who is logged in at a service, as the page asks for it.
func (b *browser) who(service string) *profile {
	b.t.Helper()
	return readAs[struct{ Reader *profile }](b.t, b.get(service+"/feed")).Reader
}

// control operates a control of the page.
func (b *browser) control(path string, fields ...string) seen {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.post("/demo/"+path, form)
}

func readAs[T any](t *testing.T, answer seen) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(answer.body), &value); err != nil {
		t.Fatalf("%v in %d %s", err, answer.status, answer.body)
	}
	return value
}
