// Package family stores sessions and implements refresh token rotation. Each login starts a family: one session with a chain of refresh
// tokens. Each token is spent once, on any instance. During a short grace period, the token that was spent last gets the same answer
// again, so that a client that lost the answer stays logged in. Any older token ends the family (reuse detection). docs/models has a
// model of the protocol.
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
	// ErrEnded says that the family has ended or never existed. The user must log in again.
	ErrEnded = errors.New("family: the session has ended")
	// ErrReused wraps ErrEnded: the token had been spent before, and the family was ended for that reason.
	ErrReused = fmt.Errorf("%w: a spent refresh token was used again", ErrEnded)
	// ErrBusy says that there is no answer yet: another request is refreshing the session or has failed to, the context has ended, or the
	// families are closed. The token stays valid.
	ErrBusy = errors.New("family: the session is being refreshed by another request")
	// ErrSealed says that a row was encrypted with a secret that is no longer configured, or for another service.
	ErrSealed = errors.New("family: a stored session cannot be decrypted: it was encrypted with other SecretKeys, or for another ClientID or PublicURL")
	// ErrTooLarge says that a session is larger than a store must accept.
	ErrTooLarge = errors.New("family: the session is too large")
	// ErrRefused is wrapped by the error of a [Spend] if the provider has refused the refresh permanently.
	ErrRefused = errors.New("family: the provider has ended the session")
	// ErrPending says that the store failed to end a session, and that the end will be retried. The store's error is wrapped, too.
	ErrPending = errors.New("family: the session is not ended in the store yet")
	// ErrPanicked says that a function of the caller, or the store, has panicked. Config.Panicked got the value.
	ErrPanicked = errors.New("family: a function has panicked")
)

// maxSealed is the maximum size of Data and of Answer in a [store.Session], in bytes.
const maxSealed = 256 << 10

// Config has the settings of families. Store, Secrets, Issuer, Client, Lease, Wait, Grace and Feed must be set.
type Config struct {
	Store   store.Store
	Secrets [][]byte // the first one encrypts, all decrypt
	Issuer  string   // with Client, bound into the encryption: rows of another service cannot be decrypted
	Client  string
	Lease   time.Duration // how long one request may take to spend a token before another one takes over
	Wait    time.Duration // how long other requests wait for it
	Grace   time.Duration // grace period: how long a spent token gets the same answer again
	Feed    time.Duration // minimum time of an ended family in the revocation list: the lifetime of an access token issued now
	Leeway  time.Duration // how long an access token is accepted after its expiry
	Max     time.Duration // maximum lifetime of a family from its start, even if it is refreshed; 0: unlimited

	// Abandon revokes at the provider the tokens in data: of a session that this package has ended by itself or by a retry, or of a result
	// that cannot be used any more. It must not wait for a method of Families. nil: nothing is called.
	Abandon func(ctx context.Context, data []byte)
	// Revoked reports whether a family is in the revocation list of this instance, which may have an end that the store does not have yet.
	// [Families.Rotate] calls it at its start and before it returns an answer. nil: no family is revoked.
	Revoked func(ctx context.Context, id string) (bool, error)
	// Panicked logs the value and the stack of a panic in a function of this struct, in a [Spend] or in the store. nil: nothing is called.
	Panicked func(value any, stack []byte)
	// Clocks detects instances whose clocks differ by too much. May be nil.
	Clocks *clocks.Watch
	// Now returns the current time. nil: time.Now.
	Now func() time.Time
}

// Families manages the sessions of one service in its store. Safe for concurrent use.
type Families struct {
	cfg           Config
	data, answers *seal.Sealer
	instance      [instanceSize]byte // random; marks the answers of this instance, whose grace period needs no allowance for clocks
	base          context.Context    // canceled by Close
	close         context.CancelFunc

	mu       sync.Mutex
	closed   bool                 // Close was called: no new work starts
	pending  map[string]time.Time // queue of failed ends, by ID: until when each must stay in the revocation list
	retrying bool                 // a goroutine retries the queue
	owed     map[owed]debt        // tokens that were spent and whose client has no answer yet
	flights  sync.WaitGroup       // work in the background
}

// New makes the families of one service. It returns an error if Secrets is empty or has an invalid secret.
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
	f := &Families{cfg: cfg, data: data, answers: answers, pending: make(map[string]time.Time), owed: make(map[owed]debt)}
	f.base, f.close = context.WithCancel(context.Background()) // canceled by Close
	_, _ = rand.Read(f.instance[:])                            // crypto/rand.Read never fails
	return f, nil
}

func (f *Families) now() time.Time { return stored.Time(f.cfg.Now()) }

// Login describes a new session.
type Login struct {
	Subject string // for people who read the database
	// Owner and ProviderSession are those of [store.Session]. The session ends at Idle unless a request moves that time; zero: no idle
	// timeout. Note is shown in lists of sessions; it is stored encrypted.
	Owner, ProviderSession []byte
	Idle                   time.Time
	Note                   []byte

	Data    []byte
	Expires time.Time // end of the session; for a family, Config.Max may end it earlier
	Issued  time.Time // expiry of the access token that is issued with it
	NoToken bool      // the session has no refresh token; its row only serves the logout
}

// Begin stores a new session: a family whose first refresh token is token, or a browser session whose cookie is token. The error is
// [ErrTooLarge] or that of the store.
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
		session.Note = f.data.SealBytes(login.Note, f.context(token.ID)+"\x00note")
	}
	return f.cfg.Store.PutSession(ctx, session)
}

// bounded returns the end of a family: at, or the maximum lifetime if that ends earlier.
func (f *Families) bounded(session store.Session, at time.Time) time.Time {
	if last := session.Started.Add(f.cfg.Max); f.cfg.Max > 0 && at.After(last) {
		at = last
	}
	return stored.Time(at)
}

// Close waits for the work in the background, and retries the queued ends once more. It takes no longer than a lease. After Close,
// [Families.Rotate] and [Families.Renew] return [ErrBusy] instead of calling the provider.
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
	sealed := sealer.SealBytes(plain, f.context(id))
	if len(sealed) > maxSealed {
		return nil, ErrTooLarge
	}
	return sealed, nil
}

func (f *Families) open(sealer *seal.Sealer, id string, sealed []byte) ([]byte, error) {
	plain, err := sealer.OpenBytes(sealed, f.context(id))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
