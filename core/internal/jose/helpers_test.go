package jose_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// signers has one key per algorithm, named after it. All tests share them, because keys are slow to generate.
var signers = sync.OnceValue(func() map[string]*jose.Signer {
	made := make(map[string]*jose.Signer)
	for _, alg := range algorithms {
		signer, err := jose.NewSigner(alg, alg)
		if err != nil {
			panic(err)
		}
		made[alg] = signer
	}
	return made
})

func publicSet(t testing.TB, list ...*jose.Signer) jose.Set {
	t.Helper()
	document, err := jose.MarshalSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.ParseSet(document, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// handmade signs arbitrary headers and payloads.
var handmade = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fixed"[:32]))

func handmadeKey() jose.Key {
	return jose.Key{ID: "k", Alg: "EdDSA", Public: handmade.Public()}
}

func base64url(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(header, payload string) string {
	signed := base64url(header) + "." + base64url(payload)
	return signed + "." + base64url(string(ed25519.Sign(handmade, []byte(signed))))
}

const goodHeader = `{"alg":"EdDSA","kid":"k"}`

// lastBitsSet encodes the same bytes differently: with the unused bits of the last character set.
func lastBitsSet(t *testing.T, part string) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	if len(part)%4 == 0 || last&1 == 1 {
		t.Fatalf("%q has no spare bits", part)
	}
	return part[:len(part)-1] + alphabet[last+1:last+2]
}
