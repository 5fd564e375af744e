package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// FuzzParse: an accepted token has three parts with a single encoding, a header that encoding/json reads the same way, and an
// algorithm; it verifies only with the key that signed it.
func FuzzParse(f *testing.F) {
	f.Add(sign(goodHeader, `{"sub":"a"}`))
	f.Add(sign(`{"alg":"none"}`, `{}`))
	f.Add(sign(`{"alg":"EdDSA","crit":["b64"],"b64":false}`, `{}`))
	f.Add(sign(`{"alg":"EdDSA","ALG":"none"}`, "{\"a\":\"\xff\"}"))
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := jose.Parse(raw)
		if err != nil {
			if err != jose.ErrMalformed || token.Raw() != "" {
				t.Fatalf("got %v, %v", token, err)
			}
			return
		}
		parts := strings.Split(raw, ".")
		if len(parts) != 3 || len(raw) > jose.MaxTokenSize {
			t.Fatalf("accepted %q", raw)
		}
		header, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil || base64.RawURLEncoding.EncodeToString(header) != parts[0] {
			t.Fatalf("a header of another spelling: %q", parts[0])
		}
		var reference struct{ Alg, Kid, Typ string }
		if json.Unmarshal(header, &reference) != nil || reference.Alg != token.Alg || reference.Kid != token.KeyID || reference.Typ != token.Typ {
			t.Fatalf("%s is read as %+v, encoding/json reads %+v", header, token, reference)
		}
		if claims, err := token.Verify(handmadeKey()); err == nil && (!json.Valid([]byte(claims.Text())) || !claims.Exists()) {
			t.Fatalf("%q verifies as %q", raw, claims.Text())
		}
	})
}

// FuzzParseSet: every accepted key has one algorithm that it can verify.
func FuzzParseSet(f *testing.F) {
	f.Add(setOf(f, rsaJWK(nil), ecJWK(nil)))
	f.Add(setOf(f, members{"kty": "oct", "k": "AAAA"}, members{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","use":"enc"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Add([]byte(`{"keys":[]}`))
	published, err := filepath.Glob("../../testdata/seeds/*.keys.json")
	if err != nil || len(published) == 0 {
		f.Fatal("no key sets of providers", err)
	}
	for _, name := range published {
		document, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		set, err := jose.ParseSet(document, "RS256")
		if (err == nil) != (len(set) > 0) || err != nil && err != jose.ErrKeySet {
			t.Fatalf("got %v, %v", set, err)
		}
		for _, key := range set {
			if key.Public == nil || !strings.Contains(strings.Join(algorithms, " "), key.Alg) || key.Alg == "" {
				t.Fatalf("got %+v", key)
			}
			token := jose.Token{Header: jose.Header{Alg: key.Alg, KeyID: key.ID, HasKey: true}}
			if _, err := token.Verify(key); err != jose.ErrSignature {
				t.Fatalf("an empty token: %v", err)
			}
		}
	})
}
