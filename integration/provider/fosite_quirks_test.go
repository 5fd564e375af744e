package provider

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// tap keeps the last answer of a path.
type tap struct {
	path string

	mu   sync.Mutex
	last []byte
}

// RoundTrip is [http.RoundTripper.RoundTrip].
func (p *tap) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || request.URL.Path != p.path {
		return response, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = body
	return response, err
}

// member is a text of the last answer.
func (p *tap) member(t *testing.T, name string) any {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var answer map[string]any
	if err := json.Unmarshal(p.last, &answer); err != nil {
		t.Fatal(err)
	}
	return answer[name]
}

// fosite writes token_type in lower case; clients get "Bearer", which all of them accept.
func TestFositeTokenType(t *testing.T) {
	for framework, shape := range map[string]parts.Shape{"echo": {JWT: true}, "chi": {JWT: true, Algorithm: "ES256"}} {
		compat.New(t, "ory/fosite", parts.FositeVersion, framework, passthrough).Run("token_type bearer ("+framework+")", func(t *testing.T) {
			wire := &tap{path: "/token"}
			a := app.Start(t, framework, app.Guarded{"/mail": {core.Scopes("email")}, "/admin": {core.Scopes("admin")}}, func(publicURL string) core.Config {
				cfg := fositeConfig(parts.NewFosite(t, publicURL, shape), "web")
				cfg.HTTPClient = &http.Client{Transport: wire}
				return cfg
			})
			token := app.JSON[core.Token](t, a.Login(t, app.NewAgent(), "alice", "x"))
			if got := wire.member(t, "token_type"); got != "bearer" || token.TokenType != "Bearer" {
				t.Errorf("token_type %v, handed on as %q", got, token.TokenType)
			}
			if !strings.Contains(token.Scope, "openid") || token.Scope != wire.member(t, "scope") {
				t.Errorf("scope %v, handed on as %q", wire.member(t, "scope"), token.Scope)
			}
			for path, status := range map[string]int{"/mail": http.StatusOK, "/admin": http.StatusForbidden} { // by scp
				if got := a.Get(t, path, token.AccessToken); got.Status != status {
					t.Errorf("%s: %d %s", path, got.Status, got.Body)
				}
			}
		})
	}
}

// A client that is registered for client_secret_post, at a provider that offers both ways and keeps to what is registered:
// core shows the secret in the header, which is refused here.
func TestFositeAuthMethod(t *testing.T) {
	shape := parts.Shape{Auth: "client_secret_post", OffersAll: true}
	for framework, mode := range map[string]string{"fiber": passthrough, "gin": brokered} {
		checks := compat.New(t, "ory/fosite", parts.FositeVersion, framework, mode)
		checks.Run("a client registered for client_secret_post where both are offered: refused, with 502 ("+framework+")", func(t *testing.T) {
			s := fositeClient(framework, mode, "web", shape).open(t)
			got := s.Login(t, app.NewAgent(), "alice", "x")
			if got.Status != http.StatusBadGateway || got.Detail() != "The OIDC provider refused this service's request." {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
}
