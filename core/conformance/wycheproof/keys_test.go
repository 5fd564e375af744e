package wycheproof_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Of all public keys in JWK form in the files about signatures and key agreement, exactly those of supported types are
// accepted, each for its one algorithm.
func TestKeys(t *testing.T) {
	names, err := fs.Glob(wycheproof.TestVectors, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, name := range names {
		if !isAboutKeys(name) {
			continue
		}
		for _, g := range load(t, name).TestGroups {
			list := []json.RawMessage{g.PublicJWK, g.KeyJWK}
			for _, v := range g.Tests {
				list = append(list, v.Public)
			}
			for _, jwk := range list {
				if len(jwk) == 0 || bytes.Equal(jwk, []byte("null")) || jwk[0] != '{' {
					continue
				}
				seen[kindOf(t, jwk)+": "+algorithmOf(jwk)]++
			}
		}
	}
	want := map[string]int{
		"EC P-256: ES256": 311, "EC P-384: ES384": 287, "EC P-521: ES512": 198, "OKP Ed25519: EdDSA": 78,
		"RSA RS256: RS256": 7, "RSA RS384: RS384": 4, "RSA RS512: RS512": 6, // of 2048 to 8192 bits
		"RSA PS256: PS256": 3, "RSA PS384: PS384": 2, "RSA PS512: PS512": 1,
		// Unsupported curves, keys for key agreement, and key types without this curve.
		"EC secp256k1: refused": 398, "OKP Ed448: refused": 15, "OKP X25519: refused": 520, "OKP X448: refused": 512,
		"EC X25519: refused": 1, "EC X448: refused": 1, "RSA X25519: refused": 1, "RSA X448: refused": 1, "oct X25519: refused": 1, "oct X448: refused": 1,
		"X25519: refused": 2, "X448: refused": 2, "OKP: refused": 2, ": refused": 2,
	}
	for kind, count := range want {
		if seen[kind] != count {
			t.Errorf("%s: %d, want %d", kind, seen[kind], count)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("saw %v", seen)
	}
}

func isAboutKeys(name string) bool {
	for _, pattern := range []string{"ecdsa_*_p1363_test.json", "ed*_test.json", "rsa_signature_*", "rsa_pss_*", "x*_jwk_test.json"} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

func kindOf(t *testing.T, jwk []byte) string {
	t.Helper()
	var key struct{ Kty, Crv, Alg string }
	if err := json.Unmarshal(jwk, &key); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(key.Kty + " " + key.Crv + key.Alg)
}

// algorithmOf returns the algorithm of a key, "refused" if it is not accepted.
func algorithmOf(jwk []byte) string {
	set, err := jose.ParseSet(fmt.Appendf(nil, `{"keys":[%s]}`, jwk), "RS256")
	if err != nil {
		return "refused"
	}
	return set[0].Alg
}
