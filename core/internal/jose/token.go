// Package jose parses, verifies and signs compact JSON Web Tokens (RFC 7515, 7519, following RFC 8725) and parses key sets
// (RFC 7517). No other package imports the JOSE library, which is used to sign and to parse keys. This package parses tokens
// itself. It verifies signatures with the standard library, those of RSA with prepared keys.
//
// All functions and methods are safe for concurrent use, except the methods of Token.
package jose

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// MaxTokenSize is the longest token in bytes; a longer one is refused unread.
const MaxTokenSize = 16 << 10

var (
	// ErrMalformed says that a text is not a compact signed token that this package can parse.
	ErrMalformed = fault.ErrMalformed
	// ErrSignature says that the signature or the algorithm does not match the key.
	ErrSignature = fault.ErrSignature
)

// Header is the header of a token whose signature has not been verified yet.
type Header struct {
	Alg    string // Verify compares it with the key's
	KeyID  string
	HasKey bool   // there is a kid
	Typ    string // "" if absent
}

// Token is a token whose signature has not been verified yet: only its header may be used. It shares no memory with the text
// it was parsed from. Not safe for concurrent use.
type Token struct {
	Header
	raw, signed string
	payload     string // decoded, but not parsed before the signature is verified
	claims      strictjson.Object

	signature [maxSignature]byte
	size      int // of the signature
}

// maxSignature is the length in bytes of the longest possible signature, that of RSA with 8192 bits.
const maxSignature = maxRSABits / 8

// decoding rejects stray bits in the last character. It skips line breaks, which Parse rejects.
var decoding = base64.RawURLEncoding.Strict()

// headerNames lists the header members that change how a token is processed.
var headerNames = []string{"alg", "kid", "typ", "cty", "crit", "b64", "enc", "zip"}

// Parse parses a compact token: three parts in canonical base64url, with a strict JSON header. It refuses features that this
// package does not support (crit, b64, nested tokens, encryption) and ignores keys in the header (jwk, jku, x5c, x5u). It works
// on a copy of raw: if the memory of raw changes, the verified token and the claims still belong together. The error is always
// [ErrMalformed].
func Parse(raw string) (Token, error) { return (*Headers)(nil).Parse(raw) }

// Parse is the function Parse. It does not decode a header that it knows.
func (h *Headers) Parse(raw string) (t Token, err error) {
	if len(raw) > MaxTokenSize {
		return Token{}, ErrMalformed
	}
	head, rest, _ := strings.Cut(raw, ".")
	encoded, signature, found := strings.Cut(rest, ".")
	if !found {
		return Token{}, ErrMalformed
	}
	known := h.find(head)
	size := len(raw) + decoding.DecodedLen(len(encoded))
	if known == nil {
		size += decoding.DecodedLen(len(head))
	}
	var all strings.Builder // the token, followed by its decoded payload, and its header if that is new
	all.Grow(size)
	_, _ = all.WriteString(raw) // never fails
	t.raw = all.String()
	if strings.IndexByte(t.raw, '\n') >= 0 || strings.IndexByte(t.raw, '\r') >= 0 {
		return Token{}, ErrMalformed
	}
	t.signed = t.raw[:len(head)+1+len(encoded)]
	head, encoded, signature = t.signed[:len(head)], t.signed[len(head)+1:], t.raw[len(t.raw)-len(signature):]

	if known != nil {
		t.Header = known.Header
	} else if header, ok := decode(&all, head); !ok || !t.readHeader(header) {
		return Token{}, ErrMalformed
	}
	var ok bool
	if t.payload, ok = decode(&all, encoded); !ok || !t.readSignature(signature) {
		return Token{}, ErrMalformed
	}
	return t, nil
}

// Sizes in bytes up to which a decoded part and the signed text fit into a buffer on the stack.
const (
	usualPart   = 2048
	usualSigned = 2048
)

// decode appends a decoded part to all, which has room for it, and returns it. An empty part is refused.
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
	var room [8]strictjson.Member // most headers have three members
	header, err := strictjson.Scan(room[:0], text)
	if err != nil || header.FoldsTo(text, headerNames...) {
		return false
	}
	for _, name := range []string{"crit", "b64", "enc", "zip"} { // refused even if null
		if header.Has(text, name) {
			return false
		}
	}
	var errs [4]error
	var cty string
	t.Alg, errs[0] = header.String(text, "alg")
	t.KeyID, errs[1] = header.String(text, "kid")
	t.Typ, errs[2] = header.String(text, "typ")
	cty, errs[3] = header.String(text, "cty")
	t.HasKey = header.Has(text, "kid")
	if t.HasKey && t.KeyID == "" { // a null or empty kid names no key
		return false
	}
	return errs == [4]error{} && t.Alg != "" && !isJWT(cty)
}

func isJWT(cty string) bool {
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(cty), "application/"), "jwt")
}

// Raw returns the token as received.
func (t *Token) Raw() string { return t.raw }

// Verify verifies the signature with the key, whose algorithm must be that of the header, and only then parses the claims. It
// returns the claims, whose text is the payload. The error is [ErrSignature], or [ErrMalformed] if the signed payload is not a strict JSON
// object.
func (t *Token) Verify(key Key) (strictjson.Object, error) {
	if canonical(t.Alg) != key.Alg {
		return strictjson.Object{}, ErrSignature
	}
	var room [usualSigned]byte
	if !key.Verifies(append(room[:0], t.signed...), t.signature[:t.size]) {
		return strictjson.Object{}, ErrSignature
	}
	if !t.read() {
		return strictjson.Object{}, ErrMalformed
	}
	return t.claims, nil
}

// read parses the payload once.
func (t *Token) read() bool {
	if t.claims.Exists() {
		return true
	}
	var err error
	t.claims, err = strictjson.Parse(t.payload)
	return err == nil
}

// canonical returns the algorithm name that keys use: "Ed25519" (RFC 9864) becomes "EdDSA".
func canonical(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// Supported reports whether this package supports the token's algorithm. Any other token can be refused without a key.
func (t *Token) Supported() bool { return IsSupported(t.Alg) }

// IsSupported reports whether this package can verify an algorithm.
func IsSupported(algorithm string) bool { return slices.Contains(Algorithms, canonical(algorithm)) }

// UnverifiedIssuer returns the claim iss before the signature is verified, "" if there is none. Use it only to choose the keys
// that verify the token. The error is [ErrMalformed] if the payload is not a strict JSON object, and fault.ErrClaims if iss is
// not a string or is present in another spelling.
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
