package core_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Every asymmetric algorithm works that fits the provider's key.
func TestAlgorithmsOfProviders(t *testing.T) {
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			idp := newIDP(t)
			signer, err := jose.NewSigner("s", alg)
			if err != nil {
				t.Fatal(err)
			}
			document, err := jose.MarshalSet(signer)
			if err != nil {
				t.Fatal(err)
			}
			idp.change(func() { idp.keySet = string(document) })
			token, err := signer.Sign("at+jwt", goodClaims())
			if err != nil {
				t.Fatal(err)
			}
			idp.keepSecret(token)
			mustAdmit(t, idp.auth().Required(), token)
		})
	}
}

// RSA keys that name no algorithm have the one that the provider announces; RS256 when it announces that.
func TestAlgorithmOfNamelessKeys(t *testing.T) {
	signer, err := jose.NewSigner("s", "PS256")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jose.MarshalSet(signer)
	if err != nil {
		t.Fatal(err)
	}
	nameless := strings.Replace(string(document), `"alg":"PS256",`, "", 1)
	for _, c := range []struct {
		announced []string
		status    int
	}{{[]string{"PS256"}, 200}, {[]string{"ES256", "PS256", "PS512"}, 200}, {[]string{"RS256", "PS256"}, 401}, {nil, 401}} {
		idp := newIDP(t)
		idp.change(func() {
			idp.keySet = nameless
			idp.metadata = claims{"id_token_signing_alg_values_supported": c.announced}
		})
		token, err := signer.Sign("at+jwt", goodClaims())
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, idp.auth().Required(), token, c.status)
	}
}

// The configured audiences replace the rule of the client id.
func TestConfiguredAudience(t *testing.T) {
	for name, c := range map[string]struct {
		configured []string
		change     claims
		status     int
	}{
		"one of them":             {[]string{"api", "api2"}, claims{"aud": []string{"x", "api2"}}, 200},
		"none of them":            {[]string{"api"}, claims{"aud": "api2"}, 401},
		"the client id is not it": {[]string{"api"}, claims{"aud": clientID, "azp": clientID}, 401},
		"missing":                 {[]string{"api"}, claims{"aud": nil, "azp": "api", "client_id": "api"}, 401},
		"any":                     {[]string{core.AnyAudience}, claims{"aud": "whatever"}, 200},
		"any, and none":           {[]string{core.AnyAudience}, claims{"aud": nil}, 200},
		"any, of a wrong type":    {[]string{core.AnyAudience}, claims{"aud": 1}, 401},
		"a star in the token":     {[]string{"api"}, claims{"aud": "*"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			guard := idp.auth(func(c_ *core.Config) { c_.Audience = c.configured }).Required()
			wantStatus(t, guard, idp.token(c.change), c.status)
		})
	}
}

// There is no verification without an issuer. With JWKSURL set and discovery down, nothing passes.
func TestNoVerifierWithoutAnIssuer(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) { c.JWKSURL = idp.URL(oidctest.JWKS) }).Required()
	idp.breaks(refuse, oidctest.Discovery)
	wantStatus(t, guard, idp.token(claims{"iss": "https://evil.example"}), http.StatusServiceUnavailable)
	idp.Heal(oidctest.Discovery)
	wantStatus(t, guard, idp.token(claims{"iss": "https://evil.example"}), http.StatusUnauthorized)
	wantStatus(t, guard, idp.token(), http.StatusOK)
}

// Guards work with an issuer and a key set alone, and then take that issuer only.
func TestWithoutDiscovery(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) {
		c.DiscoveryURL, c.Issuer, c.JWKSURL = "", issuer, idp.URL(oidctest.JWKS)
	}).Required()
	wantStatus(t, guard, idp.token(), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"iss": issuer + "/"}), http.StatusUnauthorized)
	if got := idp.Hits(oidctest.Discovery); got != 0 {
		t.Errorf("%d fetches of a discovery document", got)
	}
}

// The leeway is as configured.
func TestLeeway(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) { c.Leeway = 2 * time.Minute }).Required()
	now := time.Now().Unix()
	wantStatus(t, guard, idp.token(claims{"exp": now - 100}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"exp": now - 130}), http.StatusUnauthorized)
	wantStatus(t, guard, idp.token(claims{"nbf": now + 100}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"nbf": now + 130}), http.StatusUnauthorized)
}

// A guard checks both what a token is for and what it allows, and neither stands in for the other.
func TestAudienceAndScopeAreBothChecked(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	auth, err := core.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	guard := auth.Required(core.Scopes("write"))
	elsewhere := oidctest.Claims{"aud": "other", "azp": "other", "client_id": "other", "scope": "write"}
	for name, c := range map[string]struct {
		claims oidctest.Claims
		status int
	}{
		"both":         {oidctest.Claims{"scope": "read write"}, 200},
		"no scope":     {oidctest.Claims{"scope": "read"}, 403},
		"no audience":  {elsewhere, 401},
		"part of word": {oidctest.Claims{"scope": "writer"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, guard, idp.AccessToken("alice", c.claims), c.status)
		})
	}
}
