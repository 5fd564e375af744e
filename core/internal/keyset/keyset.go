// Package keyset caches the public keys of one issuer.
package keyset

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// ErrUnknownKey says that the issuer publishes no key for a token.
var ErrUnknownKey = fault.ErrUnknownKey

// Set is a key set in which the key of a token can be looked up.
type Set interface {
	Find(jose.Header) (jose.Key, bool)
}

// Keys finds the key of a token and fetches the key set if necessary. Safe for concurrent use.
type Keys[S Set] struct {
	source  *fresh.Source[S]
	timeout time.Duration

	proving sync.Mutex
	proofs  []*proof[S] // the last one of each key, for tokens with a kid and for those without
}

// New makes a key set that is fetched from source on first use. Find waits at most timeout.
func New[S Set](source *fresh.Source[S], timeout time.Duration) *Keys[S] {
	return &Keys[S]{source: source, timeout: timeout}
}

// Find returns the key that a token names. Unknown keys cost at most one fetch per Pause of the source, for all callers
// together; tokens with a cached key never wait. The error is [ErrUnknownKey] or that of the fetch, after at most the
// timeout.
func (k *Keys[S]) Find(ctx context.Context, token jose.Header) (jose.Key, error) {
	return k.find(ctx, token, k.source.Renew)
}

// Urgent is the same key set for tokens that callers cannot send at will, because each one costs a code or a refresh token. An
// unknown key starts a fetch even within the Pause of the source.
type Urgent[S Set] struct{ *Keys[S] }

// Find is [Keys.Find] without the pause.
func (u Urgent[S]) Find(ctx context.Context, token jose.Header) (jose.Key, error) {
	return u.find(ctx, token, u.source.RenewNow)
}

// Certain returns the same keys to a caller who must know whether a key exists. If the cached set lacks a key and no fetch is allowed
// yet, the error is [ErrNotYet] and not [ErrUnknownKey].
type Certain[S Set] struct{ *Keys[S] }

// ErrNotYet says that the last fetch was too recent to tell whether a key exists.
var ErrNotYet = errors.New("keyset: the keys were fetched a moment ago, without this one")

// Find is that of [Keys], with the difference.
func (c Certain[S]) Find(ctx context.Context, token jose.Header) (jose.Key, error) {
	return c.find(ctx, token, func(ctx context.Context, seen *fresh.Snapshot[S]) (*fresh.Snapshot[S], error) {
		snapshot, err := c.source.Renew(ctx, seen)
		if errors.Is(err, fresh.ErrCooling) {
			err = ErrNotYet
		}
		return snapshot, err
	})
}

// renew is [fresh.Source.Renew] or [fresh.Source.RenewNow].
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

// Proof says which key verified a token, to check later whether the issuer still publishes it. The tokens of a key share one, at least
// those between two fetches. Safe for concurrent use.
type Proof interface {
	// Holds reports whether the cached keys of the issuer still contain the key. It never waits. false means that the token must be
	// verified again, not that it is invalid.
	Holds(now time.Time) bool
}

type proof[S Set] struct {
	keys  *Keys[S]
	token jose.Header // of the tokens, as far as it chooses the key
	key   jose.Key
	seen  atomic.Pointer[fresh.Snapshot[S]] // the last one in which Holds found the key
}

// Prove returns the proof that key, which [Keys.Find] returned for this header, verified the token. It keeps nothing of the header.
func (k *Keys[S]) Prove(token jose.Header, key jose.Key) Proof {
	chosen := jose.Header{Alg: key.Alg, HasKey: token.HasKey}
	if token.HasKey {
		chosen.KeyID = key.ID
	}
	k.proving.Lock()
	defer k.proving.Unlock()
	for _, p := range k.proofs {
		if p.token == chosen && p.key.Is(key) {
			return p
		}
	}
	now := time.Now()
	isOld := func(p *proof[S]) bool { return p.token == chosen || !p.Holds(now) } // tokens that have it keep it
	k.proofs = slices.DeleteFunc(k.proofs, isOld)
	added := &proof[S]{keys: k, token: chosen, key: key}
	k.proofs = append(k.proofs, added)
	return added
}

// Holds looks up the key once per snapshot.
func (p *proof[S]) Holds(now time.Time) bool {
	snapshot := p.keys.source.PeekAt(now)
	if snapshot == nil {
		return false
	}
	if p.seen.Load() == snapshot {
		return true
	}
	if key, ok := snapshot.Value.Find(p.token); !ok || !key.Equal(p.key) {
		return false
	}
	p.seen.Store(snapshot)
	return true
}

// Ready waits until the set is cached. It returns the error of the fetch or of ctx.
func (k *Keys[S]) Ready(ctx context.Context) error {
	_, err := k.source.Get(ctx)
	return err
}

// Close stops renewal.
func (k *Keys[S]) Close() { k.source.Close() }
