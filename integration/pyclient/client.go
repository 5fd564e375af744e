// Package pyclient tests applications with the unmodified Python client py-oidc-auth-client. The test acts as the person at the
// browser.
package pyclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// limit is how long one run of the client may take.
const limit = 60 * time.Second

// Client is the Python client on one user's machine. Its token cache is kept between runs.
type Client struct {
	Host string // the application, with the prefix of its routes
	// Browser is called for each address that the client opens in the browser, on the test's goroutine.
	Browser func(t testing.TB, address string)

	home    string
	browser *httptest.Server
	opened  chan visit
}

// visit is an address that the client opens, and what is closed when the person is done with it.
type visit struct {
	address string
	done    chan struct{}
}

// New returns a client with an empty token cache. host is the application's address with the prefix of its routes.
func New(t testing.TB, host string, browser func(t testing.TB, address string)) *Client {
	t.Helper()
	c := &Client{Host: host, Browser: browser, home: t.TempDir(), opened: make(chan visit)}
	c.browser = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		address, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client was ended
		}
		v := visit{string(address), make(chan struct{})}
		select {
		case c.opened <- v:
			<-v.done
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(c.browser.Close)
	return c
}

// Options are the options of one call of the Python function authenticate.
type Options struct {
	Force   bool  `json:"force,omitempty"`
	Timeout int   `json:"timeout,omitempty"` // seconds; 0: 30
	Ports   []int `json:"ports,omitempty"`   // where it waits for the browser in a code flow; none: its own
	Stale   bool  `json:"stale,omitempty"`   // the cached access token counts as expired
	Spoilt  bool  `json:"spoilt,omitempty"`  // with Stale: and its refresh token is none
	Code    bool  `json:"code,omitempty"`    // its CodeFlow in place of authenticate(), which asks for a device flow first
}

// Token is the result of the Python function authenticate.
type Token struct {
	AccessToken    string            `json:"access_token"`
	TokenType      string            `json:"token_type"`
	Expires        int64             `json:"expires"`
	RefreshToken   string            `json:"refresh_token"`
	RefreshExpires int64             `json:"refresh_expires"`
	Scope          string            `json:"scope"`
	Headers        map[string]string `json:"headers"`
}

// Request is an HTTP request of the client, with the status of the response.
type Request struct {
	Method, Path string
	Status       int
	At           float64 // seconds
}

// Answer is the outcome of one call of the Python function authenticate.
type Answer struct {
	Token    *Token
	Stored   *Token // what is in the cache afterwards
	Error    string // the text of its AuthError
	Status   int    // of its AuthError
	Requests []Request
	Me       struct { // GET /me with the headers that the client made
		Status int
		Body   string
	}
	Opened []string // by the browser
}

// Paths lists the paths of the requests, without their common prefix, with the status of each response: "token 200, userinfo 401".
func (a Answer) Paths() string {
	var list []string
	for _, r := range a.Requests {
		status := map[int]string{200: "200", 400: "400", 401: "401", 503: "503"}[r.Status]
		list = append(list, strings.TrimPrefix(r.Path, app.Prefix+"/auth/v2/")+" "+status)
	}
	return strings.Join(list, ", ")
}

// Authenticate calls the Python function authenticate in a new process.
func (c *Client) Authenticate(t testing.TB, options Options) Answer {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	command := parts.Python(t, parts.PythonClient, "client.py", c.Host, filepath.Join(c.home, "tokens.json"), string(text))
	code, output, fault, opened := c.run(t, command)
	if code != 0 {
		t.Fatalf("the client ends with %d: %s", code, fault)
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	answer := Answer{Opened: opened}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &answer); err != nil {
		t.Fatalf("the client said %s", output)
	}
	return answer
}

// Tool runs the client's command-line tool and returns its exit code, its standard output and its standard error.
func (c *Client) Tool(t testing.TB, arguments ...string) (code int, output, fault string) {
	t.Helper()
	command := parts.Python(t, parts.PythonClient)
	command.Args = append(command.Args, append([]string{filepath.Join(filepath.Dir(command.Path), "oidc-auth")}, arguments...)...)
	command.Env = append(command.Env, "XDG_CACHE_HOME="+c.home)
	code, output, fault, _ = c.run(t, command)
	return code, output, fault
}

// run runs a command to its end. The person's browser works meanwhile.
func (c *Client) run(t testing.TB, command *exec.Cmd) (code int, output, fault string, opened []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = append(command.Env, "OIDCAUTH_BROWSER="+c.browser.URL, "BROWSER="+command.Path+" "+filepath.Join(command.Dir, "open.py")+" %s")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() }) // it has ended, unless the test failed
	for late := time.After(limit); ; {
		select {
		case v := <-c.opened:
			opened = append(opened, v.address)
			func() {
				defer close(v.done)
				c.Browser(t, v.address)
			}()
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			return command.ProcessState.ExitCode(), stdout.String(), stderr.String(), opened
		case <-late:
			t.Fatalf("the client does not end: %s", stderr.String())
		}
	}
}
