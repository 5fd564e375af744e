package providers_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/providers"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	id       = oidctest.ConfidentialClient
	secret   = oidctest.ClientSecret
	tenant   = "aaaaaaaa-0000-4000-8000-00000000000a"
	second   = "bbbbbbbb-0000-4000-8000-00000000000b"
	unlisted = "cccccccc-0000-4000-8000-00000000000c"
	entra    = "https://login.microsoftonline.com/"
)

type claims = oidctest.Claims

// recorded is the shape of what a provider sends.
type recorded struct {
	provider core.Provider
	base     string // the discovery address without its end
	issuer   string // in the document; "" is base
	document claims // further members, nil removes one
	key      claims // further members of the keys
	idToken  claims // claims of its ID tokens
	person   string // the issuer of its people; "" is that of the document
	takes    []claims
	refuses  []claims
}

var table = map[string]recorded{
	"google": {
		provider: providers.Google(id, secret), base: "https://accounts.google.com",
		document: claims{"end_session_endpoint": nil},
		idToken:  claims{"iss": "accounts.google.com", "azp": id, "hd": "example.org"},
	},
	"google, with scheme": {
		provider: providers.Google(id, secret), base: "https://accounts.google.com",
		idToken: claims{"iss": "https://accounts.google.com"},
		refuses: []claims{{"iss": "http://accounts.google.com", "aud": id, "scope": "email"}},
	},
	"entra": {
		provider: providers.Entra(tenant, id, secret), base: entra + tenant + "/v2.0",
		key:     claims{"issuer": entra + tenant + "/v2.0"},
		idToken: claims{"tid": tenant, "oid": "1", "ver": "2.0"},
		takes: []claims{
			{"aud": id, "azp": "spa", "scp": "read", "tid": tenant, "ver": "2.0"},
			{"iss": "https://sts.windows.net/" + tenant + "/", "aud": "api://" + id, "appid": "spa", "scp": "read", "tid": tenant, "ver": "1.0"},
		},
		refuses: []claims{
			{"iss": "https://sts.windows.net/" + second + "/", "aud": "api://" + id, "scp": "read", "tid": second},
			{"aud": "00000003-0000-0000-c000-000000000000", "scp": "read", "tid": tenant}, // Microsoft Graph
		},
	},
	"entra, several tenants": {
		provider: providers.EntraTenants(id, secret, tenant, providers.PersonalTenant), base: entra + "common/v2.0", issuer: entra + "{tenantid}/v2.0",
		key:     claims{"issuer": entra + "{tenantid}/v2.0"},
		idToken: claims{"iss": entra + tenant + "/v2.0", "tid": tenant}, person: entra + tenant + "/v2.0",
		takes: []claims{
			{"iss": entra + tenant + "/v2.0", "aud": id, "scp": "read", "tid": tenant},
			{"iss": entra + providers.PersonalTenant + "/v2.0", "aud": id, "scp": "read", "tid": providers.PersonalTenant},
			{"iss": "https://sts.windows.net/" + tenant + "/", "aud": "api://" + id, "scp": "read", "tid": tenant},
		},
		refuses: []claims{
			{"iss": entra + unlisted + "/v2.0", "aud": id, "scp": "read", "tid": unlisted},
			{"iss": entra + tenant + "/v2.0", "aud": id, "scp": "read", "tid": providers.PersonalTenant},
			{"iss": entra + "common/v2.0", "aud": id, "scp": "read", "tid": tenant},
		},
	},
	"entra, a key of personal accounts": {
		provider: providers.EntraTenants(id, secret, tenant, providers.PersonalTenant), base: entra + "common/v2.0", issuer: entra + "{tenantid}/v2.0",
		key:     claims{"issuer": entra + providers.PersonalTenant + "/v2.0"},
		idToken: claims{"iss": entra + providers.PersonalTenant + "/v2.0", "tid": providers.PersonalTenant}, person: entra + providers.PersonalTenant + "/v2.0",
		refuses: []claims{{"iss": entra + tenant + "/v2.0", "aud": id, "scp": "read", "tid": tenant}},
	},
	"auth0": {
		provider: providers.Auth0("demo.eu.auth0.com", id, secret, "https://api.example.org"), base: "https://demo.eu.auth0.com", issuer: "https://demo.eu.auth0.com/",
		takes: []claims{{"sub": "auth0|1", "aud": []string{"https://api.example.org", "https://demo.eu.auth0.com/userinfo"}, "azp": id, "scope": "openid profile", "permissions": []string{"read"}}},
		refuses: []claims{
			{"aud": []string{"https://demo.eu.auth0.com/userinfo"}, "azp": id, "scope": "openid"},
			{"aud": []string{"https://other.example.org", "https://demo.eu.auth0.com/userinfo"}, "azp": id, "scope": "openid"},
		},
	},
	"auth0, without audience": {
		provider: providers.Auth0("demo.eu.auth0.com", id, secret, ""), base: "https://demo.eu.auth0.com", issuer: "https://demo.eu.auth0.com/",
	},
	"okta": {
		provider: providers.Okta("demo.okta.com", "default", "api://default", id, secret), base: "https://demo.okta.com/oauth2/default",
		takes:   []claims{{"aud": "api://default", "cid": id, "scp": []string{"openid"}, "uid": "00u", "ver": 1}},
		refuses: []claims{{"iss": "https://demo.okta.com", "aud": "https://demo.okta.com", "cid": id, "scp": []string{"openid"}}},
	},
	"okta, org server": {
		provider: providers.Okta("demo.okta.com", "", "", id, secret), base: "https://demo.okta.com",
		refuses: []claims{{"aud": "https://demo.okta.com", "cid": id, "scp": []string{"openid"}}},
	},
	"keycloak": {
		provider: providers.Keycloak("https://sso.example.org", "demo", id, secret), base: "https://sso.example.org/realms/demo",
		takes:   []claims{{"aud": "account", "azp": id, "typ": "Bearer", "scope": "openid"}},
		refuses: []claims{{"aud": "account", "azp": "other", "typ": "Bearer", "scope": "openid"}, {"aud": id, "azp": id, "typ": "ID"}},
	},
	"gitlab": {
		provider: providers.GitLab("https://gitlab.com", id, secret), base: "https://gitlab.com",
		document: claims{"end_session_endpoint": nil},
	},
	"cognito": {
		provider: providers.Cognito("eu-west-1", "eu-west-1_aBcDeF", id, secret), base: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeF",
		idToken: claims{"token_use": "id", "cognito:username": "alice"},
		takes:   []claims{{"client_id": id, "token_use": "access", "scope": "openid", "username": "alice"}},
		refuses: []claims{
			{"client_id": "other", "token_use": "access", "scope": "openid"},
			{"aud": id, "token_use": "id"},
		},
	},
	"zitadel": {
		provider: providers.Zitadel("https://demo.zitadel.cloud", id, secret), base: "https://demo.zitadel.cloud",
		takes:   []claims{{"aud": []string{id, "project"}, "client_id": id, "jti": "1"}},
		refuses: []claims{{"aud": []string{"other", "project"}, "client_id": "other"}},
	},
	"authentik": {
		provider: providers.Authentik("https://auth.example.org", "app", id, secret), base: "https://auth.example.org/application/o/app", issuer: "https://auth.example.org/application/o/app/",
		refuses: []claims{{"aud": id, "azp": id, "uid": "x", "acr": "goauthentik.io/providers/oauth2/default"}}, // as ID tokens are
	},
	"apple": {
		provider: providers.Apple(id, secret), base: "https://appleid.apple.com",
		document: claims{"userinfo_endpoint": nil, "end_session_endpoint": nil, "token_endpoint_auth_methods_supported": []string{"client_secret_post"}},
		idToken:  claims{"email_verified": "true", "nonce_supported": true},
	},
}

