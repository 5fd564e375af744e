package jose

import "math/big"

// The generator of ROCA (CVE-2017-15361: chips of Infineon, 2012 to 2017) took primes of the form k·M + (65537^a mod M),
// where M is the product of the first primes: all up to 167 at least, and more for longer keys. So a modulus of theirs is a
// power of 65537 modulo M, and can be factored; an ordinary one is such a power once in 2^154. Source: Nemec and others, The
// Return of Coppersmith's Attack, ACM CCS 2017, and their detector, github.com/crocs-muni/roca, by its method of discrete
// logarithms. The older one looks at each prime alone and takes one good key in 2^28 for a bad one.
const rocaGenerator = 65537

var rocaPrimes = []uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
	101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// power is a residue as a power of the generator: log, known modulo order.
type power struct{ log, order uint64 }

// hasROCAFingerprint says whether a modulus is a power of the generator modulo the product of the primes: it is one modulo
// each of them, and the exponents are those of one number. An ordinary modulus is told after a few primes.
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

// discreteLog walks through the subgroup of a prime that the generator makes; ok is false for a residue outside of it.
func discreteLog(residue, prime uint64) (found power, ok bool) {
	for element := uint64(1); found.order == 0 || element != 1; element = element * rocaGenerator % prime {
		if element == residue {
			found.log, ok = found.order, true
		}
		found.order++
	}
	return found, ok
}

// agrees is the Chinese remainder theorem: one exponent fits all if it fits each two of them.
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
