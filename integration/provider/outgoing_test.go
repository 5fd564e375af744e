package provider

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// Keycloak: a service gets tokens of its own, and exchanges those of its callers, if its client may (standard token exchange).
func TestKeycloakOutgoing(t *testing.T) {
	k := parts.NewKeycloak(t)
	audience := func(client string) map[string]any {
		return map[string]any{
			"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": map[string]string{"included.client.audience": client, "access.token.claim": "true"},
		}
	}
	k.Admin(t, http.MethodPost, "/clients", map[string]any{
		"clientId": "caller", "secret": "caller-secret-0123456789abcdef", "publicClient": false, "serviceAccountsEnabled": true,
		"attributes": map[string]string{"standard.token.exchange.enabled": "true"}, "protocolMappers": []any{audience("api")},
	}, nil)
	k.Admin(t, http.MethodPost, "/clients", map[string]any{
		"clientId": "front", "secret": "front-secret-0123456789abcdef", "publicClient": false, "directAccessGrantsEnabled": true, "fullScopeAllowed": false,
		"protocolMappers": []any{audience("caller")},
	}, nil)
	auth, err := core.New(keycloakConfig(k, "caller"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	api := keycloakConfig(k, "api")
	api.Audience = []string{"api"}
	called, err := core.New(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = called.Close() })
	reaches := func(t *testing.T, token string) *core.IDToken {
		t.Helper()
		decision := called.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + token}}})
		if decision.Err != nil {
			t.Fatal(decision.Err)
		}
		return decision.Caller
	}
	subject, _ := k.Password(t, "front", "alice", "openid")["access_token"].(string)
	checks := compat.New(t, "Keycloak", parts.KeycloakVersion, "nethttp", passthrough)
	checks.Run("a service calls another one in its own name (client credentials)", func(t *testing.T) {
		token, err := auth.TokenSource(t.Context(), core.AsService("api")).Token()
		if err != nil {
			t.Fatal(err)
		}
		if who := reaches(t, token.AccessToken); who.Claim("azp") != "caller" || who.Username() != "service-account-caller" {
			t.Errorf("azp %v, %s", who.Claim("azp"), who.Username())
		}
	})
	checks.Run("a service calls another one in its caller's name (standard token exchange)", func(t *testing.T) {
		decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + subject}}})
		if decision.Err != nil {
			t.Fatal(decision.Err)
		}
		if called.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + subject}}}).Err == nil {
			t.Fatal("the caller's token is for the other service, too: this tests no exchange")
		}
		token, err := auth.TokenSource(decision.Context(t.Context()), core.AsCaller("api")).Token()
		if err != nil {
			t.Fatal(err)
		}
		who := reaches(t, token.AccessToken)
		if token.AccessToken == subject || who.Username() != "alice" || who.Subject() != decision.Caller.Subject() || who.Claim("azp") != "caller" {
			t.Errorf("%s, azp %v, aud %v", who.Username(), who.Claim("azp"), who.Audience())
		}
	})
	checks.Run("a client that may not exchange tokens gets a 502", func(t *testing.T) {
		cfg := keycloakConfig(k, "app")
		cfg.Audience = []string{"caller"}
		other, err := core.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		decision := other.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + subject}}})
		if decision.Err != nil {
			t.Fatal(decision.Err)
		}
		_, err = other.TokenSource(decision.Context(t.Context()), core.AsCaller("api")).Token()
		if answer := other.Answer(t.Context(), core.Credentials{}, err); answer.Status != http.StatusBadGateway {
			t.Errorf("%d: %v", answer.Status, err)
		}
	})
}

// zitadel: a service gets tokens in its own name, one for many calls. The provider does not know the parameter audience: the token is for
// the service itself.
func TestZitadelOutgoing(t *testing.T) {
	z := parts.NewZitadel(t, "http://127.0.0.1:1", parts.Shape{JWT: true})
	checks := compat.New(t, "zitadel/oidc", parts.ZitadelVersion, "nethttp", passthrough)
	config := zitadelConfig(z, "sid1") // of the example
	config.ClientSecret = "verysecret"
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	checks.Run("a service calls another one in its own name (client credentials)", func(t *testing.T) {
		first, err := auth.TokenSource(t.Context(), core.AsService("api")).Token()
		if err != nil {
			t.Fatal(err)
		}
		again, err := auth.TokenSource(t.Context(), core.AsService("api")).Token()
		if err != nil || again.AccessToken != first.AccessToken {
			t.Errorf("another token for the second call: %v", err)
		}
		decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer " + first.AccessToken}}})
		if decision.Err != nil || decision.Caller.Subject() != "sid1" {
			t.Errorf("%v", decision.Err)
		}
	})
	checks.Run("a service with a wrong secret gets a 502", func(t *testing.T) {
		wrong := zitadelConfig(z, "sid1")
		wrong.ClientSecret = "wrong"
		other, err := core.New(wrong)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		_, err = other.TokenSource(t.Context(), core.AsService("api")).Token()
		if answer := other.Answer(t.Context(), core.Credentials{}, err); answer.Status != http.StatusBadGateway {
			t.Errorf("%d: %v", answer.Status, err)
		}
	})
}
