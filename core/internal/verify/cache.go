package verify

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

// cache holds verified access tokens, so that the signature of a token is verified once. find checks what can change: the clock
// and the issuer's keys. The caller checks revocation. Safe for concurrent use; a nil cache is empty.
type cache struct {
	tokens *tokencache.Cache[*Token]
}

func newCache(size int) *cache {
	if size < 0 {
		return nil
	}
	return &cache{tokencache.New[*Token](size)}
}

// find returns the cached token with exactly this text if it is still valid. nil means that the token must be verified.
func (c *cache) find(raw string, now time.Time) *Token {
	if c == nil {
		return nil
	}
	token, ok := c.tokens.Get(raw)
	if !ok || !token.Good(now) || token.proof == nil || !token.proof.Holds(now) {
		return nil
	}
	return token
}

// keep adds a verified token, once. Its raw text is already a copy.
func (c *cache) keep(token *Token) {
	if c != nil {
		c.tokens.Put(&token.node, token.Raw, token, token.Size())
	}
}
