// Package outgoing keeps the access tokens that this service presents to others: until shortly before they end, and with one fetch at a time
// for each.
package outgoing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
	"golang.org/x/sync/singleflight"
)

const (
	most  = 4096             // tokens in the cache
	early = 30 * time.Second // before its end a token is replaced; at most half of its life
	pause = 10 * time.Second // after a fetch, in which a refusal by the target causes no other
)

// Token is an access token. The zero value is none.
type Token struct {
	Text    string
	Begins  time.Time // when it was asked for
	Expires time.Time // zero: not known
}

// Good reports whether the token can be used at a time.
func (t Token) Good(now time.Time) bool {
	return t.Text != "" && (t.Expires.IsZero() || now.Before(t.Expires))
}

// isFresh reports whether the token need not be replaced yet.
func (t Token) isFresh(now time.Time) bool {
	return t.Text != "" && now.Before(t.Expires.Add(-min(early, t.Expires.Sub(t.Begins)/2)))
}

// Tokens is a bounded cache. Safe for concurrent use.
type Tokens struct {
	wait   time.Duration
	cache  func() *tokencache.Cache[Token] // made by the first use
	flight singleflight.Group
}

// New makes an empty cache. A fetch gets wait, whoever waits for it.
func New(wait time.Duration) *Tokens {
	return &Tokens{wait: wait, cache: sync.OnceValue(func() *tokencache.Cache[Token] { return tokencache.New[Token](most) })}
}

// Key returns the key of a token for parts that no text separates wrongly. It does not reveal them.
func Key(parts ...string) string {
	var all strings.Builder
	for _, part := range parts {
		_, _ = fmt.Fprintf(&all, "%d:%s", len(part), part) // never fails
	}
	sum := sha256.Sum256([]byte(all.String()))
	return hex.EncodeToString(sum[:])
}

// Get returns the token of a key. A token that ends soon is fetched again; if that fails because the
// provider is out of reach, the old one serves until its end. fetch is called once for all that wait; its context ends with none of theirs.
// The error is that of fetch, or an outage if ctx ends first.
func (t *Tokens) Get(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (Token, error) {
	old, _ := t.cache().Get(key)
	if old.isFresh(time.Now()) {
		return old, nil
	}
	done := t.flight.DoChan(key, func() (any, error) {
		if again, _ := t.cache().Get(key); again.isFresh(time.Now()) { // another one has just fetched it
			return again, nil
		}
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.wait)
		defer cancel()
		token, err := fetch(own)
		if err == nil && !token.Expires.IsZero() {
			t.keep(key, token)
		}
		return token, err
	})
	select {
	case result := <-done:
		if token, ok := result.Val.(Token); ok && result.Err == nil {
			return token, nil
		}
		if fault.Is(result.Err, fault.Outage) && old.Good(time.Now()) {
			return old, nil
		}
		return Token{}, result.Err
	case <-ctx.Done():
		return Token{}, fault.Down(fault.Provider, errGone)
	}
}

var errGone = errors.New("the caller has gone away")

// Drop forgets a token that its target refused, and reports whether it did: not one that is a few seconds old, so that a target that refuses
// everything does not cause a fetch with each request.
func (t *Tokens) Drop(key string, refused Token) bool {
	now, _ := t.cache().Get(key)
	if now.Text != refused.Text {
		return now.Text != "" // it was replaced already
	}
	if time.Since(refused.Begins) < pause {
		return false
	}
	t.keep(key, Token{})
	return true
}

// overhead is the size of an entry without its texts, in bytes.
const overhead = 256

func (t *Tokens) keep(key string, token Token) {
	t.cache().Put(new(tokencache.Node[Token]), key, token, overhead+len(key)+len(token.Text))
}
