package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"
)

type claims = map[string]any

// key is a signing key of the provider.
type key struct {
	alg, id string
	private crypto.Signer
}

func newKey(alg string) (*key, error) {
	k := &key{alg: alg, id: base64.RawURLEncoding.EncodeToString(random(32))}
	var err error
	switch alg {
	case "RS256":
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("no such algorithm: " + alg)
	}
	return k, err
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk returns the public key as the provider publishes it (RFC 7517).
func (k *key) jwk() claims {
	set := claims{"kid": k.id, "use": "sig", "alg": k.alg}
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		set["kty"], set["n"], set["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // of P-256, so it has one: 4, x, y
		set["kty"], set["crv"], set["x"], set["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		set["kty"], set["crv"], set["x"] = "OKP", "Ed25519", encode(public)
	}
	return set
}

func (k *key) header() claims { return claims{"alg": k.alg, "typ": "JWT", "kid": k.id} }

// token signs a payload.
func (k *key) token(payload claims) string { return k.sign(k.header(), toJSON(payload)) }

func (k *key) sign(header claims, payload string) string {
	signed := encode([]byte(toJSON(header))) + "." + encode([]byte(payload))
	return signed + "." + encode(k.signature(signed))
}

func (k *key) signature(signed string) []byte {
	digest, hash := []byte(signed), crypto.Hash(0)
	if k.alg != "EdDSA" {
		sum := sha256.Sum256(digest)
		digest, hash = sum[:], crypto.SHA256
	}
	signature, err := k.private.Sign(rand.Reader, digest, hash)
	if err != nil {
		panic(err) // a bug of this program: the keys are its own
	}
	if k.alg == "ES256" {
		var point struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(signature, &point); err != nil {
			panic(err)
		}
		signature = append(point.R.FillBytes(make([]byte, 32)), point.S.FillBytes(make([]byte, 32))...)
	}
	return signature
}

var errBare = errors.New("the signature does not verify")

// bare returns the minimum work: verifying the signature of a token that is already decoded.
func (k *key) bare(token string) func() error {
	dot := strings.LastIndexByte(token, '.')
	signed := []byte(token[:dot])
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		panic(err)
	}
	check := func(ok bool) error {
		if !ok {
			return errBare
		}
		return nil
	}
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		return func() error {
			sum := sha256.Sum256(signed)
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature)
		}
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
		if err != nil {
			panic(err)
		}
		return func() error {
			sum := sha256.Sum256(signed)
			return check(ecdsa.VerifyASN1(public, sum[:], der))
		}
	case ed25519.PublicKey:
		return func() error { return check(ed25519.Verify(public, signed, signature)) }
	}
	panic(fmt.Sprintf("no bare check of %s", k.alg))
}

const (
	issuer   = "https://idp.example.org/realms/climate"
	clientID = "climate-portal"
)

// keycloak returns the payload of an access token like Keycloak's, with some claims replaced; nil removes a claim.
func keycloak(changes claims) claims {
	now := time.Now().Unix()
	all := claims{
		"exp": now + 3600, "iat": now, "jti": "onrtac:7a7e5d0d-5a3c-4a0e-8f6d-2b9d3c1e4f50", "iss": issuer,
		"aud": []string{clientID, "account"}, "sub": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "typ": "Bearer", "azp": clientID,
		"sid": "c1b9a6c5-3f0b-4c37-9d5a-77a1f0f7a6de", "acr": "1",
		"realm_access":    claims{"roles": []string{"default-roles-climate", "offline_access", "admin"}},
		"resource_access": claims{"account": claims{"roles": []string{"manage-account", "view-profile"}}},
		"groups":          []string{"/staff/modelling", "/projects/cordex"}, "scope": "openid profile email", "email_verified": true,
		"name": "Alice Bergström", "preferred_username": "alice", "given_name": "Alice", "family_name": "Bergström", "email": "alice@example.org",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
