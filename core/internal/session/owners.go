package session

import (
	"crypto/sha256"
	"sync"

	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// maxOwners is the maximum number of entries in owners.
const maxOwners = 1 << 16

// owners maps refresh tokens that this process has seen to their persons. It has hashes alone, at most maxOwners entries, and drops the
// oldest entry first. The zero value is ready for use. Safe for concurrent use.
type owners struct {
	mu    sync.Mutex
	known map[hash]hash
	ring  []hash // tokens in the order of insertion; next is the index of the oldest one
	next  int
}

type hash = [sha256.Size]byte

// ownerOf returns the hash of the person in a provider's answer: of the ID token, or else of a readable access token. ok is false if the
// answer has neither.
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
