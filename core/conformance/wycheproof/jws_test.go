package wycheproof_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// verdict is the result of verifying a token.
type verdict string

const (
	malformed  verdict = "no token"            // refused before a key is looked up
	noKeys     verdict = "no usable key"       // the document has no usable key
	unnamed    verdict = "no key of this name" // or of this algorithm
	unverified verdict = "signature not good"
	verified   verdict = "signature is good"    // and the payload is what the signer wrote
	unreadable verdict = "payload not of a JWT" // valid signature, but the payload is not a JSON object
	impossible verdict = "an error of no meaning"
)

func judge(document []byte, raw string) verdict {
	token, err := jose.Parse(raw)
	if err != nil {
		return malformed
	}
	set, err := jose.ParseSet(document, "RS256")
	if err != nil {
		return noKeys
	}
	key, ok := set.Find(token.Header)
	if !ok {
		return unnamed
	}
	switch _, err := token.Verify(key); err {
	case nil:
		return verified
	case jose.ErrMalformed: // payloads of the vectors are arbitrary bytes, parsed after the signature
		return unreadable
	case jose.ErrSignature:
		return unverified
	default:
		return impossible
	}
}

// exception lists vectors, by number, whose expected result differs from their file, and the reason.
type exception struct {
	why  string
	want verdict
	ids  []int
}

const (
	symmetric = "symmetric keys are not taken: who verifies could sign"
	empty     = "a token without a payload has no claims"
)

// Every invalid vector is refused, and every valid one is accepted or has an exception.
func TestJSONWebSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		tests, invalid, accepted int // accepted: of the valid ones
		stricter                 []exception
	}{
		"json_web_signature_test.json": {401, 355, 26, []exception{
			{symmetric, noKeys, []int{1, 348, 352, 357, 358, 359, 376, 377}},
			{symmetric + "; and the spelling has characters that are none of base64url", malformed, []int{372, 373}},
			{empty, malformed, []int{259, 264, 268, 272, 320, 325}},
			{"the key's alg is PS256 and the token's PS384: a key has one algorithm (RFC 8725 section 3.1)", unnamed, []int{346, 350}},
			{"the key's alg is ES521, which is none (RFC 7518 section 3.1)", noKeys, []int{347, 351}},
		}},
		"json_web_key_test.json": {26, 21, 1, []exception{
			{symmetric, noKeys, []int{2, 13, 14, 15}},
		}},
		"json_web_crypto_test.json": {83, 77, 2, []exception{
			{symmetric, noKeys, []int{1, 48}},
			{"what is encrypted is no token for us", malformed, []int{50, 67}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			stricter := byNumber(c.stricter)
			tests, invalid, accepted := 0, 0, 0
			for _, g := range load(t, name).TestGroups {
				document := g.document(t)
				for _, v := range g.Tests {
					tests++
					got := judge(document, string(v.JWS+v.JWE))
					good := got == verified || got == unreadable // from here on: as the file says
					listed := stricter[v.ID]
					if v.Result == "invalid" {
						invalid++
						good = !good
					} else if good {
						accepted++
					}
					known := listed.want != ""
					delete(stricter, v.ID)
					if got == impossible || good == known || known && got != listed.want {
						t.Errorf("%d, %s, %s is %s: %s (listed: %q)", v.ID, g.Comment, v.Comment, v.Result, got, listed.why)
					}
				}
			}
			if tests != c.tests || invalid != c.invalid || accepted != c.accepted {
				t.Errorf("%d vectors, %d of them invalid, %d accepted; want %d, %d, %d", tests, invalid, accepted, c.tests, c.invalid, c.accepted)
			}
			if len(stricter) > 0 {
				t.Errorf("listed and not seen: %v", slices.Sorted(maps.Keys(stricter)))
			}
		})
	}
}

func byNumber(list []exception) map[int]exception {
	numbers := map[int]exception{}
	for _, e := range list {
		for _, id := range e.ids {
			numbers[id] = e
		}
	}
	return numbers
}

// Encrypted tokens are refused without parsing.
func TestJSONWebEncryption(t *testing.T) {
	tests := 0
	for _, g := range load(t, "json_web_encryption_test.json").TestGroups {
		for _, v := range g.Tests {
			tests++
			if got := judge(nil, string(v.JWE)); got != malformed {
				t.Errorf("%d, %s, %s: %s", v.ID, g.Comment, v.Comment, got)
			}
		}
	}
	if tests != 139 {
		t.Errorf("%d vectors", tests)
	}
}
