package jose_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// FuzzRSASignature: a prepared key accepts what crypto/rsa accepts and nothing else. The input replaces a part of a good signature,
// or of its encoded message, which is then signed.
func FuzzRSASignature(f *testing.F) {
	f.Add(byte(0), byte(0), false, uint16(0), []byte{})
	f.Add(byte(3), byte(3), false, uint16(0), []byte{})
	f.Add(byte(0), byte(0), false, uint16(0), []byte{0, 1, 0xff})
	f.Add(byte(0), byte(1), false, uint16(200), bytes.Repeat([]byte{0xff}, 10))
	f.Add(byte(1), byte(2), false, uint16(190), []byte{0x30, 0x31, 0x30, 0x0b})
	f.Add(byte(2), byte(4), false, uint16(255), []byte{0xbc})
	f.Add(byte(3), byte(5), false, uint16(0), []byte{0x80})
	f.Add(byte(0), byte(0), true, uint16(0), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(byte(3), byte(3), true, uint16(256), []byte{1, 2, 3})
	f.Add(byte(3), byte(0), true, uint16(0), []byte{1})
	signed := []byte("a.b")
	f.Fuzz(func(t *testing.T, which, algorithm byte, raw bool, at uint16, text []byte) {
		if len(text) > 2048 {
			return
		}
		key := forgers()[int(which)%len(forgers())]
		alg := jose.RSAAlgorithms[int(algorithm)%len(jose.RSAAlgorithms)]
		encoded := key.encode(alg, signed)
		signature := key.sign(encoded)
		if raw {
			signature = replaced(signature, int(at), text)
		} else {
			changed := replaced(encoded, int(at), text)
			if new(big.Int).SetBytes(changed).Cmp(key.public.N) >= 0 {
				return
			}
			signature = key.sign(changed)
		}
		got := key.key(t, alg).Verifies(signed, signature)
		if standard := key.standard(alg, signed, signature); got != standard {
			t.Errorf("%v, %s, %x: %v, and crypto/rsa says %v", key, alg, signature, got, standard)
		}
	})
}

// replaced writes a text over another one from a place on, and makes it longer if need be.
func replaced(old []byte, at int, text []byte) []byte {
	at = min(at, len(old))
	return slices.Concat(old[:at], text, old[min(at+len(text), len(old)):])
}
