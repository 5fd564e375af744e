package provider

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// keycloakGuards asks in every way for what alice has and bob has not. Broker mode keeps roles and groups, and drops the
// two objects that Keycloak writes the roles into.
var keycloakGuards = app.Guarded{
	"/realm-role":    {core.Roles("admin")},
	"/client-role":   {core.Roles("editor")},
	"/group-as-role": {core.Roles("/staff/dev")},
	"/claim-group":   {core.Claim("groups", "/staff/dev")},
	"/claim-realm":   {core.Claim("realm_access.roles", "admin")},
	"/claim-client":  {core.Claim("resource_access.app.roles", "editor", "owner")},
}

func TestKeycloakRoles(t *testing.T) {
	k := parts.SharedKeycloak(t)
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				checks := compat.New(t, "Keycloak", parts.KeycloakVersion, framework, mode)
				s := newKeycloakSite(t, k, framework, mode, "app", keycloakGuards, nil)
				alice, bob := s.token(t, "alice"), s.token(t, "bob")
				checks.Run("realm roles, client roles and groups", func(t *testing.T) {
					for path := range keycloakGuards {
						want := http.StatusOK
						if mode == brokered && (path == "/claim-realm" || path == "/claim-client") {
							want = http.StatusForbidden
						}
						s.status(t, "alice", path, alice.AccessToken, want)
						s.status(t, "bob", path, bob.AccessToken, http.StatusForbidden)
					}
					roles := s.Me(t, alice.AccessToken).Roles
					for _, role := range []string{"admin", "editor", "/staff/dev"} {
						if !slices.Contains(roles, role) {
							t.Errorf("alice has %v, and not %s", roles, role)
						}
					}
					if roles := s.Me(t, bob.AccessToken).Roles; !slices.Contains(roles, "user") || slices.Contains(roles, "admin") {
						t.Errorf("bob has %v", roles)
					}
				})
				checks.Run("userinfo in full", func(t *testing.T) {
					want := core.UserInfo{Username: "alice", LastName: "Liddell", FirstName: "Alice", PwName: "alice", Email: "alice@example.test"}
					if got := app.JSON[core.UserInfo](t, s.Get(t, "/auth/v2/userinfo", alice.AccessToken)); got != want {
						t.Errorf("got %+v", got)
					}
				})
			})
		}
	}
}

// keycloakAPI is the audience of the client api.
const keycloakAPI = "https://api.example.test"

