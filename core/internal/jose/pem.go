package jose

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
)

// ErrPrivateKey says that a text is not a private key that this package can sign with.
var ErrPrivateKey = errors.New("jose: no sound RSA private key of 2048 bits or more in PEM, unencrypted")

// NewRSASigner generates an RSA key of 2048 bits for RS256, with the kid that [ParsePrivateKey] derives.
func NewRSASigner() (*Signer, error) {
	private, err := rsa.GenerateKey(rand.Reader, minRSABits)
	if err != nil {
		return nil, err
	}
	return rsaSigner(private)
}

// ParsePrivateKey parses an RSA private key for RS256 from PEM (PKCS#1 or PKCS#8). Its kid is the first 16 hexadecimal digits
// of the SHA-256 of its SubjectPublicKeyInfo, as in the Python library. The error is [ErrPrivateKey].
func ParsePrivateKey(text []byte) (*Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, ErrPrivateKey
	}
	var private any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	key, ok := private.(*rsa.PrivateKey)
	if err != nil || !ok || key.Validate() != nil {
		return nil, ErrPrivateKey
	}
	return rsaSigner(key)
}

func rsaSigner(private *rsa.PrivateKey) (*Signer, error) {
	if public, _ := fitting(private.Public()); public == nil {
		return nil, ErrPrivateKey
	}
	info, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, ErrPrivateKey
	}
	sum := sha256.Sum256(info)
	return &Signer{ID: hex.EncodeToString(sum[:])[:16], Alg: "RS256", private: private}, nil
}

// PrivateKey returns the private key in PEM (PKCS#8), which [ParsePrivateKey] reads. It is a secret.
func (s *Signer) PrivateKey() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.private)
	if err != nil {
		return nil, ErrPrivateKey
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
