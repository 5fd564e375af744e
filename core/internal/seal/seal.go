// Package seal hands data of this service to strangers and takes it back: XChaCha20-Poly1305 with a key per purpose
// (HKDF-SHA256, RFC 5869). A sealed value is base64url without padding: one version byte, four bytes that name the
// secret, 24 bytes of nonce, the ciphertext. Version, secret, purpose and a context of the caller's are authenticated.
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

// MinSecret is the least length of a secret, in bytes.
const MinSecret = 32

// version is the first byte of every sealed value: another layout gets another one.
const version = 1

const (
	nameSize = 4
	overhead = 1 + nameSize + chacha20poly1305.NonceSizeX
)

// ErrOpen says that a value was not sealed with any of the secrets, for this purpose and context, or was changed.
var ErrOpen = errors.New("seal: value does not open")

// encoding is strict: one value has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Sealer seals for one purpose. Safe for concurrent use.
type Sealer struct {
	purpose string
	keys    []key // the first seals, all open
}

type key struct {
	name []byte
	aead cipher.AEAD
}

// New makes a sealer for a purpose from at least one secret of [MinSecret] bytes or more.
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

// Seal returns plain sealed; only Open with the same context gives it back.
func (s *Sealer) Seal(plain []byte, context string) string {
	k := s.keys[0]
	out := make([]byte, overhead, overhead+len(plain)+k.aead.Overhead())
	out[0] = version
	copy(out[1:], k.name)
	nonce := out[1+nameSize : overhead]
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails
	return encoding.EncodeToString(k.aead.Seal(out, nonce, plain, s.bound(out, context)))
}

// Open gives back what was sealed, or [ErrOpen].
func (s *Sealer) Open(sealed, context string) ([]byte, error) {
	value, err := encoding.DecodeString(sealed)
	if err != nil || strings.ContainsAny(sealed, "\r\n") || len(value) < overhead || value[0] != version {
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

// bound is the associated data: version, name of the secret, purpose, context.
func (s *Sealer) bound(value []byte, context string) []byte {
	data := append([]byte(nil), value[:1+nameSize]...)
	data = append(data, s.purpose...)
	data = append(data, 0)
	return append(data, context...)
}
