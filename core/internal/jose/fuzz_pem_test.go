package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// FuzzParsePrivateKey: an accepted key is an RSA key of at least 2048 bits, a P-256 or an Ed25519 key, its public key verifies its
// signatures, and it stays the same when it is written and parsed again. As an RSA key only RSA is accepted.
func FuzzParsePrivateKey(f *testing.F) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024) // to be refused
	if err != nil {
		f.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader) // to be refused
	if err != nil {
		f.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []any{private, small, curve, large, edwards} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	f.Add(pkcs1)
	f.Add(append([]byte("text before\n"), pkcs1...))
	f.Add(bytes.ReplaceAll(pkcs1, []byte("\n"), []byte("\r\n")))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")}))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		signer, err := jose.ParsePrivateKey(text)
		if err != nil {
			if err != jose.ErrPrivateKey || signer != nil {
				t.Fatalf("got %v, %v", signer, err)
			}
			return
		}
		raw, err := signer.SignBytes("JWT", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jose.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Verify(signer.Public()); err != nil {
			t.Errorf("what the key signed does not verify: %v", err)
		}
		sound := false
		switch public := signer.Public().Public.(type) {
		case *rsa.PublicKey:
			sound = public.N.BitLen() >= 2048 && signer.Alg == "RS256"
		case *ecdsa.PublicKey:
			sound = public.Curve == elliptic.P256() && signer.Alg == "ES256"
		case ed25519.PublicKey:
			sound = signer.Alg == "EdDSA"
		}
		if _, err := jose.ParseRSAKey(text); !sound || (err == nil) != (signer.Alg == "RS256") {
			t.Errorf("got %+v", signer.Public())
		}
		written, err := signer.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := jose.ParsePrivateKey(written); err != nil || !again.Public().Equal(signer.Public()) {
			t.Errorf("written and read again: %v", err)
		}
	})
}
