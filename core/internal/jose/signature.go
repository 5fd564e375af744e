package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
)

// Verifies reports whether signature is one of the signed bytes, in the format and with the algorithm of the key (RFC 7518 section 3,
// RFC 8037 section 3.1).
func (k Key) Verifies(signed, signature []byte) bool {
	switch public := k.Public.(type) {
	case *rsa.PublicKey:
		if k.prepared != nil {
			return k.prepared.verifies(k.Alg, signed, signature)
		}
		return isSignedByRSA(public, k.Alg, signed, signature)
	case *ecdsa.PublicKey:
		return curveAlgorithm(public.Curve) == k.Alg && isSignedByCurve(public, k.Alg, signed, signature)
	case ed25519.PublicKey:
		return k.Alg == "EdDSA" && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, signed, signature)
	default:
		return false
	}
}

func isSignedByRSA(public *rsa.PublicKey, alg string, signed, signature []byte) bool {
	switch alg {
	case "RS256", "RS384", "RS512":
		var room [sha512.Size]byte
		hash, digest := appendDigest(room[:0], alg, signed)
		return rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
	case "PS256", "PS384", "PS512": // the salt is as long as the hash
		hash, digest := appendDigest(nil, alg, signed)
		return rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	default:
		return false
	}
}

// isSignedByCurve verifies an ECDSA signature: two numbers in a row, each as long as the order of the curve.
func isSignedByCurve(public *ecdsa.PublicKey, alg string, signed, signature []byte) bool {
	size := (public.Params().N.BitLen() + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	var roomForDigest [sha512.Size]byte
	_, digest := appendDigest(roomForDigest[:0], alg, signed)
	var room [2 * maxNumber]byte
	numbers := appendNumber(appendNumber(room[:0], signature[:size]), signature[size:])
	var roomForAll [2*maxNumber + 3]byte
	return ecdsa.VerifyASN1(public, digest, append(appendHead(roomForAll[:0], 0x30, len(numbers)), numbers...))
}

// maxNumber is the length in bytes of the longest number in a DER signature, that of P-521.
const maxNumber = 2 + 66

// appendNumber appends an unsigned number as a DER INTEGER (X.690 section 8.3), as [ecdsa.VerifyASN1] requires.
func appendNumber(into, number []byte) []byte {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 || number[0] >= 0x80 { // 0 needs a byte too, and the first bit is the sign
		return append(append(appendHead(into, 0x02, len(number)+1), 0), number...)
	}
	return append(appendHead(into, 0x02, len(number)), number...)
}

// appendHead appends a tag and a length below 256 (X.690 section 8.1).
func appendHead(into []byte, tag byte, length int) []byte {
	if length >= 0x80 {
		return append(into, tag, 0x81, byte(length))
	}
	return append(into, tag, byte(length))
}

// appendDigest appends the hash of signed; the last three digits of alg select the SHA-2 function.
func appendDigest(into []byte, alg string, signed []byte) (crypto.Hash, []byte) {
	switch alg[2:] {
	case "256":
		sum := sha256.Sum256(signed)
		return crypto.SHA256, append(into, sum[:]...)
	case "384":
		sum := sha512.Sum384(signed)
		return crypto.SHA384, append(into, sum[:]...)
	default:
		sum := sha512.Sum512(signed)
		return crypto.SHA512, append(into, sum[:]...)
	}
}
