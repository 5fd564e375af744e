package conformance_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/golang-jwt/jwt/v5"
)

// signer signs any header and any payload.
type signer struct {
	method  jwt.SigningMethod
	private crypto.Signer
}

func (s signer) key() jose.Key {
	return jose.NewKey("k", s.method.Alg(), s.private.Public())
}

func (s signer) sign(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := s.method.Sign(signed, s.private)
	if err != nil {
		panic(err)
	}
	return signed + "." + encode(signature)
}

// signers has one key for each algorithm, all RSA ones the same.
var signers = sync.OnceValue(func() []signer {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	var list []signer
	for _, method := range []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512, jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
	} {
		list = append(list, signer{method, rsaKey})
	}
	for method, curve := range map[*jwt.SigningMethodECDSA]elliptic.Curve{
		jwt.SigningMethodES256: elliptic.P256(), jwt.SigningMethodES384: elliptic.P384(), jwt.SigningMethodES512: elliptic.P521(),
	} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		list = append(list, signer{method, private})
	}
	return append(list, signer{jwt.SigningMethodEdDSA, ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fixed"[:32]))})
})

// headers are templates: ALG is replaced by the name of an algorithm.
var headers = []string{
	`{"alg":"ALG"}`, `{"alg":"ALG","kid":"k","typ":"JWT"}`, ` { "alg" : "ALG" , "typ":"at+jwt" } `, "{\"alg\":\n\t\"ALG\"\r}", `{"alg":"ALG"} `, `{"\u0061lg":"ALG"}`,
	`{"alg":"ALG","x":{"y":[1,2,{"z":null}]}}`, `{"alg":"ALG","typ":null}`, `{"alg":"ALG","cty":"text/plain"}`, `{"alg":"ALG","iss":"x","exp":1e400}`,
	`{"alg":"ALG","jku":"https://evil.example/keys"}`, `{"alg":"ALG","jwk":{"kty":"oct","k":"AAAA"}}`, `{"alg":"ALG","x5c":["AAAA"],"x5u":"https://evil.example"}`,
	`{"alg":"ALG","x5t":"AAAA","x5t#S256":"AAAA"}`, `{"alg":"ALG","jku":1}`, `{"alg":"ALG","é":"\ud83d\ude00"}`, `{"alg":"ALG","kid":"\u0000"}`,
	// Refused.
	``, `null`, `[]`, `"x"`, `{}`, `{"alg":null}`, `{"alg":1}`, `{"alg":["ALG"]}`, `{"alg":""}`, `{"typ":"JWT"}`, `{"alg":"none"}`, `{"alg":"None"}`, `{"alg":"HS256"}`, `{"alg":"HS512"}`,
	`{"alg":"RS256","x":1}`, `{"alg":"PS256","x":1}`, `{"alg":"ES256","x":1}`, `{"alg":"ES384","x":1}`, `{"alg":"ES512","x":1}`, `{"alg":"ES256K"}`, `{"alg":"EdDSA","x":1}`, `{"alg":"Ed25519"}`, `{"alg":"Ed448"}`,
	`{"alg":"ALG "}`, `{"alg":" ALG"}`, `{"alg":"alg"}`, `{"alg":"ALG\u0000"}`, `{"alg":"ALG","alg":"ALG"}`, `{"alg":"none","alg":"ALG"}`, `{"alg":"ALG","alg":"none"}`, `{"alg":"ALG","\u0061lg":"none"}`,
	`{"Alg":"ALG"}`, `{"alg":"ALG","AlG":"none"}`, `{"alg":"ALG","KID":"x"}`, `{"alg":"ALG","ſ":1,"kid":"k","tYp":"x"}`, "{\"alg\":\"ALG\",\"\u212aid\":\"x\"}",
	`{"alg":"ALG","crit":["exp"],"exp":1}`, `{"alg":"ALG","crit":[]}`, `{"alg":"ALG","crit":null}`, `{"alg":"ALG","b64":false,"crit":["b64"]}`, `{"alg":"ALG","b64":true}`, `{"alg":"ALG","zip":"DEF"}`, `{"alg":"ALG","enc":"A128GCM"}`,
	`{"alg":"ALG","cty":"JWT"}`, `{"alg":"ALG","cty":"application/jwt"}`, `{"alg":"ALG","kid":""}`, `{"alg":"ALG","kid":null}`, `{"alg":"ALG","kid":1}`, `{"alg":"ALG","typ":1}`, `{"alg":"ALG","typ":["JWT"]}`, `{"alg":"ALG","cty":{}}`,
	`{"alg":"ALG"} x`, `{"alg":"ALG"}{}`, `{"alg":"ALG",}`, `{"alg":"ALG" "typ":"JWT"}`, `{'alg':'ALG'}`, `{alg:"ALG"}`, `{"alg":"ALG"/**/}`, "\ufeff{\"alg\":\"ALG\"}", "{\"alg\":\"ALG\",\"x\":\"\xff\"}", "{\"alg\":\"ALG\",\"x\":\"\xed\xa0\x80\"}",
	`{"alg":"ALG","x":"\ud800"}`, `{"alg":"ALG","x":"\ude00\ud83d"}`, `{"alg":"ALG","x":"\ud83dx"}`, `{"alg":"ALG","x":"\ud83d\u0041"}`, `{"alg":"ALG","x":01}`, `{"alg":"ALG","x":.5}`, `{"alg":"ALG","x":1.}`, `{"alg":"ALG","x":+1}`, `{"alg":"ALG","x":0x1}`, `{"alg":"ALG","x":NaN}`,
	`{"alg":"ALG","x":{"a":1,"a":2}}`, `{"alg":"ALG","x":[{"a":1,"\u0061":2}]}`, `{"alg":"ALG","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "{\"alg\":\"ALG\",\"x\":\"\n\"}", "{\"alg\":\"ALG\",\"x\":\"\x00\"}", `{"alg":"ALG","x":"\x"}`, `{"alg":"ALG","x":"\u00g0"}`, `{"alg":"ALG","x":tRue}`,
}

var payloads = []string{
	`{}`, `{"sub":"a"}`, ` {"exp":1.5e9,"nbf":-0,"iat":1E+2} `, `{"n":12345678901234567890123,"m":1e400,"z":-0.0}`, `{"a":{"b":[true,false,null]},"é":"\u00e9\ud83d\ude00"}`, `{"sub":"a","SUB":"b"}`, `{"":""}`,
	// Refused.
	``, `null`, `[]`, `1`, `"x"`, `{"sub":"a","sub":"b"}`, `{"sub":"a","s\u0075b":"b"}`, `{"a":{"x":1,"x":1}}`, "{\"sub\":\"\xff\"}", `{"sub":"\udc00"}`, `{"sub":"a"}}`, `{"sub":"a"} null`, `{"exp":0123}`, `{"exp":1_0}`, `{"exp":Infinity}`,
	`{"x":"` + strings.Repeat("x", jose.MaxTokenSize) + `"}`, `{"x":` + strings.Repeat(`{"x":`, 32) + `1` + strings.Repeat("}", 33),
}

// spellings change the text of a valid token.
var spellings = map[string]func(string) string{
	"as it is": func(raw string) string { return raw },
	"padding":  func(raw string) string { return raw + "=" }, "two of it": func(raw string) string { return raw + "==" },
	"space before": func(raw string) string { return " " + raw }, "space behind": func(raw string) string { return raw + " " },
	"newline behind": func(raw string) string { return raw + "\n" }, "newline inside": func(raw string) string { return raw[:len(raw)-9] + "\n" + raw[len(raw)-9:] },
	"return in the header": func(raw string) string { return raw[:4] + "\r" + raw[4:] }, "tab": func(raw string) string { return strings.Replace(raw, ".", "\t.", 1) },
	"standard alphabet": func(raw string) string { return raw[:len(raw)-9] + "+/" + raw[len(raw)-7:] },
	"a byte more":       func(raw string) string { return raw + "A" }, "a byte less": func(raw string) string { return raw[:len(raw)-1] },
	"no signature": func(raw string) string { return raw[:strings.LastIndexByte(raw, '.')+1] }, "two parts": func(raw string) string { return raw[:strings.LastIndexByte(raw, '.')] },
	"four parts": func(raw string) string { return raw + "." }, "five parts": func(raw string) string { return raw + ".." }, "no header": func(raw string) string { return raw[strings.IndexByte(raw, '.'):] },
	"other signature": func(raw string) string { return raw[:len(raw)-20] + "AAAAAAAAAA" + raw[len(raw)-10:] },
	"zero signature":  func(raw string) string { return raw[:strings.LastIndexByte(raw, '.')+1] + strings.Repeat("A", 86) },
	"stray bits":      strayBits, "NUL": func(raw string) string { return raw + "\x00" }, "upper case": strings.ToUpper,
	"a longer second half": longer,
}

// longer inserts a zero byte between the two numbers of an ECDSA signature, which does not change the second number.
func longer(raw string) string {
	at := strings.LastIndexByte(raw, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(raw[at:])
	if err != nil {
		panic(err)
	}
	return raw[:at] + base64.RawURLEncoding.EncodeToString(slices.Insert(signature, len(signature)/2, 0))
}

func strayBits(raw string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, raw[len(raw)-1])
	return raw[:len(raw)-1] + alphabet[last^1:last^1+1]
}

// Two other libraries accept every token that this library accepts, with the same key and claims. Every token that they accept
// and this library refuses breaks a named rule.
func TestOtherLibrariesAgree(t *testing.T) {
	seen, accepted, rules := 0, 0, map[string]int{}
	try := func(s signer, raw string) {
		good, names := compare(t, raw, s.key())
		if seen++; good {
			accepted++
		}
		for _, name := range names {
			rules[name]++
		}
	}
	for _, s := range signers() {
		named := func(header string) string { return strings.ReplaceAll(header, "ALG", s.method.Alg()) }
		good := named(headers[1])
		if slices.Contains([]string{"RS256", "PS256", "ES256", "EdDSA"}, s.method.Alg()) { // one of each kind, because there are many headers
			for _, header := range headers {
				try(s, s.sign(named(header), payloads[1]))
			}
		}
		for _, payload := range payloads {
			try(s, s.sign(good, payload))
		}
		for _, spell := range spellings {
			try(s, spell(s.sign(good, payloads[4])))
		}
		for _, other := range signers() { // another key, another algorithm, or both
			try(s, other.sign(good, payloads[1]))
			try(s, other.sign(strings.ReplaceAll(headers[1], "ALG", other.method.Alg()), payloads[1]))
		}
	}
	if want := 4*len(headers) + 10*(len(payloads)+len(spellings)+20); seen != want || accepted != 4*18+1+10*10 {
		t.Errorf("%d tokens, %d accepted; want %d, 173", seen, accepted, want)
	}
	for _, rule := range ruleNames {
		if rules[rule] == 0 {
			t.Errorf("no token breaks the rule %q", rule)
		}
		delete(rules, rule)
	}
	if len(rules) > 0 {
		t.Errorf("rules that are not in the list: %v", rules)
	}
}

// FuzzOtherLibraries makes the same comparison for any signed header and payload, with a text inserted into the token.
func FuzzOtherLibraries(f *testing.F) {
	for _, header := range headers {
		f.Add(uint8(9), header, payloads[1], uint16(0), uint8(0), "")
	}
	for i, payload := range payloads {
		f.Add(uint8(i), headers[1], payload, uint16(0), uint8(0), "")
	}
	for i, text := range []string{"=", "\n", ".", "A", "+", "\x00", "é"} {
		f.Add(uint8(i), headers[0], payloads[1], uint16(31*i), uint8(i%2), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, header, payload string, at uint16, drop uint8, text string) {
		s := signers()[int(which)%len(signers())]
		raw := s.sign(strings.ReplaceAll(header, "ALG", s.method.Alg()), payload)
		if text != "" || drop > 0 {
			from := int(at) % len(raw)
			raw = raw[:from] + text + raw[min(len(raw), from+int(drop)):]
		}
		compare(t, raw, s.key())
	})
}
