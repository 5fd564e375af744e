package jose_test

import (
	"bytes"
	"crypto/fips140"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// verdict fails if a prepared key and crypto/rsa disagree, or if they are wrong.
func verdict(t *testing.T, name string, f forger, key jose.Key, signed, signature []byte, want bool) {
	t.Helper()
	if got, standard := key.Verifies(signed, signature), f.standard(key.Alg, signed, signature); got != standard || got != want {
		t.Errorf("%v, %s, %s: %v, and crypto/rsa says %v", f, key.Alg, name, got, standard)
	}
}

// Only the encoded message of RFC 8017 section 9.2 is good for RS, byte for byte, with every exponent.
func TestEncodedMessagesOfRS(t *testing.T) {
	signed := []byte("a.b")
	for _, f := range forgers() {
		size := f.public.Size()
		for _, alg := range []string{"RS256", "RS384", "RS512"} {
			hash, digest := digestOf(alg, signed)
			otherHash, otherDigest := digestOf(map[string]string{"RS256": "RS384", "RS384": "RS512", "RS512": "RS256"}[alg], signed)
			text := info(hash, digest, asn1.NullRawValue)
			good := pad(size, text)
			changed := func(at int, to byte) []byte { return slices.Concat(good[:at], []byte{to}, good[at+1:]) }
			start := size - len(text)
			key := f.key(t, alg)
			for name, encoded := range map[string][]byte{
				"another message":              pad(size, info(hash, bytes.Repeat([]byte("x"), hash.Size()), asn1.NullRawValue)),
				"another hash":                 pad(size, info(otherHash, otherDigest, asn1.NullRawValue)),
				"another hash's name":          pad(size, info(otherHash, digest, asn1.NullRawValue)),
				"no NULL":                      pad(size, info(hash, digest, asn1.RawValue{})),
				"a number for NULL":            pad(size, info(hash, digest, asn1.RawValue{FullBytes: []byte{2, 1, 0}})),
				"a NULL with content":          pad(size, info(hash, digest, asn1.RawValue{FullBytes: []byte{5, 1, 0}})),
				"a length in two bytes":        pad(size, slices.Concat([]byte{0x30, 0x81}, text[1:])),
				"the hash alone":               pad(size, digest),
				"nothing but the hash":         slices.Concat(make([]byte, size-len(digest)), digest),
				"nothing but the DigestInfo":   slices.Concat(make([]byte, start), text),
				"a byte after the hash":        pad(size, append(slices.Clone(text), 0)),
				"garbage after the hash":       slices.Concat(pad(11+len(text), text), bytes.Repeat([]byte("g"), size-11-len(text))),
				"garbage in the DigestInfo":    slices.Concat(pad(11+len(text), text[:len(text)-hash.Size()]), make([]byte, size-11-len(text)), digest),
				"no padding":                   slices.Concat([]byte{0, 1, 0}, text, make([]byte, size-3-len(text))),
				"padding of a letter":          slices.Concat([]byte{0, 1}, bytes.Repeat([]byte("x"), start-3), []byte{0}, text),
				"a hole in the padding":        changed(size/4, 0),
				"a wrong bit in the padding":   changed(size/4, 0xfe),
				"the first of the padding":     changed(2, 0xfe),
				"the last of the padding":      changed(start-2, 0xfe),
				"no zero after the padding":    changed(start-1, 0xff),
				"a one after the padding":      changed(start-1, 1),
				"block type 0":                 changed(1, 0),
				"block type 2":                 changed(1, 2),
				"a one before":                 changed(0, 1),
				"a flipped bit in the prefix":  changed(start+7, good[start+7]^1),
				"a flipped bit in the hash":    changed(size-hash.Size(), good[size-hash.Size()]^0x80),
				"a flipped bit in its last":    changed(size-1, good[size-1]^1),
				"PSS":                          append(make([]byte, size-(f.public.N.BitLen()+6)/8), f.encode("PS"+alg[2:], signed)...),
				"the number 0":                 {0},
				"the number 1":                 {1},
				"the largest number":           new(big.Int).Sub(f.public.N, big.NewInt(1)).Bytes(),
				"ones, as far as they fit":     append([]byte{0}, bytes.Repeat([]byte{0xff}, size-1)...),
				"the encoded message shifted":  slices.Concat(good[1:], []byte{0}),
				"the encoded message doubled":  new(big.Int).Lsh(new(big.Int).SetBytes(good), 1).Bytes(),
				"the encoded message, plus 1":  new(big.Int).Add(new(big.Int).SetBytes(good), big.NewInt(1)).Bytes(),
				"the encoded message, minus 1": new(big.Int).Sub(new(big.Int).SetBytes(good), big.NewInt(1)).Bytes(),
			} {
				verdict(t, name, f, key, signed, f.sign(encoded), false)
			}
			verdict(t, "good", f, key, signed, f.sign(good), true)
		}
	}
}

// Only an encoded message that section 9.1.2 of RFC 8017 accepts is good for PS, with a salt as long as the hash.
func TestEncodedMessagesOfPS(t *testing.T) {
	signed := []byte("a.b")
	for _, f := range forgers() {
		bits := f.public.N.BitLen() - 1
		size := (bits + 7) / 8
		for _, alg := range []string{"PS256", "PS384", "PS512"} {
			hash, digest := digestOf(alg, signed)
			otherHash, _ := digestOf(map[string]string{"PS256": "PS384", "PS384": "PS512", "PS512": "PS256"}[alg], signed)
			salted := func(n int) []byte { return encodePSS(bits, hash, hash, digest, bytes.Repeat([]byte("s"), n)) }
			good := salted(hash.Size())
			flipped := func(at int, bit byte) []byte { return slices.Concat(good[:at], []byte{good[at] ^ bit}, good[at+1:]) }
			one := size - 2*hash.Size() - 2 // where the byte 1 before the salt is
			key := f.key(t, alg)
			for name, encoded := range map[string][]byte{
				"no salt":                     salted(0),
				"a salt of one byte":          salted(1),
				"a byte of salt less":         salted(hash.Size() - 1),
				"a byte of salt more":         salted(hash.Size() + 1),
				"as much salt as fits":        salted(size - hash.Size() - 2),
				"another hash":                encodePSS(bits, otherHash, otherHash, digest, bytes.Repeat([]byte("s"), otherHash.Size())),
				"another hash in the mask":    encodePSS(bits, hash, otherHash, digest, bytes.Repeat([]byte("s"), hash.Size())),
				"another message":             encodePSS(bits, hash, hash, bytes.Repeat([]byte("x"), hash.Size()), bytes.Repeat([]byte("s"), hash.Size())),
				"another end":                 flipped(size-1, 0xbc^0xcc),
				"a bit in the hash":           flipped(size-2, 1),
				"a bit in the salt":           flipped(size-hash.Size()-2, 1),
				"a bit before the salt":       flipped(one, 3),
				"no byte before the salt":     flipped(one, 1),
				"a bit in the padding":        flipped(one-1, 1),
				"a bit at its beginning":      flipped(1, 0x80),
				"a bit in the first byte":     flipped(0, 1),
				"a bit that is unused":        new(big.Int).SetBit(new(big.Int).SetBytes(good), bits, 1).Bytes(),
				"the message for RS":          f.encode("RS"+alg[2:], signed),
				"the number 0":                {0},
				"the number 1":                {1},
				"the largest number":          new(big.Int).Sub(f.public.N, big.NewInt(1)).Bytes(),
				"zeros with the right end":    {0xbc},
				"the encoded message shifted": new(big.Int).Rsh(new(big.Int).SetBytes(good), 8).Bytes(),
			} {
				if new(big.Int).SetBytes(encoded).Cmp(f.public.N) >= 0 {
					continue // cannot be signed
				}
				verdict(t, name, f, key, signed, f.sign(encoded), false)
			}
			verdict(t, "good", f, key, signed, f.sign(good), true)
		}
	}
}

// A signature is exactly as long as the modulus, and a number below it (RFC 8017 section 5.2.2).
func TestFormsOfRSASignatures(t *testing.T) {
	signed := []byte("a.b")
	for i, f := range forgers() {
		size := f.public.Size()
		for _, alg := range jose.RSAAlgorithms {
			key := f.key(t, alg)
			good := f.sign(f.encode(alg, signed))
			plus := new(big.Int).Add(new(big.Int).SetBytes(good), f.public.N)
			for name, signature := range map[string][]byte{
				"nothing":                {},
				"a zero":                 {0},
				"a one":                  {1},
				"a byte less at the end": good[:size-1],
				"a byte less before":     good[1:],
				"half":                   good[:size/2],
				"a zero before":          slices.Concat([]byte{0}, good),
				"a zero behind":          slices.Concat(good, []byte{0}),
				"twice":                  slices.Concat(good, good),
				"backwards":              backwards(good),
				"plus the modulus":       plus.FillBytes(make([]byte, max(size, (plus.BitLen()+7)/8))),
				"the modulus":            f.public.N.Bytes(),
				"the modulus less 1":     new(big.Int).Sub(f.public.N, big.NewInt(1)).Bytes(),
				"the modulus plus 1":     new(big.Int).Add(f.public.N, big.NewInt(1)).Bytes(),
				"the modulus less it":    new(big.Int).Sub(f.public.N, new(big.Int).SetBytes(good)).FillBytes(make([]byte, size)),
				"zeros":                  make([]byte, size),
				"ones":                   bytes.Repeat([]byte{0xff}, size),
				"of a thousand bytes":    bytes.Repeat([]byte("x"), 1024),
				"the encoded message":    append(make([]byte, size-len(f.encode(alg, signed))), f.encode(alg, signed)...),
				"of another key":         forgers()[(i+1)%len(forgers())].sign(f.encode(alg, signed)),
			} {
				verdict(t, name, f, key, signed, signature, false)
			}
			for _, bit := range []int{0, 7, 8*size - 1, 8*size - 8, 4 * size} {
				flipped := slices.Clone(good)
				flipped[bit/8] ^= 1 << (bit % 8)
				verdict(t, "a flipped bit", f, key, signed, flipped, false)
			}
			verdict(t, "another text", f, key, []byte("a.c"), good, false)
			for _, other := range jose.RSAAlgorithms {
				verdict(t, "signed with "+alg, f, f.key(t, other), signed, good, other == alg)
			}
		}
	}
}

func backwards(text []byte) []byte {
	text = slices.Clone(text)
	slices.Reverse(text)
	return text
}

// Bleichenbacher's forgery of 2006: with exponent 3, a cube root gives signatures without the private key to everybody
// who verifies only the beginning of the encoded message, or only its end.
func TestForgedCubeRoots(t *testing.T) {
	f := forgers()[1]
	size := f.public.Size()
	signed := []byte("a.d") // its hashes are odd: only odd numbers have cube roots modulo powers of two
	for _, alg := range []string{"RS256", "RS384", "RS512"} {
		hash, digest := digestOf(alg, signed)
		key := f.key(t, alg)
		text := info(hash, digest, asn1.NullRawValue)
		beginning := pad(11+len(text), text)
		least := new(big.Int).SetBytes(append(slices.Clone(beginning), make([]byte, size-len(beginning))...))
		root := cubeRoot(least)
		cube := new(big.Int).Exp(root, big.NewInt(3), nil).FillBytes(make([]byte, size))
		if forged := len(beginning)*3 < size; forged != bytes.HasPrefix(cube, beginning) { // a root has a third of the bits to choose
			t.Fatalf("%s: no forgery: %x", alg, cube)
		}
		verdict(t, "a forged beginning", f, key, signed, root.FillBytes(make([]byte, size)), false)

		if digest[len(digest)-1]&1 == 0 {
			t.Fatalf("%s: the hash is even", alg)
		}
		root = cubeRootModulo(new(big.Int).SetBytes(text), uint(8*len(text)))
		cube = new(big.Int).Exp(root, big.NewInt(3), f.public.N).FillBytes(make([]byte, size))
		if len(text)*3 < size && !bytes.HasSuffix(cube, text) {
			t.Fatalf("%s: no forgery: %x", alg, cube)
		}
		verdict(t, "a forged end", f, key, signed, root.FillBytes(make([]byte, size)), false)
	}
}

// cubeRoot returns the smallest number whose cube is not below n.
func cubeRoot(n *big.Int) *big.Int {
	root := new(big.Int)
	for bit := n.BitLen()/3 + 1; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, big.NewInt(3), nil).Cmp(n) >= 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return root.Add(root, big.NewInt(1))
}

