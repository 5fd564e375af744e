package oidctest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// read verifies a token of the provider and returns its type and claims.
func read(t *testing.T, p *Provider, raw string) (typ string, claims Claims) {
	t.Helper()
	token, err := jose.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(p.signer().Public()); err != nil {
		t.Fatal(err)
	}
	var header Claims
	for i, part := range []*Claims{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[i])
		if err = errors.Join(err, json.Unmarshal(text, part)); err != nil {
			t.Fatal(err)
		}
	}
	typ, _ = header["typ"].(string)
	return typ, claims
}

// An ID token as after a refresh has no claim that only a login has, and none of an access token.
func TestIDTokenOfNoLogin(t *testing.T) {
	p := NewProvider(t, WithAlgorithm("ES256"))
	typ, claims := read(t, p, p.IDToken("alice", Claims{"email": nil, "nonce": "n"}))
	if typ != "JWT" || claims["iss"] != p.Issuer() || claims["sub"] != "alice" || claims["aud"] != ConfidentialClient || claims["nonce"] != "n" {
		t.Errorf("%s %v", typ, claims)
	}
	for _, name := range []string{"at_hash", "scope", "client_id", "jti", "email"} {
		if claims[name] != nil {
			t.Errorf("%s is %v", name, claims[name])
		}
	}
	if _, claims = read(t, p, p.IDToken("bob")); claims["nonce"] != nil || claims["exp"] == nil || claims["iat"] == nil || claims["email"] == nil {
		t.Errorf("%v", claims)
	}
}

// An unmarked access token has only claims that an ID token has too, and userinfo accepts it.
func TestUnmarkedAccessToken(t *testing.T) {
	p := NewProvider(t, WithAlgorithm("ES256"))
	raw := p.UnmarkedAccessToken("alice", Claims{"aud": "api"})
	typ, claims := read(t, p, raw)
	if typ != "JWT" || claims["sub"] != "alice" || claims["aud"] != "api" {
		t.Errorf("%s %v", typ, claims)
	}
	for _, name := range []string{"scope", "scp", "client_id", "azp", "nonce", "at_hash"} {
		if claims[name] != nil {
			t.Errorf("%s is %v", name, claims[name])
		}
	}
	if _, known := p.access.get(raw); !known {
		t.Error("the provider does not know it")
	}
	if _, claims = read(t, p, p.UnmarkedAccessToken("alice", Claims{"scope": "a"})); claims["scope"] != "a" {
		t.Errorf("%v", claims)
	}
}
