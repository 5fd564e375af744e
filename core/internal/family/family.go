// Package family keeps sessions and their refresh tokens: one login is one family, in which each token follows the one
// before. A token is spent once, on whichever instance; its predecessor gets the same answer for a short grace, so that a
// client whose answer was lost is not logged out; any older one ends the family. docs/models has the protocol as a model.
package family

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var (
	// ErrEnded says that the family is no more, or never was: log in again.
	ErrEnded = errors.New("family: the session has ended")
	// ErrReused is an ErrEnded: the family was ended because of this token, which had been spent before.
	ErrReused = fmt.Errorf("%w: a spent token came again", ErrEnded)
	// ErrBusy says that another holder of the token, or of the row, was faster and has not come to an end, or that what
	// it tried failed: the token is as good as before.
	ErrBusy = errors.New("family: somebody else is at it")
	// ErrSealed says that a row was sealed with a secret that is not configured any more, or for another client.
	ErrSealed = errors.New("family: a stored session does not open: it was sealed with other SecretKeys, or for another client")
	// ErrTooLarge says that a session is larger than a store has to hold.
	ErrTooLarge = errors.New("family: the session is too large")
	// ErrRefused is what a [Spend] wraps when the provider has refused for good.
	ErrRefused = errors.New("family: the provider has ended the session")
)

// maxSealed is what [store.Session] allows for Data and Answer, in bytes.
const maxSealed = 256 << 10

// Config is what families are kept with. All fields but Abandon and Now are needed.
type Config struct {
	Store   store.Store
	Secrets [][]byte      // the first seals, all open
	Client  string        // who seals: what another client sealed does not open
	Lease   time.Duration // how long a token may take to be spent before another try takes over
	Wait    time.Duration // how long others wait for the one who spends it
	Grace   time.Duration // how long a spent token gets the same answer again
	Feed    time.Duration // how long an ended family stays in the feed: the life of its access tokens

	// Abandon is told of the data of a session that has ended here, or of a result that nobody can use any more: what it
	// holds at the provider is to be revoked. It must not wait for this package. May be nil.
	Abandon func(ctx context.Context, data []byte)
	// Now is the clock; nil: the real one.
	Now func() time.Time
}

// Families is safe for concurrent use.
type Families struct {
	cfg           Config
	data, answers *seal.Sealer

	mu      sync.Mutex
	closed  bool           // nothing new begins
	flights sync.WaitGroup // what goes on though its caller may have left
}

// New makes the families of one service.
func New(cfg Config) (*Families, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Abandon == nil {
		cfg.Abandon = func(context.Context, []byte) {}
	}
	data, err := seal.New("session data", cfg.Secrets...)
	if err != nil {
		return nil, err
	}
	answers, err := seal.New("session answer", cfg.Secrets...)
	if err != nil {
		return nil, err
	}
	return &Families{cfg: cfg, data: data, answers: answers}, nil
}

func (f *Families) now() time.Time { return stored.Time(f.cfg.Now()) }

// Login is what a family begins with.
type Login struct {
	Subject string // for people who look into the database
	Data    []byte
	Expires time.Time
	NoToken bool // nothing can be refreshed: the row is there for the logout
}

// Begin stores a new family, whose first token is token.
func (f *Families) Begin(ctx context.Context, token Token, login Login) error {
	session := store.Session{ID: token.ID, Subject: login.Subject, Expires: stored.Time(login.Expires), Version: 1}
	if !login.NoToken {
		session.Current = token.hash[:]
	}
	var err error
	if session.Data, err = f.seal(f.data, token.ID, login.Data); err != nil {
		return err
	}
	return f.cfg.Store.PutSession(ctx, session)
}

// End ends a family, whatever state it is in, and tells every instance: its access tokens die. until is when the last one
// that is known ends; a family that was minted for goes on being told of for Config.Feed at least. It returns the data of
// the session, nil when there was none that opens; with an error too, since the row may be gone though the store could
// not say so.
func (f *Families) End(ctx context.Context, id string, until time.Time) ([]byte, error) {
	for {
		session, err := f.cfg.Store.Session(ctx, id, f.now())
		switch {
		case errors.Is(err, store.ErrNotFound):
			session.Version = 0 // the access token may still live
		case err != nil:
			return nil, err
		}
		// The version makes sure that what is revoked at the provider is what the row held in the end.
		err = f.revoke(ctx, id, session.Version, until)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		data, _ := f.open(f.data, id, session.Data) // the family has ended all the same
		return data, err
	}
}

func (f *Families) revoke(ctx context.Context, id string, version int64, until time.Time) error {
	now := f.now()
	if feed := now.Add(f.cfg.Feed); feed.After(until) {
		until = feed
	}
	return f.cfg.Store.Revoke(ctx, id, version, now, stored.Time(until))
}

// Close waits until what goes on in the background has ended, which takes no longer than a lease. Rotations that would
// begin after it are [ErrBusy].
func (f *Families) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.flights.Wait()
}

func (f *Families) context(id string) string { return f.cfg.Client + "\x00" + id }

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
