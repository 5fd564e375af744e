package verify

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

// cache holds access tokens that were verified, so that the next request with one of them costs no signature. Nothing else
// ever enters it, and what it finds is held against all that can change: the clock and the issuer's keys; revocation is the
// caller's. Safe for concurrent use; nil holds nothing.
type cache struct {
	tokens *tokencache.Cache[*Token]
}

func newCache(size int) *cache {
	if size < 0 {
		return nil
	}
	return &cache{tokencache.New[*Token](size)}
}

// find returns a token that came before, byte for byte, and is as good as it was then; nil says that it has to be verified.
func (c *cache) find(raw string, now time.Time) *Token {
	if c == nil {
		return nil
	}
	token, ok := c.tokens.Get(raw)
	if !ok || !token.Good(now) || !token.proof.Holds(now) {
		return nil
	}
	return token
}

// keep adds a token that has just been verified; its raw text is a copy already.
func (c *cache) keep(token *Token) {
	if c != nil {
		c.tokens.Put(token.Raw, token, token.Size())
	}
}
