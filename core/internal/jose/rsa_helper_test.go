package jose_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// forger is an RSA key that signs any encoded message, also those that no library makes.
type forger struct {
	public rsa.PublicKey
	primes [2]*big.Int
	d      *big.Int
}

// forgers are the same in each run, so that findings of the fuzz test can be repeated. The encoded messages for PS of the one with
// 2049 bits are a byte shorter than its modulus.
var forgers = sync.OnceValue(func() []forger {
	p, q, longer := primeAt(1024, 1, 1430), primeAt(1024, 2, 1692), primeAt(1025, 3, 2772)
	return []forger{newForger(p, q, 65537), newForger(p, q, 3), newForger(p, q, math.MaxInt32), newForger(p, longer, 65537)}
})

// primeAt returns the prime at a known distance from a number that the seed generates: a search takes seconds. The primes are 2
// modulo 3, which exponent 3 needs.
func primeAt(bits int, seed byte, distance int64) *big.Int {
	text := make([]byte, bits/8)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(text) // never fails
	p := new(big.Int).SetBytes(text)
	for _, bit := range []int{0, bits - 2, bits - 1} { // odd, and so large that a product has the sum of the lengths
		p.SetBit(p, bit, 1)
	}
	p.Add(p, big.NewInt(distance))
	if !p.ProbablyPrime(10) {
		panic("no prime")
	}
	return p
}

func newForger(p, q *big.Int, e int) forger {
	one := big.NewInt(1)
	order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(int64(e)), order)
	return forger{rsa.PublicKey{N: new(big.Int).Mul(p, q), E: e}, [2]*big.Int{p, q}, d}
}

func (f forger) String() string {
	return fmt.Sprintf("%d bits, exponent %d", f.public.N.BitLen(), f.public.E)
}

// key returns the key as a document publishes it.
func (f forger) key(t testing.TB, alg string) jose.Key {
	t.Helper()
	jwk := members{"kty": "RSA", "alg": alg, "n": number(f.public.N), "e": number(big.NewInt(int64(f.public.E)))}
	set, err := jose.ParseSet(setOf(t, jwk), "RS256")
	if err != nil {
		t.Fatal(err)
	}
	return set[0]
}

// sign raises the encoded message to the power of d, modulo each prime, which is four times as fast as modulo their product.
func (f forger) sign(encoded []byte) []byte {
	message := new(big.Int).SetBytes(encoded)
	p, q := f.primes[0], f.primes[1]
	power := func(prime *big.Int) *big.Int {
		d := new(big.Int).Mod(f.d, new(big.Int).Sub(prime, big.NewInt(1)))
		return new(big.Int).Exp(message, d, prime)
	}
	modP, modQ := power(p), power(q)
	rest := new(big.Int).Mul(new(big.Int).Sub(modP, modQ), new(big.Int).ModInverse(q, p))
	signature := new(big.Int).Add(modQ, rest.Mod(rest, p).Mul(rest, q))
	return signature.FillBytes(make([]byte, f.public.Size()))
}

// standard is the verdict of crypto/rsa.
func (f forger) standard(alg string, signed, signature []byte) bool {
	hash, digest := digestOf(alg, signed)
	if alg[0] == 'P' {
		return rsa.VerifyPSS(&f.public, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(&f.public, hash, digest, signature) == nil
}

// encode returns the encoded message of a good signature.
func (f forger) encode(alg string, signed []byte) []byte {
	hash, digest := digestOf(alg, signed)
	if alg[0] == 'P' {
		return encodePSS(f.public.N.BitLen()-1, hash, hash, digest, bytes.Repeat([]byte("s"), hash.Size()))
	}
	return pad(f.public.Size(), info(hash, digest, asn1.NullRawValue))
}

func digestOf(alg string, signed []byte) (crypto.Hash, []byte) {
	switch alg[2:] {
	case "256":
		sum := sha256.Sum256(signed)
		return crypto.SHA256, sum[:]
	case "384":
		sum := sha512.Sum384(signed)
		return crypto.SHA384, sum[:]
	default:
		sum := sha512.Sum512(signed)
		return crypto.SHA512, sum[:]
	}
}

// info returns a DigestInfo (RFC 8017 section 9.2) as encoding/asn1 writes it.
func info(hash crypto.Hash, digest []byte, parameters asn1.RawValue) []byte {
	last := map[crypto.Hash]int{crypto.SHA256: 1, crypto.SHA384: 2, crypto.SHA512: 3}[hash]
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, last}, Parameters: parameters}, digest})
	if err != nil {
		panic(err)
	}
	return der
}

// pad returns 0, 1, as many 0xff as fit, 0, text.
func pad(size int, text []byte) []byte {
	return slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-3-len(text)), []byte{0}, text)
}

// encodePSS follows RFC 8017 section 9.1.1, for any salt, and with any hash in the mask.
func encodePSS(bits int, hash, maskHash crypto.Hash, digest, salt []byte) []byte {
	all := hash.New()
	_, _ = all.Write(slices.Concat(make([]byte, 8), digest, salt))
	sum := all.Sum(nil)
	size := (bits + 7) / 8
	block := slices.Concat(make([]byte, size-len(sum)-len(salt)-2), []byte{1}, salt)
	var mask []byte
	for counter := uint32(0); len(mask) < len(block); counter++ {
		h := maskHash.New()
		_, _ = h.Write(binary.BigEndian.AppendUint32(slices.Clone(sum), counter))
		mask = h.Sum(mask)
	}
	for i := range block {
		block[i] ^= mask[i]
	}
	block[0] &= 0xff >> (8*size - bits)
	return slices.Concat(block, sum, []byte{0xbc})
}
