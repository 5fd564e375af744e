package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
)

// isSignedBy checks the signature by the one algorithm that the key has (RFC 7518 section 3, RFC 8037 section 3.1).
func (t *Token) isSignedBy(key Key) bool {
	switch key.Alg {
	case "RS256", "RS384", "RS512":
		public, ok := key.Public.(*rsa.PublicKey)
		hash, digest := t.digest(key.Alg)
		return ok && rsa.VerifyPKCS1v15(public, hash, digest, t.signature) == nil
	case "PS256", "PS384", "PS512": // the salt is as long as the hash
		public, ok := key.Public.(*rsa.PublicKey)
		hash, digest := t.digest(key.Alg)
		return ok && rsa.VerifyPSS(public, hash, digest, t.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case "ES256", "ES384", "ES512":
		public, ok := key.Public.(*ecdsa.PublicKey)
		return ok && curveAlgorithm(public.Curve) == key.Alg && t.isCurveSigned(public)
	case "EdDSA":
		public, ok := key.Public.(ed25519.PublicKey)
		return ok && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, []byte(t.signed), t.signature)
	default:
		return false
	}
}

// isCurveSigned: the two numbers of the signature stand side by side, each as long as the curve's order.
func (t *Token) isCurveSigned(public *ecdsa.PublicKey) bool {
	size := (public.Params().N.BitLen() + 7) / 8
	if len(t.signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:])
	_, digest := t.digest(curveAlgorithm(public.Curve))
	return ecdsa.Verify(public, digest, r, s)
}

// digest is the hash that the last three digits of an algorithm name.
func (t *Token) digest(alg string) (crypto.Hash, []byte) {
	switch alg[2:] {
	case "256":
		sum := sha256.Sum256([]byte(t.signed))
		return crypto.SHA256, sum[:]
	case "384":
		sum := sha512.Sum384([]byte(t.signed))
		return crypto.SHA384, sum[:]
	default:
		sum := sha512.Sum512([]byte(t.signed))
		return crypto.SHA512, sum[:]
	}
}
