package mcp

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// Where an MCP server names no scope, clients ask for none, or for all that the provider announces. Providers may refuse both.
func TestScopesThatClientsChoose(t *testing.T) {
	t.Parallel()
	t.Run("none at node-oidc-provider", func(t *testing.T) {
		issuer := parts.NewNodeResources(t, redirect, brief, []string{"http://127.0.0.1:1/mcp"}).Issuer
		if got := refusal(t, issuer, "mcp", ""); got != "access_denied" {
			t.Errorf("the provider says %q", got)
		}
	})
	t.Run("all of Keycloak", func(t *testing.T) {
		k := parts.NewKeycloak(t)
		keycloakClient(t, k, "mcp", "https://other.example.test", nil)
		scopes := discovered(t, k.Issuer).Scopes
		if got := refusal(t, k.Issuer, "mcp", strings.Join(scopes, " ")); got != "invalid_scope" {
			t.Errorf("the provider says %q to %v", got, scopes)
		}
	})
}

// refusal is the error with which a provider answers a login that asks for these scopes, "" for none.
func refusal(t *testing.T, issuer, clientID, scope string) string {
	t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "state": {"1"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	if scope != "" {
		query.Set("scope", scope)
	}
	back := app.NewAgent().SignIn(t, discovered(t, issuer).Authorize+"?"+query.Encode(), redirect, "alice", "alice")
	return back.URL.Query().Get("error")
}

// document is what these tests need of a discovery document.
type document struct {
	Authorize string   `json:"authorization_endpoint"`
	Scopes    []string `json:"scopes_supported"`
}

func discovered(t *testing.T, issuer string) (d document) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}
