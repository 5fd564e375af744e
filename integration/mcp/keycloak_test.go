package mcp

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// brief is how long the access tokens of the client for brief tokens live.
const brief = 5 * time.Second

// clients are the ids of the three clients of one MCP server at a provider.
type clients struct {
	usual string // its tokens are for the MCP server, if it asks for them
	brief string // the same, and they live for brief
	stray string // its tokens are for another service, whatever it asks for
}

// server is an MCP server and its authorization server.
type server struct {
	endpoint, issuer string
	clients
}

// onKeycloak serves one of the frameworks with a realm as its authorization server.
func onKeycloak(t *testing.T, k *parts.Keycloak, framework string) server {
	t.Helper()
	publicURL := "http://127.0.0.1:" + strconv.Itoa(parts.FreePort(t))
	parts.StartMCP(t, framework, publicURL, k.Issuer)
	s := server{publicURL + "/mcp", k.Issuer, clients{framework, framework + "-brief", framework + "-stray"}}
	keycloakClient(t, k, s.usual, s.endpoint, nil)
	keycloakClient(t, k, s.brief, s.endpoint, map[string]string{"access.token.lifespan": strconv.Itoa(int(brief.Seconds()))})
	keycloakClient(t, k, s.stray, "https://other.example.test", nil)
	return s
}

// keycloakScopes makes the scopes of the MCP server, which each client made later may ask for.
func keycloakScopes(t *testing.T, k *parts.Keycloak) {
	t.Helper()
	for _, name := range []string{"orders:read", "orders:write"} {
		k.Admin(t, http.MethodPost, "/client-scopes", map[string]any{
			"name": name, "protocol": "openid-connect", "attributes": map[string]string{"include.in.token.scope": "true"},
		}, nil)
	}
	var scopes []struct{ ID, Name string }
	k.Admin(t, http.MethodGet, "/client-scopes", nil, &scopes)
	for _, scope := range scopes {
		if scope.Name == "orders:read" || scope.Name == "orders:write" {
			k.Admin(t, http.MethodPut, "/default-optional-client-scopes/"+scope.ID, nil, nil)
		}
	}
}

// keycloakClient makes a public client whose access tokens are for audience: Keycloak does not go by the parameter resource.
func keycloakClient(t *testing.T, k *parts.Keycloak, id, audience string, attributes map[string]string) {
	t.Helper()
	all := map[string]string{"pkce.code.challenge.method": "S256"}
	for name, value := range attributes {
		all[name] = value
	}
	k.Admin(t, http.MethodPost, "/clients", map[string]any{
		"clientId": id, "publicClient": true, "standardFlowEnabled": true, "redirectUris": []string{redirect}, "attributes": all,
		"protocolMappers": []map[string]any{{
			"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": map[string]string{"included.custom.audience": audience, "access.token.claim": "true"},
		}},
	}, nil)
}
