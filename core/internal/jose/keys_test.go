package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(rsa.GenerateKey(rand.Reader, 2048)) })

var ecKey = sync.OnceValue(func() *ecdsa.PrivateKey { return makeKey(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })

func makeKey[K crypto.Signer](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

func number(n *big.Int) string { return base64url(string(n.Bytes())) }

type members map[string]any

// rsaJWK and ecJWK return valid keys with some members replaced; nil removes a member.
func rsaJWK(change members) members {
	return changed(members{"kty": "RSA", "kid": "r", "n": number(rsaKey().N), "e": "AQAB"}, change)
}

func ecJWK(change members) members {
	point, err := ecKey().PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return changed(members{"kty": "EC", "kid": "e", "crv": "P-256", "x": base64url(string(point[1:33])), "y": base64url(string(point[33:]))}, change)
}

func changed(jwk, change members) members {
	for name, value := range change {
		if jwk[name] = value; value == nil {
			delete(jwk, name)
		}
	}
	return jwk
}

func setOf(t testing.TB, keys ...any) []byte {
	t.Helper()
	document, err := json.Marshal(members{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestParseSetAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		jwk members
		alg string
	}{
		"RSA without alg":          {rsaJWK(nil), "RS256"},
		"RSA with its alg":         {rsaJWK(members{"alg": "PS512"}), "PS512"},
		"use sig":                  {rsaJWK(members{"use": "sig"}), "RS256"},
		"key_ops verify":           {rsaJWK(members{"key_ops": []string{"verify"}}), "RS256"},
		"EC without alg":           {ecJWK(nil), "ES256"},
		"EC with its alg":          {ecJWK(members{"alg": "ES256", "use": "sig"}), "ES256"},
		"Ed25519":                  {members{"kty": "OKP", "crv": "Ed25519", "x": base64url(string(handmadeKey().Public.(ed25519.PublicKey)))}, "EdDSA"},
		"Ed25519 by its new name":  {members{"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "x": base64url(string(handmadeKey().Public.(ed25519.PublicKey)))}, "EdDSA"},
		"certificate beside it":    {rsaJWK(members{"x5t": "abc", "x5u": "https://evil.example/cert"}), "RS256"},
		"members of other readers": {rsaJWK(members{"issuer": "x", "exp": 1}), "RS256"},
	} {
		set, err := jose.ParseSet(setOf(t, c.jwk), "RS256")
		if err != nil || len(set) != 1 || set[0].Alg != c.alg {
			t.Errorf("%s: got %+v, %v", name, set, err)
		}
	}
}

// RFC 7517 section 5: unusable keys are skipped, and the valid key beside them is kept.
func TestParseSetSkips(t *testing.T) {
	weak := makeKey(rsa.GenerateKey(rand.Reader, 1024))
	d := number(rsaKey().D)
	for name, jwk := range map[string]any{
		"no object":               "key",
		"null":                    nil,
		"empty":                   members{},
		"unknown type":            members{"kty": "AKP", "kid": "x", "alg": "ML-DSA-44", "pub": "AA"},
		"type of another case":    rsaJWK(members{"kty": "rsa"}),
		"alg none":                rsaJWK(members{"alg": "none"}),
		"alg of another type":     rsaJWK(members{"alg": "ES256"}),
		"alg of another curve":    ecJWK(members{"alg": "ES384"}),
		"alg is a number":         rsaJWK(members{"alg": 256}),
		"use enc":                 rsaJWK(members{"use": "enc"}),
		"use of another case":     rsaJWK(members{"use": "SIG"}),
		"use of another type":     rsaJWK(members{"use": []string{"sig"}}),
		"key_ops sign":            rsaJWK(members{"key_ops": []string{"sign"}}),
		"key_ops empty":           rsaJWK(members{"key_ops": []string{}}),
		"key_ops of another":      rsaJWK(members{"key_ops": 1}),
		"alg of encryption":       rsaJWK(members{"alg": "RSA-OAEP"}),
		"oct":                     members{"kty": "oct", "kid": "x", "alg": "HS256", "k": base64url(strings.Repeat("k", 32))},
		"oct without alg":         members{"kty": "oct", "kid": "x", "k": base64url(strings.Repeat("k", 32))},
		"HMAC with an RSA key":    rsaJWK(members{"alg": "HS256"}),
		"kid is a number":         rsaJWK(members{"kid": 7}),
		"RSA of 1024 bits":        rsaJWK(members{"n": number(weak.N)}),
		"RSA of 16384 bits":       rsaJWK(members{"n": base64url("\xff" + strings.Repeat("\xff", 2047))}),
		"exponent 1":              rsaJWK(members{"e": "AQ"}),
		"exponent 2":              rsaJWK(members{"e": "Ag"}),
		"exponent even":           rsaJWK(members{"e": number(big.NewInt(65536))}),
		"exponent 0":              rsaJWK(members{"e": "AA"}),
		"exponent beyond int":     rsaJWK(members{"e": number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(65537)))}),
		"modulus even":            rsaJWK(members{"n": number(new(big.Int).Lsh(rsaKey().N, 1))}),
		"no modulus":              rsaJWK(members{"n": nil}),
		"modulus of no base64":    rsaJWK(members{"n": "!!"}),
		"point off the curve":     ecJWK(members{"y": base64url(strings.Repeat("\x01", 32))}),
		"point at infinity":       ecJWK(members{"x": base64url(strings.Repeat("\x00", 32)), "y": base64url(strings.Repeat("\x00", 32))}),
		"coordinate too long":     ecJWK(members{"x": base64url(strings.Repeat("\xff", 33))}),
		"no coordinate":           ecJWK(members{"y": nil}),
		"curve secp256k1":         ecJWK(members{"crv": "secp256k1"}),
		"curve P-224":             ecJWK(members{"crv": "P-224"}),
		"curve that nobody knows": ecJWK(members{"crv": "P-999"}),
		"X25519":                  members{"kty": "OKP", "crv": "X25519", "kid": "x", "x": base64url(strings.Repeat("\x09", 32))},
		"Ed448":                   members{"kty": "OKP", "crv": "Ed448", "kid": "x", "x": base64url(strings.Repeat("\x09", 57))},
		"Ed25519 of 31 bytes":     members{"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": base64url(strings.Repeat("\x09", 31))},
		"Ed25519 of 33 bytes":     members{"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": base64url(strings.Repeat("\x09", 33))},
		"Ed25519 of nothing":      members{"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": ""},
		"private RSA":             rsaJWK(members{"d": d, "p": number(rsaKey().Primes[0]), "q": number(rsaKey().Primes[1])}),
		"private RSA, d alone":    rsaJWK(members{"d": d}),
		"private EC":              ecJWK(members{"d": base64url(strings.Repeat("\x05", 32))}),
		"private Ed25519":         members{"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": base64url(string(handmadeKey().Public.(ed25519.PublicKey))), "d": base64url(string(handmade.Seed()))},
		"a member twice":          json.RawMessage(`{"kty":"RSA","kty":"RSA","n":"` + number(rsaKey().N) + `","e":"AQAB"}`),
		"KTY instead of kty":      changed(rsaJWK(nil), members{"kty": nil, "KTY": "RSA"}),
		"n of another type":       rsaJWK(members{"n": 5}),
		"e of another type":       rsaJWK(members{"e": 65537}),
		"x of another type":       ecJWK(members{"x": []int{1}}),
	} {
		t.Run(name, func(t *testing.T) {
			document := setOf(t, jwk, ecJWK(members{"kid": "good"}))
			if raw, ok := jwk.(json.RawMessage); ok { // a whole document must be strict, so this one is refused as a whole
				if set, err := jose.ParseSet([]byte(`{"keys":[`+string(raw)+`]}`), "RS256"); err != jose.ErrKeySet {
					t.Errorf("got %+v, %v", set, err)
				}
				return
			}
			set, err := jose.ParseSet(document, "RS256")
			if err != nil || len(set) != 1 || set[0].ID != "good" {
				t.Errorf("got %+v, %v", set, err)
			}
		})
	}
}

func TestParseSetRefuses(t *testing.T) {
	for name, document := range map[string]string{
		"nothing":             ``,
		"no JSON":             `<html>`,
		"a list":              `[]`,
		"no keys":             `{}`,
		"empty":               `{"keys":[]}`,
		"null":                `{"keys":null}`,
		"keys is an object":   `{"keys":{"kty":"RSA"}}`,
		"keys is a text":      `{"keys":"RSA"}`,
		"Keys":                `{"Keys":[` + string(mustJSON(t, rsaJWK(nil))) + `]}`,
		"keys twice":          `{"keys":[],"keys":[` + string(mustJSON(t, rsaJWK(nil))) + `]}`,
		"oct alone":           `{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}`,
		"truncated":           string(setOf(t, rsaJWK(nil))[:40]),
		"trailing data":       string(setOf(t, rsaJWK(nil))) + "x",
		"one bare key":        string(mustJSON(t, rsaJWK(nil))),
		"deep":                `{"keys":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
		"a key with a text":   `{"keys":["` + strings.Repeat("x", 100) + `"]}`,
		"a number for a list": `{"keys":1}`,
	} {
		if set, err := jose.ParseSet([]byte(document), "RS256"); err != jose.ErrKeySet {
			t.Errorf("%s: got %+v, %v", name, set, err)
		}
	}
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// An RSA key without alg gets the algorithm that the caller passes.
func TestRSAKeyWithoutAlgorithm(t *testing.T) {
	for _, alg := range jose.RSAAlgorithms {
		set, err := jose.ParseSet(setOf(t, rsaJWK(nil)), alg)
		if err != nil || set[0].Alg != alg {
			t.Errorf("%s: %+v, %v", alg, set, err)
		}
	}
	if set, err := jose.ParseSet(setOf(t, rsaJWK(nil)), "HS256"); err != jose.ErrKeySet {
		t.Errorf("an RSA key for HS256: %+v, %v", set, err)
	}
}

func TestFindKey(t *testing.T) {
	a, b, es := jose.Key{ID: "a", Alg: "RS256"}, jose.Key{ID: "b", Alg: "RS256"}, jose.Key{ID: "a", Alg: "ES256"}
	nameless := jose.Key{Alg: "RS256"}
	for name, c := range map[string]struct {
		set   jose.Set
		token jose.Header
		want  jose.Key
		ok    bool
	}{
		"by kid":                       {jose.Set{a, b}, jose.Header{Alg: "RS256", HasKey: true, KeyID: "b"}, b, true},
		"exactly":                      {jose.Set{a, b}, jose.Header{Alg: "RS256", HasKey: true, KeyID: "B"}, jose.Key{}, false},
		"unknown kid":                  {jose.Set{a}, jose.Header{Alg: "RS256", HasKey: true, KeyID: "x"}, jose.Key{}, false},
		"kid of another algorithm":     {jose.Set{a}, jose.Header{Alg: "ES256", HasKey: true, KeyID: "a"}, jose.Key{}, false},
		"one kid, two algorithms":      {jose.Set{a, es}, jose.Header{Alg: "ES256", HasKey: true, KeyID: "a"}, es, true},
		"no kid, one key":              {jose.Set{a, es}, jose.Header{Alg: "RS256"}, a, true},
		"no kid, several keys":         {jose.Set{a, b}, jose.Header{Alg: "RS256"}, jose.Key{}, false},
		"no kid on either side":        {jose.Set{nameless}, jose.Header{Alg: "RS256"}, nameless, true},
		"kid, but the key has none":    {jose.Set{nameless}, jose.Header{Alg: "RS256", HasKey: true, KeyID: "a"}, jose.Key{}, false},
		"no key of the algorithm":      {jose.Set{a}, jose.Header{Alg: "EdDSA"}, jose.Key{}, false},
		"no set":                       {nil, jose.Header{Alg: "RS256"}, jose.Key{}, false},
		"two keys of one kid: neither": {jose.Set{a, a}, jose.Header{Alg: "RS256", HasKey: true, KeyID: "a"}, jose.Key{}, false},
		"none finds nothing":           {jose.Set{a, {ID: "a"}}, jose.Header{Alg: "none", HasKey: true, KeyID: "a"}, jose.Key{}, false},
	} {
		if got, ok := c.set.Find(c.token); ok != c.ok || got != c.want {
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
}

// ParseSet reads the output of MarshalSet, which contains no private value.
func TestMarshalSet(t *testing.T) {
	var list []*jose.Signer
	for _, alg := range algorithms {
		list = append(list, signers()[alg])
	}
	document, err := jose.MarshalSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Keys []map[string]any }
	if err := json.Unmarshal(document, &read); err != nil || len(read.Keys) != len(algorithms) {
		t.Fatalf("%d keys, %v", len(read.Keys), err)
	}
	for _, key := range read.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, ok := key[private]; ok {
				t.Errorf("%v: the private member %q is published", key["kid"], private)
			}
		}
		if key["use"] != "sig" {
			t.Errorf("%v: use is %v", key["kid"], key["use"])
		}
	}
	set, err := jose.ParseSet(document, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range set {
		if key.ID != algorithms[i] || key.Alg != algorithms[i] {
			t.Errorf("got %s for %s as key %d", key.Alg, key.ID, i)
		}
	}
	if _, err := jose.NewSigner("x", "HS256"); err == nil {
		t.Error("a signer for HS256")
	}
	if _, err := jose.NewSigner("x", "none"); err == nil {
		t.Error("a signer for none")
	}
}
