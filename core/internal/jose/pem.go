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

// ErrPrivateKey says that a text is no private key that this package signs with.
var ErrPrivateKey = errors.New("jose: no sound RSA private key of 2048 bits or more in PEM, unencrypted")

// NewRSASigner makes a fresh RSA key of 2048 bits for RS256, named as [ParsePrivateKey] names it.
func NewRSASigner() (*Signer, error) {
	private, err := rsa.GenerateKey(rand.Reader, minRSABits)
	if err != nil {
		return nil, err
	}
	return rsaSigner(private)
}

// ParsePrivateKey reads an RSA private key in PEM, PKCS#1 or PKCS#8, for RS256. Its name is the first 16 hexadecimal
// digits of the SHA-256 of its SubjectPublicKeyInfo: the Python library's rule. The error is [ErrPrivateKey].
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

// PrivateKey writes the key in PEM, PKCS#8, as [ParsePrivateKey] reads it. It is a secret.
func (s *Signer) PrivateKey() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.private)
	if err != nil {
		return nil, ErrPrivateKey
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
