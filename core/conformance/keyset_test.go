package conformance_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// FuzzKeySet checks that every accepted key is in the document with the same numbers, kid and algorithm, as read here without the
// JOSE library, and is a public key for signatures.
func FuzzKeySet(f *testing.F) {
	seeds, err := filepath.Glob("../testdata/seeds/*.keys.json")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range seeds {
		document, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if set, err := jose.ParseSet(document, "RS256"); err != nil || len(set) == 0 {
			f.Fatalf("%s: %v", name, err)
		}
		f.Add(document)
	}
	f.Add([]byte(`{"keys":[{"kty":"OKP","use":"sig","k":"AAAA","crv":"Ed25519","x":"eeDMDUk944jBVhKWUHET7noU5cAzdcQdMwP5nTIzHZ8"}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		set, err := jose.ParseSet(document, "PS384")
		if err != nil {
			return
		}
		var published struct {
			Keys []map[string]json.RawMessage `json:"keys"`
		}
		if err := json.Unmarshal(document, &published); err != nil {
			var members struct{ Keys []json.RawMessage }
			if err := json.Unmarshal(document, &members); err != nil {
				t.Fatalf("encoding/json cannot read it: %v", err)
			}
			for _, entry := range members.Keys { // an entry that is not an object is skipped
				var key map[string]json.RawMessage
				if json.Unmarshal(entry, &key) == nil {
					published.Keys = append(published.Keys, key)
				}
			}
		}
		for _, key := range set {
			if !slices.ContainsFunc(published.Keys, func(entry map[string]json.RawMessage) bool { return isKey(entry, key) }) {
				t.Errorf("%+v is not in %s", key, document)
			}
		}
	})
}

// isKey reads an entry by RFC 7517 and 7518, but accepts padding and the other base64 alphabet.
func isKey(entry map[string]json.RawMessage, key jose.Key) bool {
	member := func(name string) string { return text(entry[name]) }
	number := func(name string) *big.Int {
		encoded := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(member(name), "="))
		bytes, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil || len(bytes) == 0 {
			return big.NewInt(-1)
		}
		return new(big.Int).SetBytes(bytes)
	}
	if private, has := entry["d"]; has && string(private) != "null" { // k is private only in a symmetric key, which is refused
		return false
	}
	if use := member("use"); member("kid") != key.ID || use != "" && use != "sig" {
		return false
	}
	alg := member("alg")
	if alg == "Ed25519" {
		alg = "EdDSA"
	}
	switch public := key.Public.(type) {
	case *rsa.PublicKey:
		fits := alg == key.Alg && slices.Contains(jose.RSAAlgorithms, alg) || alg == "" && key.Alg == "PS384"
		return fits && member("kty") == "RSA" && number("n").Cmp(public.N) == 0 && number("e").Cmp(big.NewInt(int64(public.E))) == 0 &&
			public.N.BitLen() >= 2048 && public.N.BitLen() <= 8192 && public.E > 2
	case *ecdsa.PublicKey:
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[key.Alg]
		//nolint:staticcheck // the test needs the numbers themselves
		return curve != nil && public.Curve == curve && curve.Params().Name == member("crv") && member("kty") == "EC" && (alg == "" || alg == key.Alg) &&
			number("x").Cmp(public.X) == 0 && number("y").Cmp(public.Y) == 0 && curve.IsOnCurve(public.X, public.Y)
	case ed25519.PublicKey:
		return key.Alg == "EdDSA" && (alg == "" || alg == "EdDSA") && member("kty") == "OKP" && member("crv") == "Ed25519" && number("x").Cmp(new(big.Int).SetBytes(public)) == 0
	}
	return false
}