// start makes the provider of a row.
func start(t *testing.T, row recorded) *oidctest.Provider {
	t.Helper()
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"), oidctest.WithoutNetwork(row.base), oidctest.WithoutIssParameter(), oidctest.WithOpaqueTokens(), oidctest.WithScopes("openid", "profile", "email", "name"))
	idp.AddClient(oidctest.Client{ID: id, Secret: secret, RedirectURIs: []string{"https://app.example/auth/v2/callback"}})
	idp.Tamper(oidctest.DiscoveryDocuments, func(document claims) {
		merge(document, row.document)
		document["issuer"] = row.iss()
	})
	idp.Tamper(oidctest.JWKSDocuments, func(document claims) {
		keys, _ := json.Marshal(document["keys"])
		var list []claims
		_ = json.Unmarshal(keys, &list)
		for _, key := range list {
			merge(key, row.key)
		}
		document["keys"] = list
	})
	idp.Tamper(oidctest.IDTokens, func(token claims) {
		token["iss"] = row.iss()
		merge(token, row.idToken)
	})
	return idp
}

func (r recorded) iss() string {
	if r.issuer != "" {
		return r.issuer
	}
	return r.base
}

func merge(into, more claims) {
	maps.Copy(into, more)
	for name, value := range more {
		if value == nil {
			delete(into, name)
		}
	}
}

