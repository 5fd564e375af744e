package keyring

import (
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Ring contains the keys at one moment. It is immutable.
type Ring struct {
	Document []byte // the public halves as a JWK set
	entries  []entry
}

type entry struct {
	row    store.Key
	signer *jose.Signer // nil: the row only occupies a generation
	public jose.Key
	keep   time.Time // an imported key verifies at least until then
	stop   time.Time // of a key that ends: a token signed from then on could outlive it
}

// Signer returns the key that signs at a time: the newest whose start is not later, and whose tokens will expire before it ends.
func (r *Ring) Signer(now time.Time) *jose.Signer {
	if e := r.signing(now); e != nil {
		return e.signer
	}
	return nil
}

func (r *Ring) signing(now time.Time) *entry {
	var earliest *entry
	for _, e := range r.signers() {
		switch {
		case e.row.From.After(now):
			earliest = e // signs if there is no other: one was withdrawn, or the clock of the instance that made this one is ahead
		case e.row.Until.IsZero() || e.stop.After(now):
			return e
		}
	}
	return earliest
}

// signers returns the keys that may sign, now or later, and have not ended, newest first.
func (r *Ring) signers() (list []*entry) {
	for i := range slices.Backward(r.entries) {
		if e := &r.entries[i]; e.signer != nil && !e.row.From.IsZero() {
			list = append(list, e)
		}
	}
	return list
}

// Find returns the key that a token names, whose algorithm may be another than the token's: then [jose.Token.Verify] refuses the
// token.
func (r *Ring) Find(token jose.Header) (jose.Key, bool) {
	i := slices.IndexFunc(r.entries, func(e entry) bool { return e.signer != nil && token.HasKey && e.public.ID == token.KeyID })
	if i < 0 {
		return jose.Key{}, false
	}
	e := r.entries[i]
	return e.public, e.row.Until.IsZero() || e.row.Until.After(time.Now())
}

// Holds reports whether a key with this kid verifies tokens.
func (r *Ring) Holds(id string) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.signer != nil && e.row.ID == id })
}

func (r *Ring) has(id string) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.row.ID == id })
}

func (r *Ring) last() int64 {
	if len(r.entries) == 0 {
		return 0
	}
	return r.entries[len(r.entries)-1].row.Generation
}
