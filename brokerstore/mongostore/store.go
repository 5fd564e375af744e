package mongostore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Names of the collections.
const (
	sessionsName = "oidcauth_sessions" // sessions and the feed: a document is a session, a revocation, or both
	keysName     = "oidcauth_keys"
)

var errClosed = errors.New("the store is closed")

// Store is a [store.Store] in MongoDB. Make one with [New] or through [store.Open]; the zero value is not usable. Safe for concurrent use.
//
// One collection contains sessions and revocations by the session's ID, another one the signing keys. A revocation removes the fields of
// the session from its document and adds its own, in one write of one document, which MongoDB does completely or not at all.
//
// The store overrides the client's settings: writes wait for the majority of a replica set (write concern majority), and reads go to the
// primary and see what the majority has (read concern majority). So the loss of the primary does not undo an operation that has returned.
// For some seconds, until it notices, a primary that has lost its connection to the others can answer reads with stale data. It cannot
// complete a write. Linearizable reads would prevent this, but each would need a round trip to the majority.
type Store struct {
	dial   func() (*mongo.Database, error) // nil: the database is the caller's
	db     atomic.Pointer[mongo.Database]
	closed atomic.Bool
	mu     sync.Mutex // held while dial works
}

var _ store.Store = (*Store)(nil)

// New makes a store in a database of a client that the caller owns: Close leaves the client open. New does not connect.
func New(db *mongo.Database) *Store {
	s := &Store{}
	s.db.Store(db)
	return s
}

// drain is how long Close waits for calls that are at work.
const drain = 5 * time.Second

// Close disconnects the client that the store has opened itself, and waits up to 5 seconds for running calls. It leaves the client of [New]
// open. After Close, every method returns an error, except Close, which may be called again.
func (s *Store) Close() error {
	if s.closed.Swap(true) || s.dial == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.db.Load()
	if db == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	return fail("close", db.Client().Disconnect(ctx))
}

// database returns the database, connected when first asked for. That may take a look into the DNS, which knows no
// context: it is left to end by itself when the context does.
func (s *Store) database(ctx context.Context) (*mongo.Database, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, errClosed
	}
	if db := s.db.Load(); db != nil {
		return db, nil
	}
	done := make(chan error, 1)
	go func() { done <- s.connect() }()
	select {
	case err := <-done:
		return s.db.Load(), err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connect connects once. The next call tries again what failed.
func (s *Store) connect() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return errClosed
	}
	if s.db.Load() != nil {
		return nil
	}
	db, err := s.dial()
	if err == nil {
		s.db.Store(db)
	}
	return err
}

// collection returns a collection with our own settings in the place of the client's.
func (s *Store) collection(ctx context.Context, name string) (*mongo.Collection, error) {
	db, err := s.database(ctx)
	if err != nil {
		return nil, err
	}
	return db.Collection(name, options.Collection().
		SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())), nil
}

func (s *Store) sessions(ctx context.Context) (*mongo.Collection, error) {
	return s.collection(ctx, sessionsName)
}

func (s *Store) keys(ctx context.Context) (*mongo.Collection, error) {
	return s.collection(ctx, keysName)
}
