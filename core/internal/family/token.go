package family

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A refresh token is the handle of its family and a secret of its own, both random.
const (
	handleSize = 16
	secretSize = 32
)

var encoding = base64.RawURLEncoding.Strict()

// Token is one refresh token, or the cookie of a browser's session. Text is what the client gets; ID is the session's, which
// everybody may know: neither the handle nor the secret can be had from it.
type Token struct {
	Text, ID string

	kind   string
	handle [handleSize]byte
	hash   [sha256.Size]byte // of the secret: all that is ever stored
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

// next makes the token that follows in the same family.
func (t Token) next() Token { return fresh(t.kind, t.handle) }

func fresh(kind string, handle [handleSize]byte) Token {
	raw := make([]byte, handleSize+secretSize)
	copy(raw, handle[:])
	_, _ = rand.Read(raw[handleSize:])
	return newToken(kind, raw)
}

// labels make the IDs of the kinds differ: a refresh token in the cookie finds no session, and neither does a cookie at the token route.
var labels = map[string]string{store.KindToken: "oidcauth sid ", store.KindBrowser: "oidcauth browser "}

func newToken(kind string, raw []byte) Token {
	t := Token{Text: encoding.EncodeToString(raw), kind: kind, handle: [handleSize]byte(raw), hash: sha256.Sum256(raw[handleSize:])}
	id := sha256.Sum256(append([]byte(labels[kind]), t.handle[:]...))
	t.ID = encoding.EncodeToString(id[:])
	return t
}

// parse reads what a client sent as a token of a kind.
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

// is compares with a stored hash. Both are hashes of random secrets: the time that it takes tells nothing.
func (t Token) is(hash []byte) bool { return bytes.Equal(t.hash[:], hash) }
