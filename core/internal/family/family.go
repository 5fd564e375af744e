// Package family keeps sessions and their refresh tokens: one login is one family, in which each token follows the one
// before. A token is spent once, on whichever instance; its predecessor gets the same answer for a short grace, so that a
// client whose answer was lost is not logged out; any older one ends the family. docs/models has the protocol as a model.
package family

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var (
	// ErrEnded says that the family has ended, or never was: log in again.
	ErrEnded = errors.New("family: the session has ended")
	// ErrReused is an ErrEnded: the family was ended because of this token, which had been spent before.
	ErrReused = fmt.Errorf("%w: a spent token came again", ErrEnded)
	// ErrBusy says that another request is still refreshing the session, or has failed: the token stays valid.
	ErrBusy = errors.New("family: the session is being refreshed by another request")
	// ErrSealed says that a row was sealed with a secret that is not configured any more, or for another service.
	ErrSealed = errors.New("family: a stored session does not open: it was sealed with other SecretKeys, or for another ClientID or PublicURL")
	// ErrTooLarge says that a session is larger than a store has to hold.
	ErrTooLarge = errors.New("family: the session is too large")
	// ErrRefused is what a [Spend] wraps when the provider has refused for good.
	ErrRefused = errors.New("family: the provider has ended the session")
	// ErrPending says that the store has refused the end of a session, beside its error: the end is tried again.
	ErrPending = errors.New("family: the session is not ended in the store yet")
	// ErrPanicked says that a function of the caller's has panicked. Config.Panicked got the value.
	ErrPanicked = errors.New("family: a function has panicked")
)

// maxSealed is what [store.Session] allows for Data and Answer, in bytes.
const maxSealed = 256 << 10

// Config is what families need. Store, Secrets, Issuer, Client, Lease, Wait, Grace and Feed must be set.
type Config struct {
	Store   store.Store
	Secrets [][]byte // the first seals, all open
	Issuer  string   // the own issuer, and the client ID: what was sealed for another service does not open
	Client  string
	Lease   time.Duration // how long spending a token may take before another request takes over
	Wait    time.Duration // how long other requests wait for the one that spends the token
	Grace   time.Duration // how long a spent token gets the same answer again
	Feed    time.Duration // how long an ended family stays in the revocation list at least: the life of an access token issued now
	Leeway  time.Duration // how long after its expiry an access token is accepted
	Max     time.Duration // how long a family lives from its start, however often it is refreshed; 0: for ever

	// Abandon gets the data of a session that has ended here, or of a result that nobody can use any more: what it
	// holds at the provider is to be revoked. It must not wait for this package. nil: nothing is called.
	Abandon func(ctx context.Context, data []byte)
	// Revoked reports whether a family is in the revocation list of this instance, which may know of an end that the store
	// does not have yet. It is asked before anything is given out. nil: none is.
	Revoked func(ctx context.Context, id string) (bool, error)
	// Panicked gets what a function of this struct, a [Spend] or the store has panicked with, for the log. nil: nothing is called.
	Panicked func(value any, stack []byte)
	// Clocks notices instances whose clocks differ by too much. May be nil.
	Clocks *clocks.Watch
	// Now is the clock; nil: the real one.
	Now func() time.Time
}

// Families is safe for concurrent use.
type Families struct {
	cfg           Config
	data, answers *seal.Sealer
	instance      [instanceSize]byte // random: the answers that were sealed here have no other clock
	base          context.Context    // ended by Close
	close         context.CancelFunc

	mu       sync.Mutex
	closed   bool                 // nothing new begins
	pending  map[string]time.Time // ends that the store has refused: until when each matters
	retrying bool                 // a goroutine tries them again
	flights  sync.WaitGroup       // what goes on though its caller may have left
}

// New makes the families of one service.
func New(cfg Config) (*Families, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Abandon == nil {
		cfg.Abandon = func(context.Context, []byte) {}
	}
	if cfg.Revoked == nil {
		cfg.Revoked = func(context.Context, string) (bool, error) { return false, nil }
	}
	if cfg.Panicked == nil {
		cfg.Panicked = func(any, []byte) {}
	}
	data, err := seal.New("session data", cfg.Secrets...)
	if err != nil {
		return nil, err
	}
	answers, err := seal.New("session answer", cfg.Secrets...)
	if err != nil {
		return nil, err
	}
	f := &Families{cfg: cfg, data: data, answers: answers, pending: make(map[string]time.Time)}
	f.base, f.close = context.WithCancel(context.Background()) // Close ends it
	_, _ = rand.Read(f.instance[:])                            // crypto/rand.Read never fails
	return f, nil
}

func (f *Families) now() time.Time { return stored.Time(f.cfg.Now()) }

// Login is what a session begins with.
type Login struct {
	Subject string // for people who read the database
	// Owner and ProviderSession are what [store.Session] says. Idle is when the session ends if no request comes before; zero: no
	// such end. Note is for the person who looks at a list of sessions.
	Owner, ProviderSession []byte
	Idle                   time.Time
	Note                   []byte

	Data    []byte
	Expires time.Time // the family's end, unless Config.Max ends it before
	Issued  time.Time // when the access token that goes with it expires
	NoToken bool      // nothing can be refreshed: the row is there for the logout
}

// Begin stores a new session: a family whose first token is token, or a browser's session with this cookie.
func (f *Families) Begin(ctx context.Context, token Token, login Login) error {
	now := f.now()
	session := store.Session{
		ID: token.ID, Kind: token.kind, Subject: login.Subject, Owner: login.Owner, ProviderSession: login.ProviderSession, Version: 1,
		Started: now, Seen: now, LastExpiry: stored.Time(login.Issued),
	}
	session.Expires = stored.Time(login.Expires)
	if token.kind == store.KindToken {
		session.Expires = f.bounded(session, login.Expires)
	}
	if !login.Idle.IsZero() {
		session.Idle = stored.Time(login.Idle)
	}
	if !login.NoToken {
		session.Current = token.hash[:]
	}
	var err error
	if session.Data, err = f.seal(f.data, token.ID, login.Data); err != nil {
		return err
	}
	if len(login.Note) > 0 {
		session.Note = []byte(f.data.Seal(login.Note, f.context(token.ID)+"\x00note"))
	}
	return f.cfg.Store.PutSession(ctx, session)
}

// bounded is when a family ends that would end at a time.
func (f *Families) bounded(session store.Session, at time.Time) time.Time {
	if last := session.Started.Add(f.cfg.Max); f.cfg.Max > 0 && at.After(last) {
		at = last
	}
	return stored.Time(at)
}

// Close waits until what goes on in the background has ended, and tries once more to write the ends that the store has
// refused; it takes no longer than a lease. Rotations that would begin after it are [ErrBusy].
func (f *Families) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.close()
	f.flights.Wait()
}

func (f *Families) context(id string) string {
	return f.cfg.Issuer + "\x00" + f.cfg.Client + "\x00" + id
}

func (f *Families) seal(sealer *seal.Sealer, id string, plain []byte) ([]byte, error) {
	sealed := sealer.Seal(plain, f.context(id))
	if len(sealed) > maxSealed {
		return nil, ErrTooLarge
	}
	return []byte(sealed), nil
}

func (f *Families) open(sealer *seal.Sealer, id string, sealed []byte) ([]byte, error) {
	plain, err := sealer.Open(string(sealed), f.context(id))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
