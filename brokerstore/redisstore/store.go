package redisstore

import (
	"context"
	"errors"
	"sync"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/redis/go-redis/v9"
)

// All keys carry one hash tag: a cluster keeps them on one node, where a script may touch several of them.
const (
	space        = "{oidcauth}:"
	sessionKey   = space + "session:"      // and the ID: a hash, one session
	sessionsKey  = space + "sessions"      // sorted set: IDs of sessions by the earlier of Expires and Idle, for Purge
	ownerKey     = space + "owner:"        // and the owner: sorted set, IDs of the owner's sessions by Started
	providerKey  = space + "provider:"     // and the session at the provider: the same of its sessions
	keysKey      = space + "keys"          // hash: the fields of all signing keys
	revokedKey   = space + "revoked"       // hash: ID to "At Until writer", and the last writer of the session that went
	revokedAt    = space + "revoked:at"    // sorted set: IDs by At, for Revoked
	revokedUntil = space + "revoked:until" // sorted set: IDs by Until, for Purge
)

// Store is a [store.Store] in Redis. Make one with [New] or through [store.Open]; the zero value is not usable. Safe for concurrent use.
//
// All its keys begin with "{oidcauth}:". Every change of more than one key is one Lua script, which Redis runs without any other command in
// between. If the connection breaks before the reply, the client may send a script twice: the second run recognizes the first and does
// not report a conflict.
type Store struct {
	client redis.UniversalClient
	shut   func() error // closes what the store opened itself, once
}

var _ store.Store = (*Store)(nil)

// New makes a store on a client that the caller owns: Close leaves it open. The client's timeouts and retries stay as they are, but every
// method returns when its context ends. New does not connect. [Store.Init] returns an error for a client that may read from replicas, and for
// a redis.Ring, which distributes the keys over several servers.
func New(client redis.UniversalClient) *Store {
	return &Store{client: client, shut: func() error { return nil }}
}

// own makes a store that closes the client.
func own(client redis.UniversalClient) *Store {
	return &Store{client: client, shut: sync.OnceValue(client.Close)}
}

// Close closes the client that the store has opened itself. It leaves the client of [New] open. It may be called again.
func (s *Store) Close() error { return fail("close", s.shut()) }

// result is what a call to the server ended with.
type result[T any] struct {
	value T
	err   error
}

// within runs work, which talks to the server, until the context ends. The client looks at a context's deadline at
// most, so a call that is cancelled is left to end by the client's own timeouts.
func within[T any](ctx context.Context, operation string, work func() (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, fail(operation, ctx.Err())
	}
	done := make(chan result[T], 1)
	go func() {
		value, err := work()
		done <- result[T]{value, err}
	}()
	select {
	case r := <-done:
		return r.value, fail(operation, ended(ctx, r.err))
	case <-ctx.Done():
		return none, fail(operation, ctx.Err())
	}
}

// run runs a script that returns 1, or 0 for a conflict.
func (s *Store) run(ctx context.Context, operation string, script *redis.Script, keys []string, arguments ...any) error {
	_, err := within(ctx, operation, func() (struct{}, error) {
		return struct{}{}, s.try(ctx, script, keys, arguments...)
	})
	return err
}

// errElsewhere stands for a script's answer 2: the session is in other lists than those that it was given.
var errElsewhere = errors.New("the session has another owner each time")

func (s *Store) try(ctx context.Context, script *redis.Script, keys []string, arguments ...any) error {
	done, err := script.Run(ctx, s.client, keys, arguments...).Int()
	switch {
	case err != nil:
		return err
	case done == 0:
		return store.ErrConflict
	case done == 2:
		return errElsewhere
	}
	return nil
}