// cubeRootModulo returns the cube root of an odd number modulo a power of two, bit by bit.
func cubeRootModulo(n *big.Int, bits uint) *big.Int {
	root := big.NewInt(1)
	for bit := range int(bits) {
		if new(big.Int).Exp(root, big.NewInt(3), nil).Bit(bit) != n.Bit(bit) {
			root.SetBit(root, bit, 1)
		}
	}
	return root
}

// The keys of documents and signers are prepared, except those that crypto/rsa refuses.
func TestPreparedKeys(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("TestStandardLibraryInFIPSMode")
	}
	for _, alg := range algorithms {
		isRSA := slices.Contains(jose.RSAAlgorithms, alg)
		if signers()[alg].Public().Prepared() != isRSA || publicSet(t, signers()[alg])[0].Prepared() != isRSA {
			t.Errorf("%s: prepared is %v", alg, !isRSA)
		}
	}
	for _, f := range forgers() {
		if !f.key(t, "RS256").Prepared() {
			t.Errorf("%v is not prepared", f)
		}
	}
	f := forgers()[0]
	for e, why := range map[int64]string{1<<31 + 1: "too large for crypto/rsa", 65536: "even", 1: "one", -3: "negative"} {
		public := f.public
		public.E = int(e)
		key := jose.NewKey("", "RS256", &public)
		if signed := []byte("a.b"); key.Prepared() || key.Verifies(signed, f.sign(f.encode("RS256", signed))) {
			t.Errorf("an exponent that is %s: prepared is %v", why, key.Prepared())
		}
	}
	public := f.public
	public.N = new(big.Int).Lsh(public.N, 1)
	if jose.NewKey("", "RS256", &public).Prepared() {
		t.Error("an even modulus is prepared")
	}
}

