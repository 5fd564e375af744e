package family

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A refresh token consists of the handle of its family and a secret of its own, both random. Sizes in bytes.
const (
	handleSize = 16
	secretSize = 32
)

var encoding = base64.RawURLEncoding.Strict()

// Token is a refresh token, or the cookie of a browser session. Text is for the client alone. ID is that of the session and is not a
// secret: neither the handle nor the secret can be computed from it.
type Token struct {
	Text, ID string

	kind   string
	handle [handleSize]byte
	hash   [sha256.Size]byte // of the secret, which itself is never stored
}

// NewToken makes the first refresh token of a new family.
func NewToken() Token { return newOf(store.KindToken) }

// NewCookie makes the cookie of a new browser session.
func NewCookie() Token { return newOf(store.KindBrowser) }

func newOf(kind string) Token {
	var handle [handleSize]byte
	_, _ = rand.Read(handle[:]) // crypto/rand.Read never fails
	return fresh(kind, handle)
}

// next makes the next token of the same family.
func (t Token) next() Token { return fresh(t.kind, t.handle) }

func fresh(kind string, handle [handleSize]byte) Token {
	raw := make([]byte, handleSize+secretSize)
	copy(raw, handle[:])
	_, _ = rand.Read(raw[handleSize:])
	return newToken(kind, raw)
}

// labels make the IDs of both kinds differ: a refresh token sent as a cookie finds no session, and neither does a cookie sent as a
// refresh token.
var labels = map[string]string{store.KindToken: "oidcauth sid ", store.KindBrowser: "oidcauth browser "}

func newToken(kind string, raw []byte) Token {
	t := Token{Text: encoding.EncodeToString(raw), kind: kind, handle: [handleSize]byte(raw), hash: sha256.Sum256(raw[handleSize:])}
	id := sha256.Sum256(append([]byte(labels[kind]), t.handle[:]...))
	t.ID = encoding.EncodeToString(id[:])
	return t
}

// parse decodes a token of a kind that a client sent. It reports false for a malformed one.
func parse(kind, text string) (Token, bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(handleSize+secretSize) || strings.ContainsAny(text, "\r\n") {
		return Token{}, false
	}
	raw, err := encoding.DecodeString(text)
	if err != nil {
		return Token{}, false
	}
	return newToken(kind, raw), true
}

// is compares the secret with a stored hash. Both are hashes of random secrets, so the duration reveals nothing.
func (t Token) is(hash []byte) bool { return bytes.Equal(t.hash[:], hash) }
