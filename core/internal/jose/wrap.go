package jose

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// ClientAlgorithms lists the algorithms with which this package signs client assertions. The key decides, except that an RSA key
// has two.
var ClientAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// The reasons why a key cannot sign client assertions.
var (
	ErrNoKey        = errors.New("jose: not an unencrypted private key in PEM")
	ErrKeyType      = errors.New("jose: not an RSA key of 2048 to 8192 bits, a key on P-256 or an Ed25519 key")
	ErrKeyAlgorithm = errors.New("jose: the key does not sign with this algorithm")
)

// ParseKey parses an unencrypted private key from PEM: PKCS#8, PKCS#1 or SEC 1. The first block of one of these types counts, because
// openssl writes the parameters of a curve before its key. The error is [ErrNoKey].
func ParseKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var private any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		key, ok := private.(crypto.Signer)
		if err != nil || !ok {
			return nil, ErrNoKey
		}
		if key, isRSA := private.(*rsa.PrivateKey); isRSA && key.Validate() != nil {
			return nil, ErrNoKey
		}
		return key, nil
	}
	return nil, ErrNoKey
}

// WrapSigner makes a Signer of a private key, which may be in another place than this process. alg is one of [ClientAlgorithms];
// "" means the first one that the key has. kid "" means the thumbprint of the key (RFC 7638) with SHA-256. The error is [ErrKeyType]
// or [ErrKeyAlgorithm].
func WrapSigner(private crypto.Signer, alg, kid string) (*Signer, error) {
	public, algs := fitting(private.Public())
	algs = slices.DeleteFunc(slices.Clone(ClientAlgorithms), func(alg string) bool { return !slices.Contains(algs, alg) })
	switch {
	case len(algs) == 0:
		return nil, ErrKeyType
	case alg == "":
		alg = algs[0]
	case !slices.Contains(algs, alg):
		return nil, ErrKeyAlgorithm
	}
	if kid == "" {
		key, err := jwk.FromRaw(public)
		if err != nil {
			return nil, ErrKeyType
		}
		print, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, ErrKeyType
		}
		kid = decoding.EncodeToString(print)
	}
	return &Signer{ID: kid, Alg: alg, private: private}, nil
}

// Verifies reports whether the signature of a compact token that the signer has made is one of its public key.
func (s *Signer) Verifies(compact string) bool {
	token, err := Parse(compact)
	if err != nil {
		return false
	}
	_, err = token.Verify(s.Public())
	return err == nil
}
