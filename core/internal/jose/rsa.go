package jose

import (
	"bytes"
	"crypto/fips140"
	"crypto/rsa"
	"math"

	"filippo.io/bigmod"
)

// preparedRSA is an RSA public key with the Montgomery form of its modulus, which crypto/rsa computes again for each check. It
// verifies what crypto/rsa verifies. Everything it handles is public, so nothing here takes constant time.
type preparedRSA struct {
	modulus  *bigmod.Modulus
	exponent uint
}

// prepareRSA returns nil if only crypto/rsa may verify with this key: in FIPS 140-3 mode and with BoringCrypto, whose users want
// validated code, and for a key that [ParseSet] would refuse.
func prepareRSA(public *rsa.PublicKey) *preparedRSA {
	if fips140.Enabled() || boringCrypto || !wellFormed(public) || public.E > math.MaxInt32 { // crypto/rsa verifies nothing with a larger one
		return nil
	}
	modulus, err := bigmod.NewModulus(public.N.Bytes())
	if err != nil {
		return nil
	}
	return &preparedRSA{modulus: modulus, exponent: uint(public.E)}
}

// verifies takes the steps of RFC 8017: section 8.2.2 for RS, 8.1.2 for PS.
func (k *preparedRSA) verifies(alg string, signed, signature []byte) bool {
	if len(signature) != k.modulus.Size() {
		return false
	}
	number, err := bigmod.NewNat().SetBytes(signature, k.modulus)
	if err != nil { // not below the modulus
		return false
	}
	encoded := bigmod.NewNat().ExpShortVarTime(number, k.exponent, k.modulus).Bytes(k.modulus)
	switch alg {
	case "RS256", "RS384", "RS512":
		var room [maxSignature]byte
		return bytes.Equal(encoded, appendPKCS1(room[:0], len(encoded), alg, signed))
	case "PS256", "PS384", "PS512":
		return isPSS(encoded, k.modulus.BitLen()-1, alg, signed)
	default:
		return false
	}
}

// digestInfo has the DER encoding of DigestInfo up to the hash, by the last three digits of the algorithm (RFC 8017 section 9.2, note 1).
var digestInfo = map[string]string{
	"256": "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	"384": "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
	"512": "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

// appendPKCS1 appends the only encoded message of size bytes that an RS signature of signed may have (RFC 8017 section 9.2). The
// smallest accepted key has room for the longest hash and more than the eight bytes of padding that the RFC requires.
func appendPKCS1(into []byte, size int, alg string, signed []byte) []byte {
	var room [64]byte
	_, digest := appendDigest(room[:0], alg, signed)
	info := digestInfo[alg[2:]]
	into = append(into, 0, 1)
	for range size - 3 - len(info) - len(digest) {
		into = append(into, 0xff)
	}
	into = append(into, 0)
	return append(append(into, info...), digest...)
}

// isPSS reports whether encoded, which it overwrites, is an encoded message of so many bits that a PS signature of signed may
// have (RFC 8017 section 9.1.2). Hash and mask use the same function, and the salt is as long as the hash (RFC 7518 section 3.5).
func isPSS(encoded []byte, bits int, alg string, signed []byte) bool {
	if bits%8 == 0 { // the modulus has a byte more
		if encoded[0] != 0 {
			return false
		}
		encoded = encoded[1:]
	}
	var room [64]byte
	_, digest := appendDigest(room[:0], alg, signed)
	size, last := len(digest), len(encoded)-1
	block, hash := encoded[:last-size], encoded[last-size:last]
	unused := ^byte(0xff >> (8*len(encoded) - bits)) // bits of the first byte
	if encoded[last] != 0xbc || block[0]&unused != 0 {
		return false
	}
	unmask(block, hash, alg)
	block[0] &^= unused
	padding, salt := block[:len(block)-size], block[len(block)-size:]
	one := len(padding) - 1
	if padding[one] != 1 || len(bytes.Trim(padding[:one], "\x00")) != 0 {
		return false
	}
	var roomForAll [8 + 2*64]byte // eight zeros, digest, salt
	var roomForSum [64]byte
	_, sum := appendDigest(roomForSum[:0], alg, append(append(roomForAll[:8], digest...), salt...))
	return bytes.Equal(sum, hash)
}

// unmask combines block with the mask that seed generates (MGF1, RFC 8017 appendix B.2.1).
func unmask(block, seed []byte, alg string) {
	var roomForSeed, roomForMask [64 + 4]byte
	for counter := byte(0); len(block) > 0; counter++ { // at most 1024 / 32 times
		_, mask := appendDigest(roomForMask[:0], alg, append(append(roomForSeed[:0], seed...), 0, 0, 0, counter))
		n := min(len(mask), len(block))
		for i := range n {
			block[i] ^= mask[i]
		}
		block = block[n:]
	}
}
