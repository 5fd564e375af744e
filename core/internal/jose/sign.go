package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Signer is a private key with its kid and its algorithm. Safe for concurrent use.
type Signer struct {
	ID, Alg string
	private crypto.Signer
	head    atomic.Pointer[encodedHeader] // of the last token
}

// NewSigner generates a key for an algorithm: RSA of 2048 bits for RS and PS, the matching curve for ES, Ed25519 for EdDSA.
func NewSigner(kid, alg string) (*Signer, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, fmt.Errorf("jose: new %q key: %w", alg, err)
	}
	return &Signer{ID: kid, Alg: alg, private: private}, nil
}

func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("unknown algorithm")
	}
}

// Sign makes a compact token from claims, which must marshal to a JSON object. The header has alg, and kid and typ unless
// they are empty.
func (s *Signer) Sign(typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("jose: claims: %w", err)
	}
	return s.SignBytes(typ, payload)
}

// SignBytes is Sign for claims that are already JSON.
func (s *Signer) SignBytes(typ string, payload []byte) (string, error) {
	head, err := s.encodedHead(typ)
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(s.Alg))
	if err != nil {
		return "", fmt.Errorf("jose: signer: %w", err)
	}
	token := make([]byte, 0, len(head)+1+decoding.EncodedLen(len(payload))+1+decoding.EncodedLen(usualSignature))
	token = append(append(token, head...), '.')
	token = decoding.AppendEncode(token, payload)
	signature, err := signer.Sign(token, s.private)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	return string(decoding.AppendEncode(append(token, '.'), signature)), nil
}

// usualSignature is the length in bytes of the longest signature of a generated key, that of RSA.
const usualSignature = minRSABits / 8

// header is the header of signed tokens.
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid,omitempty"`
	Typ string `json:"typ,omitempty"`
}

// encodedHeader is a header in base64url.
type encodedHeader struct {
	header
	text string
}

// encodedHead returns the encoded header of tokens of a type. The last one is kept, because most keys sign tokens of one type.
func (s *Signer) encodedHead(typ string) (string, error) {
	wanted := header{s.Alg, s.ID, typ}
	if last := s.head.Load(); last != nil && last.header == wanted {
		return last.text, nil
	}
	text, err := json.Marshal(wanted)
	if err != nil {
		return "", err
	}
	made := &encodedHeader{wanted, decoding.EncodeToString(text)}
	s.head.Store(made)
	return made.text, nil
}

// MarshalSet returns the public keys as a JWK set (RFC 7517 section 5).
func MarshalSet(signers ...*Signer) ([]byte, error) {
	set := jwk.NewSet()
	for _, signer := range signers {
		key, err := jwk.FromRaw(signer.private.Public())
		if err != nil {
			return nil, fmt.Errorf("jose: public key: %w", err)
		}
		for name, value := range map[string]any{jwk.KeyIDKey: signer.ID, jwk.AlgorithmKey: jwa.SignatureAlgorithm(signer.Alg), jwk.KeyUsageKey: "sig"} {
			if err := key.Set(name, value); err != nil {
				return nil, fmt.Errorf("jose: public key: %w", err)
			}
		}
		if err := set.AddKey(key); err != nil {
			return nil, fmt.Errorf("jose: key set: %w", err)
		}
	}
	return json.Marshal(set)
}

// Public returns the key that verifies what the signer signs.
func (s *Signer) Public() Key { return NewKey(s.ID, s.Alg, publicOf(s.private)) }

func publicOf(private crypto.Signer) any {
	public, _ := fitting(private.Public())
	return public
}
