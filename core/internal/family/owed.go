package family

import (
	"crypto/sha256"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
)

// owed is the hash of a token that this instance has spent. Until its client has the answer, the grace period is that of other
// instances, a minute longer: a store that fails in the middle of a rotation may keep the client waiting, and take the rotation all the
// same. The client was told to come again with its token, and must not be logged out for that.
type owed [sha256.Size]byte

// debt is what is known of an owed answer.
type debt struct {
	until   time.Time // for how long it is kept
	flights int       // rotations that are about to spend the token, or may have
}

// owe notes that a token is about to be spent in the store.
func (f *Families) owe(token Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	for other, d := range f.owed { // those under way, and what an outage has left
		if now.After(d.until) {
			delete(f.owed, other)
		}
	}
	f.owed[token.hash] = debt{until: now.Add(f.cfg.Lease + holdOn + f.cfg.Grace + clocks.Skew), flights: f.owed[token.hash].flights + 1}
}

// forgo notes that a rotation has not spent its token: another one has taken over, and what it wrote counts.
func (f *Families) forgo(token Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, owes := f.owed[token.hash]
	if d.flights--; !owes || d.flights <= 0 {
		delete(f.owed, token.hash)
		return
	}
	f.owed[token.hash] = d
}

// answered notes that the client of a token gets its answer.
func (f *Families) answered(token Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.owed, token.hash)
}

// owes reports whether the client of a token has no answer yet.
func (f *Families) owes(token Token) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, owes := f.owed[token.hash]
	return owes
}
