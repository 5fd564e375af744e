package pypeer

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

// signer is the signing key of a service, in the test's hands: for tokens that the service would not make.
type signer struct {
	key *rsa.PrivateKey
	kid string
}

// newSigner reads a key in PEM. It is named as py-oidc-auth does: by the first half of the hash's hex digits of the public
// key.
func newSigner(t *testing.T, text []byte) signer {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Fatalf("no key: %.40s", text)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	return signer{key, hex.EncodeToString(sum[:8])}
}

// sign makes a token.
func (s signer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]string{"alg": "RS256", "kid": s.kid, "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// read is the header (0) or the claims (1) of a token.
func read(t *testing.T, token string, part int) (value map[string]any) {
	t.Helper()
	pieces := strings.Split(token, ".")
	if len(pieces) != 3 {
		t.Fatalf("no JWT: %s", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(pieces[part])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// changed is a token whose claims were changed and whose signature was not.
func changed(t *testing.T, token string, change func(claims map[string]any)) string {
	t.Helper()
	claims := read(t, token, 1)
	change(claims)
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(token, ".")
	return pieces[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + pieces[2]
}
