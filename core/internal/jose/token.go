// Package jose reads, verifies and signs compact JSON Web Tokens (RFC 7515, 7519; the rules of RFC 8725) and reads
// key sets (RFC 7517). It is the only place that knows the JOSE library: that one makes signatures and parses keys. What is
// read from a token, and in which order, is decided here; the standard library checks signatures.
//
// All functions are safe for concurrent use, and all methods but those of a Token.
package jose

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// MaxTokenSize is the length in bytes from which on a token is refused unread.
const MaxTokenSize = 16 << 10

var (
	// ErrMalformed says that a text is no compact signed token that this package reads.
	ErrMalformed = fault.ErrMalformed
	// ErrSignature says that the signature, or the algorithm, does not fit the key.
	ErrSignature = fault.ErrSignature
)

// Header is what a token says of itself, before anybody has checked its signature.
type Header struct {
	Alg    string // Verify compares it with the key's
	KeyID  string
	HasKey bool   // whether there is a kid
	Typ    string // "" when absent
}

// Token is a token whose signature nobody has checked yet: only its header may be looked at. All of it is a copy of what came.
// One goroutine at a time.
type Token struct {
	Header
	raw, signed string
	payload     string // decoded, and not looked at before the signature was checked
	claims      strictjson.Object

	signature [maxSignature]byte
	size      int // of the signature
}

// maxSignature is the length in bytes of the longest signature that a key can make: RSA of 8192 bits.
const maxSignature = maxRSABits / 8

// decoding refuses stray bits in the last character; it would skip line breaks.
var decoding = base64.RawURLEncoding.Strict()

// headerNames are the header members that a reader acts on, or must not overlook.
var headerNames = []string{"alg", "kid", "typ", "cty", "crit", "b64", "enc", "zip"}

// Parse takes a compact token apart: three parts of canonical base64url, a strict JSON header, nothing in it that asks
// for what this package does not do (crit, b64, nested tokens, encryption). Keys in the header (jwk, jku, x5c, x5u) are
// not looked at. It keeps nothing of raw, and reads a copy: memory that changes meanwhile cannot be one token when the
// signature is checked and another one when the claims are read. The error is always [ErrMalformed].
func Parse(raw string) (t Token, err error) {
	if len(raw) > MaxTokenSize {
		return Token{}, ErrMalformed
	}
	head, rest, _ := strings.Cut(raw, ".")
	encoded, signature, found := strings.Cut(rest, ".")
	if !found {
		return Token{}, ErrMalformed
	}
	var all strings.Builder // the token, and behind it what it says
	all.Grow(len(raw) + decoding.DecodedLen(len(head)) + decoding.DecodedLen(len(encoded)))
	_, _ = all.WriteString(raw) // it never fails
	t.raw = all.String()
	if strings.IndexByte(t.raw, '\n') >= 0 || strings.IndexByte(t.raw, '\r') >= 0 {
		return Token{}, ErrMalformed
	}
	t.signed = t.raw[:len(head)+1+len(encoded)]
	head, encoded, signature = t.signed[:len(head)], t.signed[len(head)+1:], t.raw[len(t.raw)-len(signature):]

	header, ok := decode(&all, head)
	if !ok || !t.readHeader(header) || !t.readSignature(signature) {
		return Token{}, ErrMalformed
	}
	if t.payload, ok = decode(&all, encoded); !ok {
		return Token{}, ErrMalformed
	}
	return t, nil
}

// usual sizes have room on the stack, in bytes: of a decoded part, of what is signed.
const (
	usualPart   = 2048
	usualSigned = 2048
)

// decode appends a decoded part to all, which has room for it, and returns it; an empty one is none.
func decode(all *strings.Builder, encoded string) (text string, ok bool) {
	var room [usualPart]byte
	decoded, err := decoding.AppendDecode(room[:0], []byte(encoded))
	if err != nil || len(decoded) == 0 {
		return "", false
	}
	before := all.Len()
	_, _ = all.Write(decoded)
	return all.String()[before:], true
}

func (t *Token) readSignature(encoded string) bool {
	if t.size = decoding.DecodedLen(len(encoded)); t.size == 0 || t.size > maxSignature {
		return false
	}
	_, err := decoding.Decode(t.signature[:], []byte(encoded))
	return err == nil
}

func (t *Token) readHeader(text string) bool {
	var room [8]strictjson.Member // headers have three
	header, err := strictjson.Append(room[:0], text)
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
	return errs == [4]error{} && t.Alg != "" && !isJWT(cty)
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

// Raw returns the token as it came.
func (t *Token) Raw() string { return t.raw }

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
	return t.payload, t.claims, nil
}

// read reads the payload, once.
func (t *Token) read() bool {
	if t.claims != nil {
		return true
	}
	var err error
	t.claims, err = strictjson.Parse(t.payload)
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

// UnverifiedIssuer returns the claim iss before anybody has checked the signature, "" when there is none. It is good for one
// thing: to choose whose keys are to verify the token. The error is [ErrMalformed] when the payload is no strict JSON object,
// and fault.ErrClaims when iss is no text, or stands there in another spelling.
func (t *Token) UnverifiedIssuer() (string, error) {
	if !t.read() {
		return "", ErrMalformed
	}
	issuer, err := t.claims.String("iss")
	if err != nil || t.claims.FoldsTo("iss") {
		return "", fault.ErrClaims
	}
	return issuer, nil
}
