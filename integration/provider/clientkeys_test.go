package provider

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// keyClient is the client that has a key and no secret.
const keyClient = "web-key"

// newClientKey returns a key for an algorithm.
func newClientKey(t *testing.T, algorithm string) *core.ClientKey {
	t.Helper()
	var key crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &core.ClientKey{Signer: key, Algorithm: algorithm}
}

// keyed is a journey whose client has a key in the place of its secret.
func (j journey) keyed(algorithm string) journey {
	config := j.config
	j.config = func(t *testing.T, publicURL string) core.Config {
		cfg := config(t, publicURL)
		cfg.ClientID, cfg.ClientSecret, cfg.ClientKey = keyClient, "", newClientKey(t, algorithm)
		return cfg
	}
	return j
}

// The whole journey of a client with a key, where every login has to be pushed: the provider fetches the public keys from the application.
func TestNodeProviderWithKeys(t *testing.T) {
	shape := func(algorithm string, jwt bool) parts.Shape {
		return parts.Shape{ClientAlg: algorithm, Push: true, JWT: jwt}
	}
	for name, j := range map[string]journey{
		"gin, broker, ES256":       nodeClient("gin", brokered, "web", shape("ES256", false)).keyed("ES256"),
		"chi, broker, PS256":       nodeClient("chi", brokered, "web", shape("PS256", false)).keyed("PS256"),
		"echo, passthrough, RS256": nodeClient("echo", passthrough, "web", shape("RS256", true)).keyed("RS256"),
		"fiber, broker, EdDSA":     nodeClient("fiber", brokered, "web", shape("EdDSA", false)).keyed("EdDSA"),
		"gin, pushed, secret":      nodeClient("gin", passthrough, "web", parts.Shape{Push: true, JWT: true}),
		"chi, pushed, public":      nodeClient("chi", brokered, "cli", parts.Shape{Push: true}),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
}

// zitadel announces RS256 alone for assertions. Another algorithm is refused here, with the field to look at in the log.
func TestZitadelWithKeys(t *testing.T) {
	for name, j := range map[string]journey{
		"gin, broker":      zitadelClient("gin", brokered, "web", parts.Shape{ClientAlg: "RS256"}).keyed("RS256"),
		"chi, passthrough": zitadelClient("chi", passthrough, "web", parts.Shape{ClientAlg: "RS256", JWT: true}).keyed("RS256"),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
	t.Run("ES256", func(t *testing.T) {
		t.Parallel()
		var log bytes.Buffer
		j := zitadelClient("echo", passthrough, "web", parts.Shape{ClientAlg: "ES256"}).keyed("ES256")
		config := j.config
		j.config = func(t *testing.T, publicURL string) core.Config {
			cfg := config(t, publicURL)
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			return cfg
		}
		if got := j.open(t).Login(t, app.NewAgent(), "alice", "x"); got.Status != http.StatusBadGateway || !strings.Contains(log.String(), "check=Config.ClientKey") {
			t.Errorf("%d %s, log %s", got.Status, got.Body, &log)
		}
	})
}

// A provider that knows another key refuses the client: a 502 whose log line names the field.
func TestNodeProviderWithAnotherKey(t *testing.T) {
	a := app.Start(t, "chi", nil, func(publicURL string) core.Config {
		shape := parts.Shape{ClientAlg: "ES256", Push: true}
		cfg := nodeConfig(parts.NewNodeProvider(t, strings.TrimSuffix(publicURL, app.Prefix)+"/nowhere", shape), "web", shape)
		cfg.ClientID, cfg.ClientSecret, cfg.ClientKey = keyClient, "", newClientKey(t, "ES256")
		return cfg
	})
	if got := a.Get(t, "/auth/v2/login?redirect_uri=http://localhost:53100/callback", ""); got.Status != http.StatusBadGateway || got.Header.Get("Location") != "" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// Keycloak with a client that signs, and with client policies after FAPI 2 without bound tokens: pushed requests, PKCE, PS256.
func TestKeycloakWithKeys(t *testing.T) {
	for _, c := range []struct {
		framework, mode, algorithm string
		policies                   bool
	}{
		{"gin", brokered, "ES256", false}, {"chi", passthrough, "RS256", false}, {"echo", brokered, "PS256", true}, {"fiber", passthrough, "PS256", true},
	} {
		name := c.framework + ", " + c.mode + ", " + c.algorithm
		if c.policies {
			name += ", client policies"
		}
		t.Run(name, func(t *testing.T) {
			k := parts.NewKeycloak(t)
			if c.policies {
				strictClients(t, k)
			}
			j := keycloakClient(t, k, c.framework, c.mode, keyClient)
			if c.policies {
				j.device = nil
			}
			config := j.config
			j.config = func(t *testing.T, publicURL string) core.Config {
				addKeyClient(t, k, publicURL, c.algorithm, !c.policies)
				return config(t, publicURL)
			}
			j = j.keyed(c.algorithm)
			j.run(t)
		})
	}
}

// The policies hold: a login of the same client that is not pushed gets an error page.
func TestKeycloakPoliciesRefusePlainLogins(t *testing.T) {
	k := parts.NewKeycloak(t)
	strictClients(t, k)
	j := keycloakClient(t, k, "chi", passthrough, keyClient)
	config := j.config
	j.config = func(t *testing.T, publicURL string) core.Config {
		addKeyClient(t, k, publicURL, "PS256", false)
		cfg := config(t, publicURL)
		cfg.PushedRequests = core.PushNever
		return cfg
	}
	j = j.keyed("PS256")
	s := j.open(t)
	start := s.Get(t, "/auth/v2/login?redirect_uri="+s.URL+app.Prefix+"/auth/v2/callback", "")
	if start.Status != http.StatusFound {
		t.Fatalf("%d %s", start.Status, start.Body)
	}
	page, err := http.Get(start.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	if page.StatusCode != http.StatusBadRequest {
		t.Errorf("Keycloak shows a page with status %d", page.StatusCode)
	}
}

// addKeyClient registers the address of the application's keys.
func addKeyClient(t *testing.T, k *parts.Keycloak, publicURL, algorithm string, device bool) {
	t.Helper()
	k.Admin(t, http.MethodPost, "/clients", map[string]any{
		"clientId": keyClient, "publicClient": false, "standardFlowEnabled": true, "clientAuthenticatorType": "client-jwt",
		"redirectUris": []string{publicURL + "/auth/v2/callback", "http://localhost/callback"},
		"attributes": map[string]string{
			"use.jwks.url": "true", "jwks.url": publicURL + "/auth/v2/client-keys.json", "token.endpoint.auth.signing.alg": algorithm,
			"oauth2.device.authorization.grant.enabled": map[bool]string{true: "true", false: "false"}[device],
			"post.logout.redirect.uris":                 publicURL + "/bye", "require.pushed.authorization.requests": "true",
		},
	}, nil)
}

// strictClients adds client policies for every client that is registered afterwards.
func strictClients(t *testing.T, k *parts.Keycloak) {
	t.Helper()
	executor := func(name string, configuration map[string]any) map[string]any {
		return map[string]any{"executor": name, "configuration": configuration}
	}
	k.Admin(t, http.MethodPut, "/client-policies/profiles", map[string]any{"profiles": []any{map[string]any{
		"name": "strict", "executors": []any{
			executor("confidential-client", map[string]any{}),
			executor("secure-client-authenticator", map[string]any{"allowed-client-authenticators": []string{"client-jwt"}, "default-client-authenticator": "client-jwt"}),
			executor("secure-signature-algorithm-signed-jwt", map[string]any{"require-client-assertion": true}),
			executor("secure-signature-algorithm", map[string]any{"default-algorithm": "PS256"}),
			executor("secure-par-content", map[string]any{}),
			executor("pkce-enforcer", map[string]any{"auto-configure": true}),
		},
	}}}, nil)
	k.Admin(t, http.MethodPut, "/client-policies/policies", map[string]any{"policies": []any{map[string]any{
		"name": "strict", "enabled": true, "profiles": []string{"strict"},
		"conditions": []any{map[string]any{"condition": "any-client", "configuration": map[string]any{}}},
	}}}, nil)
}

// A provider that announces both ways to show a secret and keeps to what is registered: the setting says which.
func TestFositeWithSetting(t *testing.T) {
	shape := parts.Shape{Auth: "client_secret_post", OffersAll: true, JWT: true}
	for framework, mode := range map[string]string{"fiber": passthrough, "gin": brokered} {
		checks := compat.New(t, "ory/fosite", parts.FositeVersion, framework, mode)
		checks.Run("a client registered for client_secret_post where both are offered, with TokenEndpointAuthMethod ("+framework+")", func(t *testing.T) {
			j := fositeClient(framework, mode, "web", shape)
			config := j.config
			j.config = func(t *testing.T, publicURL string) core.Config {
				cfg := config(t, publicURL)
				cfg.TokenEndpointAuthMethod = "client_secret_post"
				return cfg
			}
			s := j.open(t)
			s.works(t, j, app.JSON[core.Token](t, s.Login(t, app.NewAgent(), "alice", "x")))
		})
	}
}