func TestKeycloakAudience(t *testing.T) {
	k := parts.NewKeycloak(t)
	access := func(client, user string) string {
		token, _ := k.Password(t, client, user, "openid profile")["access_token"].(string)
		return token
	}
	t.Run("gin, passthrough", func(t *testing.T) {
		checks := compat.New(t, "Keycloak", parts.KeycloakVersion, "gin", passthrough)
		s := newKeycloakSite(t, k, "gin", passthrough, "app", nil, nil)
		checks.Run("tokens of other clients", func(t *testing.T) {
			own := access("app", "alice")
			if aud := claimsOf(t, own)["aud"]; aud != "account" {
				t.Errorf("without a mapper aud is %v", aud)
			}
			s.status(t, "of this client, which azp alone says", "/me", own, http.StatusOK)
			s.status(t, "of another client", "/me", access("other", "alice"), http.StatusUnauthorized)
			s.status(t, "of another client, with an audience mapper", "/me", access("other-for-app", "alice"), http.StatusOK)
		})
		checks.Run("full scope puts other clients into aud of the own tokens", func(t *testing.T) {
			own := access("plain", "alice")
			strict := newKeycloakSite(t, k, "gin", passthrough, "plain", nil, func(cfg *core.Config) { cfg.Audience = nil })
			strict.status(t, "azp is not enough", "/me", own, http.StatusUnauthorized)
			byName := newKeycloakSite(t, k, "gin", passthrough, "plain", nil, nil)
			byName.status(t, "with core.IssuedToUs it is", "/me", own, http.StatusOK)
			byName.status(t, "of another client", "/me", access("app", "alice"), http.StatusUnauthorized)
		})
		checks.Run("full scope makes tokens for every client whose roles a user has", func(t *testing.T) {
			s.status(t, "full scope", "/me", access("plain", "alice"), http.StatusOK)
			k.Admin(t, http.MethodPut, "/clients/"+k.Client(t, "plain"), map[string]any{"fullScopeAllowed": false}, nil)
			s.status(t, "without", "/me", access("plain", "alice"), http.StatusUnauthorized)
		})
	})
	t.Run("echo, passthrough", func(t *testing.T) {
		checks := compat.New(t, "Keycloak", parts.KeycloakVersion, "echo", passthrough)
		s := newKeycloakSite(t, k, "echo", passthrough, "api", nil, func(cfg *core.Config) { cfg.Audience = []string{keycloakAPI} })
		checks.Run("an audience of one's own", func(t *testing.T) {
			s.status(t, "logged in", "/me", s.token(t, "alice").AccessToken, http.StatusOK)
			s.status(t, "without the audience", "/me", access("app", "alice"), http.StatusUnauthorized)
			s.status(t, "for a client named in azp alone", "/me", access("other-for-app", "alice"), http.StatusUnauthorized)
		})
	})
	t.Run("chi, broker", func(t *testing.T) {
		checks := compat.New(t, "Keycloak", parts.KeycloakVersion, "chi", brokered)
		s := newKeycloakSite(t, k, "chi", brokered, "app", keycloakGuards, nil)
		exchange := func(token string) app.Answer {
			return s.Post(t, "/auth/v2/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token},
				"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}})
		}
		checks.Run("token exchange", func(t *testing.T) {
			s.status(t, "the provider's token at the guard", "/me", access("app", "alice"), http.StatusUnauthorized)
			if got := exchange(access("app", "alice")); got.Status != http.StatusBadRequest || errorCode(got) != "invalid_grant" {
				t.Errorf("of this client, which azp alone says: %d %s", got.Status, got.Body)
			}
			k.Admin(t, http.MethodPost, "/clients/"+k.Client(t, "app")+"/protocol-mappers/models", map[string]any{
				"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
				"config": map[string]string{"included.client.audience": "app", "access.token.claim": "true", "id.token.claim": "false"},
			}, nil)
			own := app.JSON[core.Token](t, exchange(access("app", "alice")))
			if me := s.Me(t, own.AccessToken); me.Subject != k.User(t, "alice") || !slices.Contains(me.Roles, "admin") {
				t.Errorf("the guard says %+v", me)
			}
			if got := exchange(access("other-for-app", "bob")); got.Status != http.StatusOK {
				t.Errorf("with an audience mapper: %d %s", got.Status, got.Body)
			}
			if got := exchange(access("other", "alice")); got.Status != http.StatusBadRequest || errorCode(got) != "invalid_grant" {
				t.Errorf("of another client: %d %s", got.Status, got.Body)
			}
		})
	})
}

// Access tokens without sub name nobody: guards cannot take them. Broker mode goes by the ID token.
func TestKeycloakWithoutSubject(t *testing.T) {
	k := parts.NewKeycloak(t)
	for client, framework := range map[string]string{"no-basic": "fiber", "light": "gin"} {
		if sub, there := claimsOf(t, k.Password(t, client, "alice", "openid")["access_token"])["sub"]; there {
			t.Fatalf("%s: sub is %v", client, sub)
		}
		t.Run(client+", passthrough", func(t *testing.T) {
			checks := compat.New(t, "Keycloak", parts.KeycloakVersion, framework, passthrough)
			s := newKeycloakSite(t, k, framework, passthrough, client, keycloakGuards, nil)
			checks.Run("access tokens without sub are refused", func(t *testing.T) {
				token := s.token(t, "alice")
				s.status(t, client, "/me", token.AccessToken, http.StatusUnauthorized)
				s.status(t, client, "/auth/v2/userinfo", s.Refresh(t, token.RefreshToken).AccessToken, http.StatusUnauthorized)
			})
		})
		t.Run(client+", broker", func(t *testing.T) {
			checks := compat.New(t, "Keycloak", parts.KeycloakVersion, framework, brokered)
			s := newKeycloakSite(t, k, framework, brokered, client, keycloakGuards, nil)
			checks.Run("access tokens without sub: login by ID token and userinfo", func(t *testing.T) {
				token := s.token(t, "alice")
				for _, bearer := range []string{token.AccessToken, s.Refresh(t, token.RefreshToken).AccessToken} {
					if me := s.Me(t, bearer); me.Subject != k.User(t, "alice") || me.Username != "alice" {
						t.Errorf("the guard says %+v", me)
					}
					s.status(t, "a group, which the ID token has", "/claim-group", bearer, http.StatusOK)
					s.status(t, "a realm role, which the access token alone has", "/realm-role", bearer, http.StatusForbidden)
				}
			})
			checks.Run("access tokens without sub: realm roles in the ID token", func(t *testing.T) {
				k.Admin(t, http.MethodPost, "/clients/"+k.Client(t, client)+"/protocol-mappers/models", map[string]any{
					"name": "realm roles", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-realm-role-mapper",
					"config": map[string]string{"claim.name": "realm_access.roles", "multivalued": "true", "jsonType.label": "String", "id.token.claim": "true"},
				}, nil)
				s.status(t, "alice", "/realm-role", s.token(t, "alice").AccessToken, http.StatusOK)
				s.status(t, "bob", "/realm-role", s.token(t, "bob").AccessToken, http.StatusForbidden)
			})
		})
	}
}