func service(t *testing.T, row recorded, idp *oidctest.Provider, broker *core.BrokerConfig) *core.Auth {
	t.Helper()
	auth, err := core.New(core.Config{
		Providers: []core.Provider{row.provider}, PublicURL: "https://app.example", HTTPClient: idp.Client(),
		SecretKeys: []string{"a key for the tests of providers, 32 bytes"}, Broker: broker, Store: store.NewMemory(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func admit(t *testing.T, auth *core.Auth, token string) core.Decision {
	t.Helper()
	decision := auth.Required().Admit(t.Context(), core.Credentials{Method: "GET", Target: "/", Header: http.Header{"Authorization": {"Bearer " + token}}})
	return decision
}

// Guards take the access tokens that are for this client, and refuse all others, ID tokens too.
func TestAccessTokens(t *testing.T) {
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			idp := start(t, row)
			auth := service(t, row, idp, nil)
			sign := func(change claims) string {
				now := time.Now().Unix()
				token := claims{"iss": row.iss(), "sub": "alice", "iat": now, "exp": now + 600}
				merge(token, change)
				return idp.Sign("JWT", token)
			}
			for i, change := range row.takes {
				if d := admit(t, auth, sign(change)); d.Refusal != nil {
					t.Errorf("takes[%d]: %d", i, d.Refusal.Status)
				}
			}
			for i, change := range row.refuses {
				if d := admit(t, auth, sign(change)); d.Refusal == nil || d.Refusal.Status != http.StatusUnauthorized {
					t.Errorf("refuses[%d]: %+v", i, d)
				}
			}
			for i, token := range []string{"opaque", sign(claims{"iss": "https://evil.example", "aud": id, "scope": "x"}), idp.IDToken("alice")} {
				if d := admit(t, auth, token); d.Refusal == nil || d.Refusal.Status != http.StatusUnauthorized {
					t.Errorf("%d: %+v", i, d)
				}
			}
		})
	}
}

// route asks a route of a service.
func route(t *testing.T, auth *core.Auth, name, method, query, body string, header http.Header) *core.Response {
	t.Helper()
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if r.Name == name && r.Method == method {
			return r.Serve(t.Context(), core.ParseRequest(method, "", query, header, strings.NewReader(body)))
		}
	}
	t.Fatalf("no route %s %s", method, name)
	return nil
}

// A login at each: the authorization request, the provider's answer, and the person. Errors of the token endpoint are told as from any other.
func TestLogins(t *testing.T) {
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			idp := start(t, row)
			auth := service(t, row, idp, &core.BrokerConfig{SigningAlgorithm: "EdDSA"})
			answer := back(t, auth, idp, row)
			var token core.Token
			if err := json.Unmarshal(answer.Body, &token); err != nil || answer.Status != http.StatusOK {
				t.Fatalf("%d %s", answer.Status, answer.Body)
			}
			d := admit(t, auth, token.AccessToken)
			if d.Refusal != nil {
				t.Fatal(d.Refusal.Status)
			}
			want := row.person
			if want == "" {
				want = row.iss()
			}
			if issuer, subject := d.Caller.Person(); issuer != want || subject != "alice" {
				t.Errorf("%s %s", issuer, subject)
			}
			idp.Fault(oidctest.Token, oidctest.ErrorCode(http.StatusBadRequest, "invalid_grant"))
			if answer := back(t, auth, idp, row); answer.Status != http.StatusBadRequest {
				t.Errorf("invalid_grant: %d %s", answer.Status, answer.Body)
			}
			idp.Fault(oidctest.Token, oidctest.ErrorCode(http.StatusUnauthorized, "invalid_client"))
			if answer := back(t, auth, idp, row); answer.Status != http.StatusBadGateway {
				t.Errorf("invalid_client: %d %s", answer.Status, answer.Body)
			}
			idp.Heal()
			idp.Tamper(oidctest.IDTokens, func(token claims) { token["iss"] = "https://evil.example" })
			if answer := back(t, auth, idp, row); answer.Status < 400 {
				t.Errorf("an ID token of another issuer: %d", answer.Status)
			}
		})
	}
}

// back logs alice in and returns the answer of the callback route.
func back(t *testing.T, auth *core.Auth, idp *oidctest.Provider, row recorded) *core.Response {
	t.Helper()
	login := route(t, auth, "login", http.MethodGet, "redirect_uri="+url.QueryEscape("https://app.example/auth/v2/callback"), "", nil)
	target, err := url.Parse(login.Header.Get("Location"))
	if err != nil || login.Status != http.StatusFound {
		t.Fatalf("%d %v %s", login.Status, err, login.Body)
	}
	for name, values := range row.provider.AuthParams {
		if got := target.Query()[name]; len(got) != 1 || got[0] != values[0] {
			t.Errorf("%s: %v", name, got)
		}
	}
	if mode := target.Query().Get("response_mode"); mode != row.provider.ResponseMode {
		t.Errorf("response_mode %q", mode)
	}
	at, err := idp.Approve(target.String(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
	header := http.Header{"Cookie": {cookie}}
	if row.provider.ResponseMode == "" {
		return route(t, auth, "callback", http.MethodGet, at.RawQuery, "", header)
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	header.Set("Origin", row.base)
	return route(t, auth, "callback", http.MethodPost, "", at.RawQuery, header)
}
