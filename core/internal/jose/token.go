// Package jose reads, verifies and signs compact JSON Web Tokens (RFC 7515, 7519; the rules of RFC 8725) and reads
// key sets (RFC 7517). It is the only place that knows the JOSE library: that one makes signatures and parses keys. What is
// read from a token, and in which order, is decided here; the standard library checks signatures.
//
// All functions are safe for concurrent use, and all methods but those of a Token.
package jose

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// MaxTokenSize is the length in bytes from which on a token is refused unread.
const MaxTokenSize = 16 << 10

var (
	// ErrMalformed says that a text is no compact signed token that this package reads.
	ErrMalformed = errors.New("jose: malformed token")
	// ErrSignature says that the signature, or the algorithm, does not fit the key.
	ErrSignature = errors.New("jose: signature does not verify")
)

// Token is a token whose signature nobody has checked yet: only its header may be looked at. One goroutine at a time.
type Token struct {
	Alg    string // as the header says; Verify compares it with the key's
	KeyID  string
	HasKey bool   // whether the header has a kid
	Typ    string // as the header says, "" when absent

	signed    string // header and payload as they were signed
	payload   string // as it came
	signature []byte

	text   string // the payload, once it was read
	claims strictjson.Object
}

// decoding refuses stray bits in the last character; [isBase64URL] refuses the line breaks that it would skip.
var decoding = base64.RawURLEncoding.Strict()

// headerNames are the header members that a reader acts on, or must not overlook.
var headerNames = []string{"alg", "kid", "typ", "cty", "crit", "b64", "enc", "zip"}

// Parse takes a compact token apart: three parts of canonical base64url, a strict JSON header, nothing in it that asks
// for what this package does not do (crit, b64, nested tokens, encryption). Keys in the header (jwk, jku, x5c, x5u) are
// not looked at. The error is always [ErrMalformed].
func Parse(raw string) (*Token, error) {
	if len(raw) > MaxTokenSize {
		return nil, ErrMalformed
	}
	head, rest, _ := strings.Cut(raw, ".")
	payload, sig, found := strings.Cut(rest, ".")
	if !found || !isBase64URL(head) || !isBase64URL(payload) || !isBase64URL(sig) {
		return nil, ErrMalformed
	}
	text, err := decoding.DecodeString(head)
	if err != nil {
		return nil, ErrMalformed
	}
	signature, err := decoding.DecodeString(sig)
	if err != nil {
		return nil, ErrMalformed
	}
	token := &Token{signed: raw[:len(head)+1+len(payload)], payload: payload, signature: signature}
	if !token.readHeader(text) {
		return nil, ErrMalformed
	}
	return token, nil
}

// Header returns a copy of what the header says, without the rest: good for [Set.Find].
func (t *Token) Header() Token {
	return Token{Alg: t.Alg, KeyID: t.KeyID, HasKey: t.HasKey, Typ: t.Typ}
}

func (t *Token) readHeader(text []byte) bool {
	header, err := strictjson.Parse(string(text))
	if err != nil || header.FoldsTo(headerNames...) {
		return false
	}
	for _, name := range []string{"crit", "b64", "enc", "zip"} { // present at all, a null too
		if has(header, name) {
			return false
		}
	}
	var errs [4]error
	var cty string
	t.Alg, errs[0] = header.String("alg")
	t.KeyID, errs[1] = header.String("kid")
	t.Typ, errs[2] = header.String("typ")
	cty, errs[3] = header.String("cty")
	t.HasKey = has(header, "kid")
	if t.HasKey && t.KeyID == "" { // a null or empty kid names no key
		return false
	}
	return errors.Join(errs[:]...) == nil && t.Alg != "" && !isJWT(cty)
}

func has(object strictjson.Object, name string) bool {
	for i := range object {
		if object[i].Name == name {
			return true
		}
	}
	return false
}

func isJWT(cty string) bool {
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(cty), "application/"), "jwt")
}

func isBase64URL(part string) bool {
	for i := range len(part) {
		c := part[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return part != ""
}

// Verify checks the signature with the key and only then reads the claims. The header's algorithm has to be the key's
// own. It returns the payload and the claims, which are parts of it;
// [ErrSignature], or [ErrMalformed] when the signed payload is no strict JSON object.
func (t *Token) Verify(key Key) (payload string, claims strictjson.Object, err error) {
	if canonical(t.Alg) != key.Alg {
		return "", nil, ErrSignature
	}
	if !t.isSignedBy(key) {
		return "", nil, ErrSignature
	}
	if !t.read() {
		return "", nil, ErrMalformed
	}
	return t.text, t.claims, nil
}

// read decodes the payload, once.
func (t *Token) read() bool {
	if t.claims != nil {
		return true
	}
	decoded, err := decoding.DecodeString(t.payload)
	if err != nil {
		return false
	}
	t.text = string(decoded)
	t.claims, err = strictjson.Parse(t.text)
	return err == nil
}

// canonical gives the one name that keys carry: "Ed25519" (RFC 9864) is what "EdDSA" means for our keys.
func canonical(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// Supported reports whether keys for the token's algorithm can exist at all: a token of another one is refused without
// looking for its key.
func (t *Token) Supported() bool {
	switch canonical(t.Alg) {
	case "ES256", "ES384", "ES512", "EdDSA":
		return true
	}
	return slices.Contains(RSAAlgorithms, t.Alg)
}

// UnverifiedIssuer returns the claim iss before anybody has checked the signature, "" when there is none that can be
// read. It is good for one thing: to choose whose keys are to verify the token.
func (t *Token) UnverifiedIssuer() string {
	if !t.read() || t.claims.FoldsTo("iss") {
		return ""
	}
	issuer, err := t.claims.String("iss")
	if err != nil {
		return ""
	}
	return issuer
}
