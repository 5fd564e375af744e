package jose

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
)

// ErrPrivateKey says that a text is not a private key that this package can sign with.
var ErrPrivateKey = errors.New("jose: no sound private key in PEM, unencrypted")

// OwnAlgorithms lists the algorithms of own tokens and those of trusted issuers.
var OwnAlgorithms = []string{"RS256", "ES256", "EdDSA"}

// NewOwnSigner generates a key for one of [OwnAlgorithms], with the kid that [ParsePrivateKey] derives.
func NewOwnSigner(alg string) (*Signer, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	return ownSigner(private)
}

// ParsePrivateKey parses a private key from PEM: PKCS#8, or PKCS#1 for RSA. The key decides about the algorithm: RS256 for RSA,
// ES256 for P-256, EdDSA for Ed25519. Its kid is the first 16 hexadecimal digits of the SHA-256 of its SubjectPublicKeyInfo, as
// in the Python library. The error is [ErrPrivateKey].
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
	key, ok := private.(crypto.Signer) // an X25519 key is none
	if err != nil || !ok {
		return nil, ErrPrivateKey
	}
	if key, isRSA := private.(*rsa.PrivateKey); isRSA && key.Validate() != nil {
		return nil, ErrPrivateKey
	}
	return ownSigner(key)
}

// ParseRSAKey is [ParsePrivateKey] for RSA keys alone.
func ParseRSAKey(text []byte) (*Signer, error) {
	signer, err := ParsePrivateKey(text)
	if err != nil || signer.Alg != "RS256" {
		return nil, ErrPrivateKey
	}
	return signer, nil
}

func ownSigner(private crypto.Signer) (*Signer, error) {
	_, algs := fitting(private.Public())
	i := slices.IndexFunc(algs, func(alg string) bool { return slices.Contains(OwnAlgorithms, alg) })
	if i < 0 {
		return nil, ErrPrivateKey
	}
	info, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, ErrPrivateKey
	}
	sum := sha256.Sum256(info)
	return &Signer{ID: hex.EncodeToString(sum[:])[:16], Alg: algs[i], private: private}, nil
}

// PrivateKey returns the private key in PEM (PKCS#8), which [ParsePrivateKey] reads. It is a secret.
func (s *Signer) PrivateKey() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.private)
	if err != nil {
		return nil, ErrPrivateKey
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
