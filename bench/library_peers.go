package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"        //nolint:depguard // a peer that is measured
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt" //nolint:depguard // a peer that is measured
)

const leeway = 30 * time.Second // as in oidcauth

// accessClaims has the claims that a guard checks, and those that identify the caller.
type accessClaims struct {
	jwt.RegisteredClaims
	Scope    string `json:"scope"`
	Azp      string `json:"azp"`
	Username string `json:"preferred_username"`
	Email    string `json:"email"`
}

// libraryPeers returns the other libraries, all with the same settings: one algorithm, this issuer, this audience.
func libraryPeers(ctx context.Context, k *key, p *provider) ([]candidate, error) {
	set, err := jwk.Parse([]byte(p.keys))
	if err != nil {
		return nil, err
	}
	keys := new(jose.JSONWebKeySet)
	if err := json.Unmarshal([]byte(p.keys), keys); err != nil {
		return nil, err
	}
	const golangJWT = "github.com/golang-jwt/jwt/v5"
	return []candidate{
		{"golang-jwt, claims in a struct", golangJWT, 1.8, golangJWTCheck(k, func() jwt.Claims { return new(accessClaims) })},
		{"golang-jwt, claims in a map", "", 0, golangJWTCheck(k, func() jwt.Claims { return jwt.MapClaims{} })},
		{"go-oidc", "github.com/coreos/go-oidc/v3", 2.3, goOIDCCheck(ctx, k, p)},
		{"go-jose", "github.com/go-jose/go-jose/v4", 2.3, goJoseCheck(k, keys)},
		{"jwx v2", "github.com/lestrrat-go/jwx/v2", 3.3, jwxCheck(set)},
	}, nil
}

// keyFunc finds a key as the documentation of golang-jwt shows.
func keyFunc(k *key) jwt.Keyfunc {
	public := map[string]any{k.id: k.private.Public()}
	return func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		if found, ok := public[id]; ok && token.Method.Alg() == k.alg {
			return found, nil
		}
		return nil, fmt.Errorf("no key %q", id)
	}
}

func golangJWTCheck(k *key, newClaims func() jwt.Claims) func(string) func() error {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{k.alg}), jwt.WithIssuer(issuer), jwt.WithAudience(clientID), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway))
	find := keyFunc(k)
	return func(token string) func() error {
		return func() error {
			_, err := parser.ParseWithClaims(token, newClaims(), find)
			return err
		}
	}
}

// goOIDCVerifier gets its keys from the provider, as usual.
func goOIDCVerifier(ctx context.Context, k *key, p *provider) *oidc.IDTokenVerifier {
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, p.client()), issuer+"/keys")
	return oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{k.alg}})
}

func goOIDCCheck(ctx context.Context, k *key, p *provider) func(string) func() error {
	verifier := goOIDCVerifier(ctx, k, p)
	return func(token string) func() error {
		return func() error {
			_, err := verifier.Verify(ctx, token)
			return err
		}
	}
}

func goJoseCheck(k *key, keys *jose.JSONWebKeySet) func(string) func() error {
	algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.alg)}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{clientID}}
	return func(token string) func() error {
		return func() error {
			parsed, err := josejwt.ParseSigned(token, algorithms)
			if err != nil {
				return err
			}
			var registered josejwt.Claims
			if err := parsed.Claims(keys, &registered); err != nil {
				return err
			}
			if registered.Expiry == nil {
				return errors.New("no exp")
			}
			return registered.ValidateWithLeeway(expected.WithTime(time.Now()), leeway)
		}
	}
}

func jwxCheck(set jwk.Set) func(string) func() error {
	return func(token string) func() error {
		raw := []byte(token)
		return func() error {
			_, err := jwxjwt.Parse(raw, jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(clientID),
				jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithAcceptableSkew(leeway))
			return err
		}
	}
}
