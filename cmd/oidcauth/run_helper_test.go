package main

import (
	"bufio"
	"bytes"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// ran is the result of a command.
type ran struct {
	code     int
	out, err string
}

// runs runs a command to its end, which for a provider is at once. env has the environment variables.
func runs(t *testing.T, env map[string]string, stdin string, args ...string) ran {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if len(args) > 0 && args[0] == "provider" {
		stop()
	}
	var out, err bytes.Buffer
	code := run(ctx, args, streams{func(name string) string { return env[name] }, strings.NewReader(stdin), &out, &err})
	return ran{code, out.String(), err.String()}
}

// envOf is the environment for an application at a provider.
func envOf(cfg core.Config) map[string]string {
	return map[string]string{
		"DISCOVERY_URL": cfg.DiscoveryURL, "CLIENT_ID": cfg.ClientID, "CLIENT_SECRET": cfg.ClientSecret, "PUBLIC_URL": "http://localhost:8080",
		"SECRET_KEY": cfg.SecretKeys[0],
	}
}

// running is a provider that a test started as a user does.
type running struct{ lines, text string } // what it printed

// provides runs the provider until the end of the test, on a free port unless args say another.
func provides(t *testing.T, args ...string) running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, toOut := io.Pipe()
	errs, toErr := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"provider", "-addr", "127.0.0.1:0"}, args...), streams{func(string) string { return "" }, strings.NewReader(""), toOut, toErr})
		ended <- code
		_ = toOut.Close() // a closed pipe ends the reading
		_ = toErr.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitOK {
			t.Errorf("the provider ended with %d", code)
		}
	})
	var r running
	lines := bufio.NewScanner(out)
	for len(strings.Split(r.lines, "\n")) <= 5 && lines.Scan() {
		r.lines += lines.Text() + "\n"
	}
	for text := bufio.NewScanner(errs); !strings.Contains(r.text, "Ctrl-C") && text.Scan(); {
		r.text += text.Text() + "\n"
	}
	return r
}

// env reads the lines as a shell does that is pasted them.
func (r running) env(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(r.lines) {
		name, value, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "export "), "\n"), "=")
		if !ok || !strings.HasPrefix(line, "export ") {
			t.Fatalf("not a line to paste: %q", line)
		}
		env[name] = value
	}
	return env
}

// browser is a person's browser.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// page is what a browser shows.
type page struct {
	at     *url.URL
	status int
	text   string
}

func (b *browser) open(address string) page { return b.send(http.MethodGet, address, nil) }

// press sends the first form of a page that has the field, with the hidden fields, and these.
func (b *browser) press(p page, form url.Values) page {
	b.t.Helper()
	action := regexp.MustCompile(`<form[^>]* action="([^"]+)"`).FindStringSubmatch(p.text)
	if action == nil {
		b.t.Fatalf("no form at %s:\n%s", p.at, p.text)
	}
	for _, hidden := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]+)"`).FindAllStringSubmatch(p.text, -1) {
		form.Set(hidden[1], html.UnescapeString(hidden[2]))
	}
	to, err := p.at.Parse(html.UnescapeString(action[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(http.MethodPost, to.String(), form)
}

func (b *browser) send(method, address string, form url.Values) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Sec-Fetch-Dest", "document")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer.Request.URL, answer.StatusCode, string(text)}
}