// In FIPS 140-3 mode only the validated module verifies, with the same verdicts.
func TestStandardLibraryInFIPSMode(t *testing.T) {
	if fips140.Enabled() {
		for _, f := range forgers() {
			if f.key(t, "RS256").Prepared() {
				t.Errorf("%v is prepared", f)
			}
		}
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^(TestStandardLibraryInFIPSMode|TestFormsOfRSASignatures|TestAlgorithmFitsTheKey)$")
	child.Env = append(os.Environ(), "GODEBUG=fips140=on")
	out, err := child.CombinedOutput()
	if strings.Contains(string(out), "FIPS 140-3 mode is incompatible") || strings.Contains(string(out), "FIPS 140-3 mode not supported") {
		t.Skipf("%s", out)
	}
	if err != nil || strings.Count(string(out), "--- PASS") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A prepared key may be used by many requests at once.
func TestPreparedKeyIsShared(t *testing.T) {
	f := forgers()[0]
	signed := []byte("a.b")
	for _, alg := range []string{"RS256", "PS512"} {
		key, good := f.key(t, alg), f.sign(f.encode(alg, signed))
		bad := f.sign(f.encode(alg, []byte("a.c")))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 20 {
					if !key.Verifies(signed, good) || key.Verifies(signed, bad) {
						t.Error(alg)
					}
				}
			})
		}
		all.Wait()
	}
}

// Beside the signature's number nothing is allocated: uncached tokens are the expensive ones.
func TestAllocationsOfRSA(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("crypto/rsa verifies")
	}
	f := forgers()[0]
	signed := []byte("a.b")
	for _, alg := range jose.RSAAlgorithms {
		key, good := f.key(t, alg), f.sign(f.encode(alg, signed))
		if n := testing.AllocsPerRun(10, func() { key.Verifies(signed, good) }); n > 1 {
			t.Errorf("%s: %v allocations", alg, n)
		}
	}
}
