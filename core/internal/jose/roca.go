package jose

import "math/big"

// The ROCA generator (CVE-2017-15361: Infineon chips, 2012 to 2017) chose primes of the form k·M + (65537^a mod M), where M is
// the product of the first primes: at least all up to 167, more for longer keys. So its moduli are powers of 65537 modulo M,
// and can be factored; an ordinary modulus is such a power with probability 2^-154. Source: Nemec et al., The Return of
// Coppersmith's Attack, ACM CCS 2017, and their detector github.com/crocs-muni/roca, in its variant with discrete logarithms.
// The older variant tests each prime alone and rejects one good key in 2^28.
const rocaGenerator = 65537

var rocaPrimes = []uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
	101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// power is a residue written as a power of the generator; log is its exponent modulo order.
type power struct{ log, order uint64 }

// hasROCAFingerprint reports whether a modulus is a power of the generator modulo the product of the primes: it must be one
// modulo each prime, with exponents that agree. For an ordinary modulus a few primes are enough to exclude it.
func hasROCAFingerprint(modulus *big.Int) bool {
	powers := make([]power, 0, len(rocaPrimes))
	for _, prime := range rocaPrimes {
		residue := new(big.Int).Mod(modulus, new(big.Int).SetUint64(prime)).Uint64()
		next, ok := discreteLog(residue, prime)
		if !ok || !next.agrees(powers) {
			return false
		}
		powers = append(powers, next)
	}
	return true
}

// discreteLog searches the subgroup that the generator spans modulo a prime; ok is false if the residue is not in it.
func discreteLog(residue, prime uint64) (found power, ok bool) {
	for element := uint64(1); found.order == 0 || element != 1; element = element * rocaGenerator % prime {
		if element == residue {
			found.log, ok = found.order, true
		}
		found.order++
	}
	return found, ok
}

// agrees reports whether one exponent satisfies p and all others. By the Chinese remainder theorem, checking pairs is enough.
func (p power) agrees(others []power) bool {
	for _, other := range others {
		if common := gcd(p.order, other.order); p.log%common != other.log%common {
			return false
		}
	}
	return true
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
