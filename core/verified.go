package core

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

const (
	defaultTokenCache = 8192
	maxTokenCache     = 1 << 20
)

// verifiedTokens remembers access tokens that a guard has verified, so that the next request with one of them costs no
// signature. Nothing else ever enters it, and what it finds is held against all that can change: the clock and the issuer's
// keys; revocation is the caller's. Safe for concurrent use; nil remembers nothing.
type verifiedTokens struct {
	tokens *tokencache.Cache[*IDToken]
}

func newVerifiedTokens(cfg *Config) *verifiedTokens {
	if cfg.TokenCacheSize < 0 {
		return nil
	}
	return &verifiedTokens{tokencache.New[*IDToken](cfg.TokenCacheSize)}
}

// find returns a token that came before, byte for byte, and is as good as it was then; nil says that it has to be verified.
func (v *verifiedTokens) find(raw string, now time.Time) *IDToken {
	if v == nil {
		return nil
	}
	token, ok := v.tokens.Get(raw)
	if at := now.UnixMilli(); !ok || at >= token.until || at < token.since || !token.proof.Holds(now) {
		return nil
	}
	return token
}

// keep remembers a token that has just been verified; its raw text is a copy already.
func (v *verifiedTokens) keep(token *IDToken) {
	if v == nil {
		return
	}
	v.tokens.Put(token.raw, token, len(token.raw)+len(token.payload)+cap(token.claims)*perClaim+perToken)
}

// What an entry takes in bytes beside its texts, about: each claim's place, and the identity with its lists and the header.
const (
	perClaim = 32
	perToken = 700
)
