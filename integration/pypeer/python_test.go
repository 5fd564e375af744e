package pypeer

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// python is a service with py-oidc-auth. Its routes are below app.Prefix, as ours are.
type python struct {
	URL     string // scheme, host and port
	version string
	options pythonOptions
	process *parts.Process
}

// pythonOptions are those of peer.py.
type pythonOptions struct {
	Provider string   `json:"provider"`
	Client   string   `json:"client"`
	Secret   string   `json:"secret"`
	Store    string   `json:"store"`
	Trusted  []string `json:"trusted"`
	Public   string   `json:"public"`
	Port     int      `json:"port"`
}

// newPython starts a service at a provider, with a store of its own, that trusts some issuers.
func newPython(t *testing.T, version string, idp *oidctest.Provider, trusted ...string) *python {
	t.Helper()
	return startPython(t, version, pythonOptions{
		Provider: idp.DiscoveryURL(), Client: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret,
		Store: filepath.Join(t.TempDir(), "broker.sqlite"), Trusted: trusted,
	})
}

func startPython(t *testing.T, version string, options pythonOptions) *python {
	t.Helper()
	if options.Trusted == nil {
		options.Trusted = []string{}
	}
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	process := parts.Start(t, parts.Python(t, parts.PythonServer(version), "peer.py", string(text)))
	if runs := process.Ready["version"]; runs != version {
		t.Fatalf("version %s runs", runs)
	}
	p := &python{URL: fmt.Sprint(process.Ready["url"]), version: version, options: options, process: process}
	p.options.Public = p.URL
	return p
}

// issuer is what its tokens name.
func (p *python) issuer() string { return p.URL + app.Prefix }

// restart ends the service and starts it again at its address, with its store.
func (p *python) restart(t *testing.T) {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.process.Stop()
	options := p.options
	if _, err := fmt.Sscan(u.Port(), &options.Port); err != nil {
		t.Fatal(err)
	}
	*p = *startPython(t, p.version, options)
}

// key is its signing key, as its operator takes it out of its store.
func (p *python) key(t *testing.T) []byte {
	t.Helper()
	text, err := parts.Python(t, parts.PythonServer(p.version), "key.py", p.options.Store).Output()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// get asks for a path with a bearer token, unless it is "".
func (p *python) get(t *testing.T, path, bearer string) app.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+app.Prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return p.ask(t, request)
}

// post sends a form.
func (p *python) post(t *testing.T, path string, form url.Values) app.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+app.Prefix+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.ask(t, request)
}

func (p *python) ask(t *testing.T, request *http.Request) app.Answer {
	t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%v: %s", err, p.process.Log())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return app.Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// status says which status a guard should answer.
func status(t *testing.T, what string, got app.Answer, want int) {
	t.Helper()
	if got.Status != want {
		t.Errorf("%s: %d %s, want %d", what, got.Status, got.Body, want)
	}
}
