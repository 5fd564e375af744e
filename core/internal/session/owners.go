package session

import (
	"crypto/sha256"
	"sync"

	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// maxOwners is how many refresh tokens one process remembers.
const maxOwners = 1 << 16

// owners knows which person a refresh token belongs to, if this process has seen it before, by hashes alone. It is bounded in
// number; the oldest is dropped first. The zero value is ready for use; safe for concurrent use.
type owners struct {
	mu    sync.Mutex
	known map[hash]hash
	ring  []hash // tokens in the order in which they came, next is the oldest
	next  int
}

type hash = [sha256.Size]byte

// ownerOf returns the person of a provider's answer: by its ID token, else by its access token if that can be read. false: the
// answer names nobody.
func ownerOf(grant *Grant) (owner hash, ok bool) {
	for _, token := range []*verify.Token{grant.Caller, grant.Access} {
		if token != nil {
			return sha256.Sum256([]byte(token.Issuer + "\x00" + token.Subject)), true
		}
	}
	return owner, false
}

func (o *owners) of(token string) (owner hash, ok bool) {
	key := sha256.Sum256([]byte(token))
	o.mu.Lock()
	defer o.mu.Unlock()
	owner, ok = o.known[key]
	return owner, ok
}

func (o *owners) remember(token string, owner hash) {
	if token == "" {
		return
	}
	key := sha256.Sum256([]byte(token))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = make(map[hash]hash)
	}
	_, again := o.known[key]
	o.known[key] = owner
	switch {
	case again:
	case len(o.ring) < maxOwners:
		o.ring = append(o.ring, key)
	default:
		delete(o.known, o.ring[o.next])
		o.ring[o.next] = key
		o.next = (o.next + 1) % maxOwners
	}
}
