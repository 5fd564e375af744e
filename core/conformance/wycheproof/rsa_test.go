package wycheproof_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// saltLengths are those of RFC 7518 section 3.5: as long as the hash.
var saltLengths = map[string]int{"SHA-256": 32, "SHA-384": 48, "SHA-512": 64}

// A prepared RSA key accepts exactly the valid signatures, and crypto/rsa has the same opinion of each. Of the acceptable ones, which
// lack a NULL in the encoded hash, it accepts none.
func TestRSASignatures(t *testing.T) {
	for name, want := range map[string]struct{ tests, valid int }{
		"rsa_signature_2048_sha256_test.json": {259, 9}, "rsa_signature_2048_sha384_test.json": {258, 7}, "rsa_signature_2048_sha512_test.json": {259, 8},
		"rsa_signature_3072_sha256_test.json": {259, 8}, "rsa_signature_3072_sha384_test.json": {259, 7}, "rsa_signature_3072_sha512_test.json": {260, 8},
		"rsa_signature_4096_sha256_test.json": {258, 7}, "rsa_signature_4096_sha384_test.json": {259, 7}, "rsa_signature_4096_sha512_test.json": {259, 7},
		"rsa_signature_8192_sha256_test.json": {258, 7}, "rsa_signature_8192_sha384_test.json": {259, 7}, "rsa_signature_8192_sha512_test.json": {259, 7},
	} {
		t.Run(name, func(t *testing.T) {
			tests, valid := 0, 0
			for _, g := range load(t, name).TestGroups {
				for _, v := range g.Tests {
					tests++
					if g.verify(t, "RS", v, v.Result == "valid") {
						valid++
					}
				}
			}
			if tests != want.tests || valid != want.valid {
				t.Errorf("%d of %d are good, want %d of %d", valid, tests, want.valid, want.tests)
			}
		})
	}
}

// The same for PSS. Where a file's salt or mask is none of RFC 7518, its valid signatures are refused too.
func TestPSSSignatures(t *testing.T) {
	for name, want := range map[string]struct {
		tests, valid int
		fitting      int // number of an invalid vector whose salt is not that of the file and fits RFC 7518
	}{
		"rsa_pss_2048_sha256_mgf1_32_test.json": {108, 63, 0}, "rsa_pss_2048_sha384_mgf1_48_test.json": {141, 95, 0},
		"rsa_pss_3072_sha256_mgf1_32_test.json": {108, 63, 0},
		"rsa_pss_4096_sha256_mgf1_32_test.json": {108, 63, 0}, "rsa_pss_4096_sha384_mgf1_48_test.json": {141, 95, 0}, "rsa_pss_4096_sha512_mgf1_64_test.json": {179, 132, 0},
		"rsa_pss_2048_sha256_mgf1_0_test.json": {103, 1, 69}, "rsa_pss_4096_sha512_mgf1_32_test.json": {177, 0, 0},
		"rsa_pss_2048_sha256_mgf1sha1_20_test.json": {108, 0, 0}, "rsa_pss_2048_sha512_mgf1sha256_32_params_test.json": {178, 0, 0},
		"rsa_pss_misc_test.json": {90, 3, 0}, // all combinations of hash, mask and salt
	} {
		t.Run(name, func(t *testing.T) {
			tests, valid := 0, 0
			for _, g := range load(t, name).TestGroups {
				if saltLengths[g.SHA] == 0 {
					continue // not a hash of RFC 7518
				}
				fits := g.SHA == g.MaskSHA && g.SaltLength == saltLengths[g.SHA]
				for _, v := range g.Tests {
					tests++
					if g.verify(t, "PS", v, v.Result == "valid" && fits || v.ID == want.fitting) {
						valid++
					}
				}
			}
			if tests != want.tests || valid != want.valid {
				t.Errorf("%d of %d are good, want %d of %d", valid, tests, want.valid, want.tests)
			}
		})
	}
}

// verify returns the verdict on a signature, and fails if it is not the wanted one.
func (g group) verify(t *testing.T, kind string, v vector, want bool) bool {
	t.Helper()
	der, message, signature := unhex(t, g.PublicDER), unhex(t, v.Message), unhex(t, v.Signature)
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if public, err = x509.ParsePKCS1PublicKey(unhex(t, g.PublicASN)); err != nil {
			t.Fatal(err)
		}
	}
	key := jose.NewKey("", kind+g.SHA[len("SHA-"):], public)
	got, standard := key.Verifies(message, signature), standardVerifies(key, message, signature)
	if got != want || standard != want {
		t.Errorf("%d, %s, is %s: %v, and crypto/rsa says %v", v.ID, v.Comment, v.Result, got, standard)
	}
	return got
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(decoded)
}

func standardVerifies(key jose.Key, message, signature []byte) bool {
	public, hash := key.Public.(*rsa.PublicKey), crypto.SHA256
	sum256, sum384, sum512 := sha256.Sum256(message), sha512.Sum384(message), sha512.Sum512(message)
	digest := sum256[:]
	switch key.Alg[2:] {
	case "384":
		hash, digest = crypto.SHA384, sum384[:]
	case "512":
		hash, digest = crypto.SHA512, sum512[:]
	}
	if key.Alg[0] == 'P' {
		return rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
}
