package jose_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

func TestParseReadsTheHeader(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		want   jose.Header
	}{
		"all":             {`{"typ":"at+jwt","kid":"k","alg":"EdDSA"}`, jose.Header{Alg: "EdDSA", KeyID: "k", HasKey: true, Typ: "at+jwt"}},
		"no kid":          {`{"alg":"RS256"}`, jose.Header{Alg: "RS256"}},
		"unknown members": {`{"alg":"RS256","x":{"y":[1]},"iat":1}`, jose.Header{Alg: "RS256"}},
		"harmless cty":    {`{"alg":"RS256","cty":"text/plain"}`, jose.Header{Alg: "RS256"}},
		"kid of a path":   {`{"alg":"RS256","kid":"../../etc/passwd"}`, jose.Header{Alg: "RS256", KeyID: "../../etc/passwd", HasKey: true}},
	} {
		token, err := jose.Parse(sign(c.header, `{}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.Header != c.want {
			t.Errorf("%s: got %+v", name, token)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := sign(goodHeader, `{"sub":"a"}`)
	parts := strings.Split(good, ".")
	head, payload, signature := parts[0], parts[1], parts[2]
	for name, raw := range map[string]string{
		"nothing":                    "",
		"one part":                   head,
		"two parts":                  head + "." + payload,
		"four parts":                 good + "." + signature,
		"trailing dot":               good + ".",
		"empty header":               "." + payload + "." + signature,
		"empty payload":              head + ".." + signature,
		"empty signature":            head + "." + payload + ".",
		"dots alone":                 "..",
		"padding":                    head + "." + payload + "." + signature + "==",
		"padded header":              head + "=." + payload + "." + signature,
		"leading space":              " " + good,
		"trailing space":             good + " ",
		"trailing newline":           good + "\n",
		"newline in the signature":   head + "." + payload + "." + signature[:8] + "\n" + signature[8:],
		"return in the header":       head[:4] + "\r" + head[4:] + "." + payload + "." + signature,
		"NUL":                        good + "\x00",
		"standard alphabet plus":     head + "." + payload + "+." + signature,
		"standard alphabet slash":    head + "." + payload + "/." + signature,
		"beyond ASCII":               head + "." + payload + "é." + signature,
		"padded payload":             head + "." + payload + "=." + signature,
		"stray bits in payload":      head + "." + lastBitsSet(t, base64url(`{"sub":"ab"}`+" ")) + "." + signature,
		"newline in the payload":     head + "." + payload[:4] + "\n" + payload[4:] + "." + signature,
		"return in the payload":      head + "." + payload + "\r." + signature,
		"JSON serialisation":         `{"payload":"` + payload + `","protected":"` + head + `","signature":"` + signature + `"}`,
		"general JSON serialisation": `{"payload":"` + payload + `","signatures":[{"protected":"` + head + `","signature":"` + signature + `"}]}`,
		"stray bits in signature":    head + "." + payload + "." + lastBitsSet(t, signature),
		"stray bits in header":       lastBitsSet(t, base64url(goodHeader+" ")) + "." + payload + "." + signature,
		"one character too many":     head + "." + payload + "." + base64url("abc") + "A",
		"encrypted, five parts":      head + "." + payload + "." + payload + "." + payload + "." + signature,
		"longer than 16 KB":          sign(goodHeader, `{"x":"`+strings.Repeat("x", jose.MaxTokenSize)+`"}`),
		"a megabyte of dots":         strings.Repeat(".", 1<<20),
	} {
		refused(t, name, raw)
	}
}

func TestParseRefusesHeaders(t *testing.T) {
	for name, header := range map[string]string{
		"no alg":                   `{"kid":"k"}`,
		"empty alg":                `{"alg":""}`,
		"null alg":                 `{"alg":null}`,
		"alg of another type":      `{"alg":["EdDSA"]}`,
		"alg is a number":          `{"alg":0}`,
		"kid is a number":          `{"alg":"EdDSA","kid":1}`,
		"kid is a list":            `{"alg":"EdDSA","kid":["k"]}`,
		"kid is an object":         `{"alg":"EdDSA","kid":{"$ne":""}}`,
		"kid is null":              `{"alg":"EdDSA","kid":null}`,
		"kid is empty":             `{"alg":"EdDSA","kid":""}`,
		"unknown crit":             `{"alg":"EdDSA","crit":["exp"],"exp":1}`,
		"empty crit":               `{"alg":"EdDSA","crit":[]}`,
		"crit of another type":     `{"alg":"EdDSA","crit":"b64"}`,
		"crit null":                `{"alg":"EdDSA","crit":null}`,
		"crit names a registered":  `{"alg":"EdDSA","crit":["alg"]}`,
		"crit names an absent":     `{"alg":"EdDSA","crit":["nowhere"]}`,
		"b64 false":                `{"alg":"EdDSA","b64":false,"crit":["b64"]}`,
		"b64 false without crit":   `{"alg":"EdDSA","b64":false}`,
		"b64 true":                 `{"alg":"EdDSA","b64":true}`,
		"a list":                   `["EdDSA"]`,
		"a text":                   `"EdDSA"`,
		"byte order mark":          "\xef\xbb\xbf" + goodHeader,
		"trailing data":            goodHeader + `{}`,
		"trailing NUL":             goodHeader + "\x00",
		"deep":                     `{"alg":"EdDSA","x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`,
		"comment":                  `{"alg":"EdDSA"/**/}`,
		"alg twice":                `{"alg":"EdDSA","alg":"EdDSA"}`,
		"alg twice, escaped":       `{"alg":"none","\u0061lg":"EdDSA"}`,
		"kid twice":                `{"alg":"EdDSA","kid":"a","kid":"k"}`,
		"another member twice":     `{"alg":"EdDSA","x":1,"x":1}`,
		"ALG beside alg":           `{"alg":"EdDSA","ALG":"none"}`,
		"Alg alone":                `{"Alg":"EdDSA"}`,
		"a Kelvin sign for k":      "{\"alg\":\"EdDSA\",\"\u212aid\":\"k\"}",
		"CRIT":                     `{"alg":"EdDSA","CRIT":["x"]}`,
		"broken UTF-8":             "{\"alg\":\"EdDSA\",\"x\":\"\xff\"}",
		"overlong UTF-8":           "{\"alg\":\"EdDSA\",\"x\":\"\xc0\x80\"}",
		"lone surrogate":           `{"alg":"EdDSA","kid":"\ud800"}`,
		"typ of another type":      `{"alg":"EdDSA","typ":["JWT"]}`,
		"enc":                      `{"alg":"EdDSA","enc":"A256GCM"}`,
		"zip":                      `{"alg":"EdDSA","zip":"DEF"}`,
		"nested":                   `{"alg":"EdDSA","cty":"JWT"}`,
		"nested, lower case":       `{"alg":"EdDSA","cty":"jwt"}`,
		"nested, full media type":  `{"alg":"EdDSA","cty":"application/JWT"}`,
		"cty of another type":      `{"alg":"EdDSA","cty":["JWT"]}`,
		"base64 of nothing useful": "\x00",
	} {
		refused(t, name, sign(header, `{"sub":"a"}`))
	}
}

func refused(t *testing.T, name, raw string) {
	t.Helper()
	if token, err := jose.Parse(raw); err != jose.ErrMalformed {
		t.Errorf("%s: got %+v, %v", name, token, err)
	}
}

// A token of exactly the maximum size is accepted.
func TestTokenOfTheLargestSize(t *testing.T) {
	filler := strings.Repeat("x", jose.MaxTokenSize/4*3-300)
	raw := sign(goodHeader, `{"x":"`+filler+`"}`)
	for len(raw) < jose.MaxTokenSize {
		filler += "x"
		raw = sign(goodHeader, `{"x":"`+filler+`"}`)
	}
	if len(raw) != jose.MaxTokenSize {
		t.Fatalf("the test token has %d bytes", len(raw))
	}
	if _, err := jose.Parse(raw); err != nil {
		t.Error(err)
	}
	refused(t, "one byte more", raw+"A")
}

// A token verifies only with a key of its own algorithm.
func TestAlgorithmFitsTheKey(t *testing.T) {
	for _, tokenAlg := range algorithms {
		raw, err := signers()[tokenAlg].Sign("JWT", map[string]any{"sub": "a"})
		if err != nil {
			t.Fatal(err)
		}
		token, err := jose.Parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", tokenAlg, err)
		}
		if !token.Supported() {
			t.Errorf("%s is not supported", tokenAlg)
		}
		for _, keyAlg := range algorithms {
			key := publicSet(t, signers()[keyAlg])[0]
			claims, err := token.Verify(key)
			payload := claims.Text()
			switch {
			case keyAlg != tokenAlg:
				if err != jose.ErrSignature || payload != "" || claims.Exists() {
					t.Errorf("a %s token with a %s key: %q, %v", tokenAlg, keyAlg, payload, err)
				}
			case err != nil || payload != `{"sub":"a"}`:
				t.Errorf("%s: %q, %v", tokenAlg, payload, err)
			}
		}
	}
}

// An RSA key verifies only one algorithm, although its numbers fit six.
func TestOneKeyOneAlgorithm(t *testing.T) {
	key := publicSet(t, signers()["PS256"])[0]
	raw, err := signers()["PS256"].Sign("", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS384", "PS512"} {
		key.Alg = alg
		if _, err := token.Verify(key); err != jose.ErrSignature {
			t.Errorf("a PS256 token with the same key for %s: %v", alg, err)
		}
	}
}

// Algorithms without public keys.
func TestUnsupportedAlgorithms(t *testing.T) {
	for _, alg := range []string{
		"none", "None", "NONE", "nOnE", "none ", "HS256", "HS384", "HS512", "rs256", "Rs256", "RS256 ", "RS1", "RS256\x00",
		"ES256K", "es256", "eddsa", "EDDSA", "ed25519", "Ed448", "RSA-OAEP", "RSA1_5", "A128KW", "dir", "ECDH-ES", "PBES2-HS256+A128KW", "ML-DSA-44",
	} {
		token, err := jose.Parse(sign(`{"alg":`+quote(alg)+`,"kid":"k"}`, `{"sub":"a"}`))
		if errors.Is(err, jose.ErrMalformed) {
			continue // refused earlier
		}
		if err != nil || token.Supported() {
			t.Errorf("%q is supported (%v)", alg, err)
			continue
		}
		if _, err := token.Verify(handmadeKey()); err != jose.ErrSignature {
			t.Errorf("%q verifies with a public key: %v", alg, err)
		}
		if _, ok := (jose.Set{handmadeKey()}).Find(token.Header); ok {
			t.Errorf("%q finds a key", alg)
		}
	}
}

func quote(text string) string {
	return `"` + strings.ReplaceAll(text, "\x00", `\u0000`) + `"`
}

// A public key is never used as an HMAC secret, in any form that an attacker may know.
func TestPublicKeyIsNoSecret(t *testing.T) {
	signer := signers()["RS256"]
	document, err := jose.MarshalSet(signer)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{document, nil, []byte(signer.ID), handmade.Public().(ed25519.PublicKey)} {
		signed := base64url(`{"alg":"HS256","kid":"RS256"}`) + "." + base64url(`{"sub":"a"}`)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		token, err := jose.Parse(signed + "." + base64url(string(mac.Sum(nil))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Verify(publicSet(t, signer)[0]); err != jose.ErrSignature {
			t.Errorf("got %v", err)
		}
	}
}

// A key in the token's header is not used.
func TestKeyInTheHeaderIsIgnored(t *testing.T) {
	stranger := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32)))
	jwk := `{"kty":"OKP","crv":"Ed25519","x":"` + base64url(string(stranger.Public().(ed25519.PublicKey))) + `"}`
	for _, extra := range []string{`"jwk":` + jwk, `"jku":"https://evil.example/keys"`, `"x5u":"https://evil.example/cert"`, `"x5c":["MIIB"]`} {
		header := `{"alg":"EdDSA","kid":"k",` + extra + `}`
		signed := base64url(header) + "." + base64url(`{"sub":"a"}`)
		forged, err := jose.Parse(signed + "." + base64url(string(ed25519.Sign(stranger, []byte(signed)))))
		if err != nil {
			t.Fatalf("%s: %v", extra, err)
		}
		if _, err := forged.Verify(handmadeKey()); err != jose.ErrSignature {
			t.Errorf("%s: a stranger's key verifies: %v", extra, err)
		}
		own, err := jose.Parse(sign(header, `{"sub":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := own.Verify(handmadeKey()); err != nil {
			t.Errorf("%s: our own key does not: %v", extra, err)
		}
	}
}

func TestAlteredTokens(t *testing.T) {
	for _, alg := range algorithms {
		raw, err := signers()[alg].Sign("", map[string]any{"sub": "a"})
		if err != nil {
			t.Fatal(err)
		}
		key := publicSet(t, signers()[alg])[0]
		parts := strings.Split(raw, ".")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		flipped := append([]byte(nil), signature...)
		flipped[len(flipped)/3] ^= 1
		half := len(signature) / 2
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
		if err != nil {
			t.Fatal(err)
		}
		widened := "\x00" + string(signature[:half]) + "\x00" + string(signature[half:])
		for name, altered := range map[string]string{
			"another payload":      parts[0] + "." + base64url(`{"sub":"b"}`) + "." + parts[2],
			"another header":       base64url(`{"alg":"`+alg+`"}`) + "." + parts[1] + "." + parts[2],
			"a flipped bit":        parts[0] + "." + parts[1] + "." + base64url(string(flipped)),
			"zeros":                parts[0] + "." + parts[1] + "." + base64url(strings.Repeat("\x00", len(signature))),
			"ones":                 parts[0] + "." + parts[1] + "." + base64url(strings.Repeat("\xff", len(signature))),
			"a byte less":          parts[0] + "." + parts[1] + "." + base64url(string(signature[1:])),
			"a byte more":          parts[0] + "." + parts[1] + "." + base64url(string(signature)+"\x00"),
			"a zero before":        parts[0] + "." + parts[1] + "." + base64url("\x00"+string(signature)),
			"halves widened":       parts[0] + "." + parts[1] + "." + base64url(widened),
			"DER":                  parts[0] + "." + parts[1] + "." + base64url(string(der)),
			"one byte alone":       parts[0] + "." + parts[1] + "." + base64url("\x01"),
			"signature of a fixed": parts[0] + "." + parts[1] + "." + base64url(strings.Repeat("\x00", len(signature)-1)+"\x01"),
		} {
			token, err := jose.Parse(altered)
			if err != nil {
				t.Fatalf("%s, %s: %v", alg, name, err)
			}
			if _, err := token.Verify(key); err != jose.ErrSignature {
				t.Errorf("%s, %s: %v", alg, name, err)
			}
		}
	}
}

// RFC 7518 section 3.5: the salt of a PS signature is as long as its hash, no shorter and no longer.
func TestSaltOfPSS(t *testing.T) {
	key := jose.Key{ID: "r", Alg: "PS256", Public: &rsaKey().PublicKey}
	signed := base64url(`{"alg":"PS256","kid":"r"}`) + "." + base64url(`{"sub":"a"}`)
	sum := sha256.Sum256([]byte(signed))
	for salt, want := range map[int]error{32: nil, 1: jose.ErrSignature, 20: jose.ErrSignature, 31: jose.ErrSignature, 33: jose.ErrSignature, 64: jose.ErrSignature, rsa.PSSSaltLengthAuto: jose.ErrSignature} {
		signature, err := rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		token, err := jose.Parse(signed + "." + base64url(string(signature)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Verify(key); err != want {
			t.Errorf("salt of %d bytes: %v", salt, err)
		}
	}
}

// Errors in the claims show only after the signature is verified.
func TestSignatureBeforeClaims(t *testing.T) {
	raw := sign(goodHeader, `not JSON`)
	token, err := jose.Parse(raw[:strings.LastIndexByte(raw, '.')+1] + base64url(strings.Repeat("\x00", 64)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(handmadeKey()); err != jose.ErrSignature {
		t.Errorf("unsigned nonsense: %v", err)
	}
}

func TestClaimsAreStrictJSON(t *testing.T) {
	for name, payload := range map[string]string{
		"no JSON":         `hello`,
		"a list":          `[{"sub":"a"}]`,
		"a text":          `"a"`,
		"null":            `null`,
		"byte order mark": "\xef\xbb\xbf{}",
		"trailing data":   `{"sub":"a"}{"sub":"b"}`,
		"deep":            `{"a":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat("}", 41),
		"twice":           `{"sub":"a","sub":"b"}`,
		"twice, deeper":   `{"realm_access":{"roles":[],"roles":["admin"]}}`,
		"broken UTF-8":    "{\"sub\":\"\xc3\x28\"}",
		"UTF-16":          "{\x00}\x00",
	} {
		token, err := jose.Parse(sign(goodHeader, payload))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if claims, err := token.Verify(handmadeKey()); err != jose.ErrMalformed || claims.Exists() {
			t.Errorf("%s: got %v, %v", name, claims, err)
		}
	}
	// The payload must have its only encoding, even with a valid signature.
	signed := base64url(goodHeader) + "." + lastBitsSet(t, base64url(`{"a":1} `))
	token, err := jose.Parse(signed + "." + base64url(string(ed25519.Sign(handmade, []byte(signed)))))
	if err != nil {
		return
	}
	if _, err := token.Verify(handmadeKey()); err != jose.ErrMalformed {
		t.Errorf("stray bits in the payload: %v", err)
	}
}

// RFC 9864 gives Ed25519 its own name, which is equivalent to EdDSA for a key on that curve.
func TestEd25519IsEdDSA(t *testing.T) {
	token, err := jose.Parse(sign(`{"alg":"Ed25519","kid":"k"}`, `{"sub":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	key, ok := jose.Set{handmadeKey()}.Find(token.Header)
	if !ok || !token.Supported() {
		t.Fatal("no key is found")
	}
	if _, err := token.Verify(key); err != nil {
		t.Error(err)
	}
}
