// Package keyset holds the public keys of one issuer.
package keyset

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// ErrUnknownKey says that the issuer has no key for a token.
var ErrUnknownKey = fault.ErrUnknownKey

// Set finds the key that a token names among those at hand.
type Set interface {
	Find(jose.Header) (jose.Key, bool)
}

// Keys finds the key of a token, and fetches the set when it has to. Safe for concurrent use.
type Keys[S Set] struct {
	source  *fresh.Source[S]
	timeout time.Duration
}

// New makes a key set that is fetched from source when first asked for; nobody waits longer than timeout.
func New[S Set](source *fresh.Source[S], timeout time.Duration) *Keys[S] {
	return &Keys[S]{source: source, timeout: timeout}
}

// Find returns the key that a token names. A name that the set at hand lacks costs at most one fetch in the source's
// pause, whoever asks; a token of a known key never waits for it. The error is [ErrUnknownKey], or the fetch's, after at
// most the timeout.
func (k *Keys[S]) Find(ctx context.Context, token jose.Header) (jose.Key, error) {
	return k.find(ctx, token, k.source.Renew)
}

// Urgent are the same keys for tokens that nobody can send as many of as they like, since each has cost something that is
// spent: a name that the set at hand lacks costs a fetch, whatever the source's pause.
type Urgent[S Set] struct{ *Keys[S] }

// Find is that of [Keys], without the pause.
func (u Urgent[S]) Find(ctx context.Context, token jose.Header) (jose.Key, error) {
	return u.find(ctx, token, u.source.RenewNow)
}

// renew is [fresh.Source.Renew], or its kin.
type renew[S Set] = func(context.Context, *fresh.Snapshot[S]) (*fresh.Snapshot[S], error)

func (k *Keys[S]) find(ctx context.Context, token jose.Header, again renew[S]) (jose.Key, error) {
	if snapshot := k.source.Peek(); snapshot != nil {
		if key, ok := snapshot.Value.Find(token); ok {
			return key, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	return k.fetch(ctx, token, again)
}

func (k *Keys[S]) fetch(ctx context.Context, token jose.Header, again renew[S]) (jose.Key, error) {
	snapshot, err := k.source.Get(ctx)
	if err != nil {
		return jose.Key{}, err
	}
	if key, ok := snapshot.Value.Find(token); ok {
		return key, nil
	}
	snapshot, err = again(ctx, snapshot)
	if errors.Is(err, fresh.ErrCooling) {
		return jose.Key{}, ErrUnknownKey
	}
	if err != nil {
		return jose.Key{}, err
	}
	if key, ok := snapshot.Value.Find(token); ok {
		return key, nil
	}
	return jose.Key{}, ErrUnknownKey
}

// Proof is what verified a token, kept to see later whether the issuer still has the key. The zero value is that of a token
// that no key has verified. Safe for concurrent use; not to be copied.
type Proof struct {
	holder interface {
		holds(proof *Proof, now time.Time) bool
	}
	token jose.Header
	key   jose.Key
	seen  atomic.Value // the snapshot that had the key when somebody looked last
}

// Prove remembers in p that the key of a token has verified it.
func (k *Keys[S]) Prove(p *Proof, token jose.Header, key jose.Key) {
	p.holder, p.token, p.key = k, token, key
}

// Holds reports whether the issuer's keys at hand still have the key. It never waits: a false says that the token has to be
// verified again, not that it is bad.
func (p *Proof) Holds(now time.Time) bool { return p.holder != nil && p.holder.holds(p, now) }

// holds looks for the key once in each snapshot.
func (k *Keys[S]) holds(p *Proof, now time.Time) bool {
	snapshot := k.source.PeekAt(now)
	if snapshot == nil {
		return false
	}
	if p.seen.Load() == any(snapshot) {
		return true
	}
	if key, ok := snapshot.Value.Find(p.token); !ok || !key.Equal(p.key) {
		return false
	}
	p.seen.Store(snapshot)
	return true
}

// Ready waits until the set is at hand.
func (k *Keys[S]) Ready(ctx context.Context) error {
	_, err := k.source.Get(ctx)
	return err
}

// Close ends renewal.
func (k *Keys[S]) Close() { k.source.Close() }
