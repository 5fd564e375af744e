package jose_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// rfcKey is the key of RFC 7517 appendix A.2; its public key is in RFC 7638 section 3.1.
func rfcKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	number := func(text string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	p := number("83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs")
	q := number("3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovonizhKpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk")
	one := big.NewInt(1)
	totient := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: new(big.Int).ModInverse(big.NewInt(65537), totient), Primes: []*big.Int{p, q}}
	key.Precompute()
	if err := key.Validate(); err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// The known kid of a key, in both forms of PEM, and the round trip.
func TestPrivateKeys(t *testing.T) {
	key := rfcKey(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	for name, text := range map[string][]byte{
		"PKCS#1": pkcs1, "PKCS#8": block("PRIVATE KEY", pkcs8), "text before": append([]byte("Bag Attributes\n"), pkcs1...), "CR LF": []byte(strings.ReplaceAll(string(pkcs1), "\n", "\r\n")),
	} {
		signer, err := jose.ParsePrivateKey(text)
		if err != nil || signer.ID != "ad32320cf6c596d8" || signer.Alg != "RS256" {
			t.Fatalf("%s: %+v, %v", name, signer, err)
		}
		written, err := signer.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		again, err := jose.ParsePrivateKey(written)
		if err != nil || again.ID != signer.ID {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
		raw, err := again.Sign("JWT", map[string]any{"a": 1})
		if err != nil {
			t.Fatal(err)
		}
		token, err := jose.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Verify(signer.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrivateKeyFaults(t *testing.T) {
	key := rfcKey(t)
	good := x509.MarshalPKCS1PrivateKey(key)
	crossed := *key
	crossed.D = new(big.Int).Add(key.D, big.NewInt(2))
	for name, text := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("x"), "empty block": block("RSA PRIVATE KEY", nil), "cut": block("RSA PRIVATE KEY", good[:100]), "more": block("RSA PRIVATE KEY", append(good[:len(good):len(good)], 0)),
		"PKCS#1 as PKCS#8": block("PRIVATE KEY", good), "public": block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), "encrypted": block("ENCRYPTED PRIVATE KEY", good),
		"exponent that does not fit": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(&crossed)),
	} {
		if signer, err := jose.ParsePrivateKey(text); !errors.Is(err, jose.ErrPrivateKey) || signer != nil {
			t.Errorf("%s: %v, %v", name, signer, err)
		}
	}
	for _, alg := range []string{"ES384", "ES512"} { // sound keys, but for no own token
		signer, err := jose.NewSigner("x", alg)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signer.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jose.ParsePrivateKey(text); !errors.Is(err, jose.ErrPrivateKey) {
			t.Errorf("%s: %v", alg, err)
		}
	}
	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(agreement)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.ParsePrivateKey(block("PRIVATE KEY", der)); !errors.Is(err, jose.ErrPrivateKey) {
		t.Errorf("X25519: %v", err)
	}
}

// A key of each algorithm has the kid of its public key, tells its algorithm, verifies what it signed, and is published.
func TestOwnSigners(t *testing.T) {
	for _, alg := range jose.OwnAlgorithms {
		signer, err := jose.NewOwnSigner(alg)
		if err != nil || signer.Alg != alg {
			t.Fatalf("%s: %+v, %v", alg, signer, err)
		}
		info, err := x509.MarshalPKIXPublicKey(signer.Public().Public)
		if sum := fmt.Sprintf("%x", sha256.Sum256(info)); err != nil || signer.ID != sum[:16] {
			t.Errorf("%s: kid %s, not %s, %v", alg, signer.ID, sum, err)
		}
		text, err := signer.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		again, err := jose.ParsePrivateKey(text)
		if err != nil || again.Alg != alg || !again.Public().Equal(signer.Public()) {
			t.Fatalf("%s: %+v, %v", alg, again, err)
		}
		if _, err := jose.ParseRSAKey(text); (err == nil) != (alg == "RS256") {
			t.Errorf("%s as an RSA key: %v", alg, err)
		}
		document, err := jose.MarshalSet(again)
		if err != nil {
			t.Fatal(err)
		}
		set, err := jose.ParseSet(document, "RS256")
		if err != nil || len(set) != 1 || !set[0].Equal(signer.Public()) {
			t.Errorf("%s: published as %s, %v", alg, document, err)
		}
	}
	if _, err := jose.NewOwnSigner("HS256"); err == nil {
		t.Error("HS256")
	}
	if _, err := jose.NewOwnSigner("ES384"); !errors.Is(err, jose.ErrPrivateKey) {
		t.Errorf("ES384: %v", err)
	}
}
