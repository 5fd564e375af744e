// Package seal encrypts and authenticates data that others keep for this service: XChaCha20-Poly1305 with one key per purpose
// (HKDF-SHA256, RFC 5869). A sealed value is a version byte, four bytes that name the secret, a nonce of 24 bytes, and the
// ciphertext; as text it is base64url without padding. Version, secret, purpose and the caller's context are authenticated.
package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// MinSecret is the minimum length of a secret in bytes.
const MinSecret = 32

// version is the first byte of every sealed value; a new layout needs a new version.
const version = 1

const (
	nameSize = 4
	overhead = 1 + nameSize + chacha20poly1305.NonceSizeX
)

// ErrOpen says that a value was changed, or was not sealed for this purpose and context with one of the secrets.
var ErrOpen = errors.New("seal: value does not open")

// encoding is strict, so that each value has exactly one encoding.
var encoding = base64.RawURLEncoding.Strict()

// Sealer seals and opens values for one purpose. Safe for concurrent use.
type Sealer struct {
	purpose string
	keys    []key // the first seals, all open
}

type key struct {
	name []byte
	aead cipher.AEAD
}

// New makes a sealer for a purpose. The first secret seals, all of them open. It returns an error without a secret or if one
// is shorter than [MinSecret].
func New(purpose string, secrets ...[]byte) (*Sealer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("seal: no secret")
	}
	s := &Sealer{purpose: purpose}
	for i, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("seal: secret %d is shorter than %d bytes", i, MinSecret)
		}
		k, err := newKey(purpose, secret)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

func newKey(purpose string, secret []byte) (key, error) {
	material, err := hkdf.Key(sha256.New, secret, nil, "oidcauth seal "+purpose, chacha20poly1305.KeySize)
	if err != nil {
		return key{}, fmt.Errorf("seal: derive: %w", err)
	}
	name, err := hkdf.Key(sha256.New, secret, nil, "oidcauth name "+purpose, nameSize)
	if err != nil {
		return key{}, fmt.Errorf("seal: derive: %w", err)
	}
	aead, err := chacha20poly1305.NewX(material)
	if err != nil {
		return key{}, fmt.Errorf("seal: cipher: %w", err)
	}
	return key{name: name, aead: aead}, nil
}

// Name returns the bytes that name the first secret in every value that this sealer makes.
func (s *Sealer) Name() []byte { return bytes.Clone(s.keys[0].name) }

// Seal encrypts plain, to text. Only Open with the same context decrypts it.
func (s *Sealer) Seal(plain []byte, context string) string {
	return encoding.EncodeToString(s.SealBytes(plain, context))
}

// SealBytes encrypts plain. Only OpenBytes with the same context decrypts it.
func (s *Sealer) SealBytes(plain []byte, context string) []byte {
	k := s.keys[0]
	out := make([]byte, overhead, overhead+len(plain)+k.aead.Overhead())
	out[0] = version
	copy(out[1:], k.name)
	nonce := out[1+nameSize : overhead]
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails
	return k.aead.Seal(out, nonce, plain, s.bound(out, context))
}

// Open decrypts a text of Seal. The error is [ErrOpen].
func (s *Sealer) Open(sealed, context string) ([]byte, error) {
	value, err := encoding.DecodeString(sealed)
	if err != nil || strings.ContainsAny(sealed, "\r\n") {
		return nil, ErrOpen
	}
	return s.OpenBytes(value, context)
}

// OpenBytes decrypts a value of SealBytes. The error is [ErrOpen].
func (s *Sealer) OpenBytes(value []byte, context string) ([]byte, error) {
	if len(value) < overhead || value[0] != version {
		return nil, ErrOpen
	}
	nonce, text := value[1+nameSize:overhead], value[overhead:]
	for _, k := range s.keys {
		if !bytes.Equal(k.name, value[1:1+nameSize]) {
			continue
		}
		if plain, err := k.aead.Open(nil, nonce, text, s.bound(value, context)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrOpen
}

// bound returns the associated data: version, name of the secret, purpose and context.
func (s *Sealer) bound(value []byte, context string) []byte {
	data := make([]byte, 0, 1+nameSize+len(s.purpose)+1+len(context))
	data = append(data, value[:1+nameSize]...)
	data = append(data, s.purpose...)
	data = append(data, 0)
	return append(data, context...)
}
