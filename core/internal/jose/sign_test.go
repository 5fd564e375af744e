package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// A signed token is the header, as encoding/json writes it, and the payload as given, whatever the same key signed before.
func TestSignedText(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	for _, alg := range []string{"RS256", "PS512", "ES256", "ES512", "EdDSA"} {
		signer, err := jose.NewSigner("k", alg)
		if err != nil {
			t.Fatal(err)
		}
		for _, kid := range []string{"k", "", "\"<é>\u2028", "k"} {
			signer.ID = kid
			for _, typ := range []string{"JWT", "", "at+jwt", "JWT"} {
				header, err := json.Marshal(struct {
					Alg string `json:"alg"`
					Kid string `json:"kid,omitempty"`
					Typ string `json:"typ,omitempty"`
				}{alg, kid, typ})
				if err != nil {
					t.Fatal(err)
				}
				payload := `{"sub":"` + strings.Repeat("a", 100*len(kid+typ)) + `"}`
				raw, err := signer.SignBytes(typ, []byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				if want := encode(header) + "." + encode([]byte(payload)) + "."; !strings.HasPrefix(raw, want) || strings.Count(raw, ".") != 2 {
					t.Errorf("%s, kid %q, typ %q: got %s, want %s…", alg, kid, typ, raw, want)
				}
				if !signer.Verifies(raw) {
					t.Errorf("%s, kid %q, typ %q: the signature does not verify", alg, kid, typ)
				}
			}
		}
	}
}

// A key signs tokens of several types at once.
func TestSignsAtOnce(t *testing.T) {
	signer, err := jose.NewSigner("k", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, typ := range []string{"JWT", "at+jwt", "logout+jwt"} {
		all.Go(func() {
			for range 100 {
				raw, err := signer.Sign(typ, map[string]any{"sub": typ})
				if err != nil {
					t.Error(err)
					return
				}
				token, err := jose.Parse(raw)
				if err != nil || token.Typ != typ || !signer.Verifies(raw) {
					t.Errorf("%s: header %+v, %v", typ, token.Header, err)
				}
			}
		})
	}
	all.Wait()
}
