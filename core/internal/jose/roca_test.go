package jose_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// primorial is the product of the first n primes.
func primorial(n int) *big.Int {
	product := big.NewInt(1)
	for p := int64(2); n > 0; p++ {
		if prime := big.NewInt(p); prime.ProbablyPrime(0) {
			product.Mul(product, prime)
			n--
		}
	}
	return product
}

// rocaFactor returns a number of about the given bits, in the form of the primes of the broken generator. It need not be prime,
// because the check only looks at the product of two.
func rocaFactor(t testing.TB, m *big.Int, bits int) *big.Int {
	t.Helper()
	exponent := randomNumber(t, bits)
	k := randomNumber(t, bits-m.BitLen())
	k.SetBit(k, bits-m.BitLen(), 1)
	return k.Mul(k, m).Add(k, exponent.Exp(big.NewInt(65537), exponent, m))
}

func randomNumber(t testing.TB, bits int) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func taken(t testing.TB, modulus *big.Int) bool {
	t.Helper()
	document, err := json.Marshal(members{"keys": []any{rsaJWK(members{"n": number(modulus)})}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = jose.ParseSet(document, "RS256")
	return err == nil
}

// Keys of the broken generator of CVE-2017-15361 are refused, with the number of primes that it uses for each length.
func TestROCA(t *testing.T) {
	for bits, primes := range map[int]int{1030: 126, 1540: 126, 2060: 225} { // of one factor
		m := primorial(primes)
		for range 10 {
			modulus := new(big.Int).Mul(rocaFactor(t, m, bits), rocaFactor(t, m, bits))
			if taken(t, modulus) {
				t.Errorf("a modulus of %d bits is taken: %x", modulus.BitLen(), modulus)
			}
			if !taken(t, modulus.Add(modulus, big.NewInt(2))) {
				t.Errorf("its neighbour is refused: %x", modulus)
			}
		}
	}
}

// Such a key cannot sign either.
func TestROCAPrivateKey(t *testing.T) {
	m := primorial(126)
	prime := func() *big.Int {
		for {
			if p := rocaFactor(t, m, 1030); p.ProbablyPrime(20) && new(big.Int).Mod(p, big.NewInt(65537)).Int64() != 1 {
				return p
			}
		}
	}
	p, q, one, e := prime(), prime(), big.NewInt(1), big.NewInt(65537)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: new(big.Int).ModInverse(e, phi), Primes: []*big.Int{p, q}}
	if err := key.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := jose.ParsePrivateKey(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))); !errors.Is(err, jose.ErrPrivateKey) {
		t.Errorf("%v", err)
	}
}

// Ordinary moduli are accepted, and also moduli that are suspect modulo each small prime but have no common exponent.
func TestROCAAcceptsOthers(t *testing.T) {
	for range 2000 {
		n := randomNumber(t, 2048)
		n.SetBit(n, 0, 1).SetBit(n, 2047, 1)
		if !taken(t, n) {
			t.Errorf("refused: %x", n)
		}
	}
	for range 10 {
		if n := suspect(t); !taken(t, n) {
			t.Errorf("refused, though no power of 65537: %x", n)
		}
	}
}

// suspect returns a number that is a different power of 65537 modulo each prime up to 167.
func suspect(t testing.TB) *big.Int {
	t.Helper()
	n, m := big.NewInt(1), big.NewInt(2)
	for p := int64(3); p <= 167; p++ {
		prime := big.NewInt(p)
		if !prime.ProbablyPrime(0) {
			continue
		}
		want := new(big.Int).Exp(big.NewInt(65537), randomNumber(t, 64), prime)
		for new(big.Int).Mod(n, prime).Cmp(want) != 0 {
			n.Add(n, m)
		}
		m.Mul(m, prime)
	}
	shift := randomNumber(t, 2048-m.BitLen())
	shift.SetBit(shift, 2048-m.BitLen(), 1)
	return shift.Mul(shift, m).Add(shift, n)
}
