package family

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Turn is the input of a [Spend].
type Turn struct {
	Data []byte    // the session's data
	Next Token     // refresh token that the answer must contain; zero in [Families.Renew]
	Ends time.Time // latest end of the family (Config.Max); zero: no limit

	// Keep notes how to make the session's new data once the provider has issued new tokens. If spend panics afterwards, data is called,
	// and its result stored.
	Keep func(data func() ([]byte, error))
}

// Result is the output of a [Spend].
type Result struct {
	Data    []byte    // the session's new data
	Answer  []byte    // answer for the client, with the next token in it
	Expires time.Time // the session's new end; Config.Max may end it earlier
	Issued  time.Time // expiry of the access token in the answer
}

// Spend refreshes a session at the provider. The lease of the family makes sure that one request at a time calls it. An error that
// wraps [ErrRefused] ends the family, and a Result returned with it is abandoned. After any other error the client's token stays valid,
// and a Result returned with it replaces the session's data: the provider has issued new tokens, and a later step failed.
type Spend func(ctx context.Context, turn Turn) (*Result, error)

// The delay between two reads of a row while another request holds its lease; it doubles.
const (
	firstLook = 15 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// Rotate spends a refresh token and returns the answer of spend. For a token in its grace period, it returns the answer that the token
// was spent for. Once spend has been called, it runs to its end even if ctx ends. The error is [ErrEnded], [ErrReused], [ErrBusy],
// [ErrSealed], [ErrTooLarge], [ErrPanicked], or that of the store, of Config.Revoked or of spend.
func (f *Families) Rotate(ctx context.Context, text string, spend Spend) ([]byte, error) {
	token, ok := parse(store.KindToken, text)
	if !ok {
		return nil, ErrEnded
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Wait)
	defer cancel()
	if err := f.refused(ctx, token.ID); err != nil {
		return nil, err
	}
	answer, err := f.rotate(ctx, token, spend)
	if err != nil {
		return nil, err
	}
	if err := f.refused(ctx, token.ID); err != nil { // this instance may have ended it in the meantime without reaching the store
		return nil, err
	}
	return answer, nil
}

// refused returns [ErrEnded] if the family is in the revocation list of this instance.
func (f *Families) refused(ctx context.Context, id string) error {
	revoked, err := f.cfg.Revoked(ctx, id)
	if err == nil && revoked {
		err = ErrEnded
	}
	return err
}

func (f *Families) rotate(ctx context.Context, token Token, spend Spend) ([]byte, error) {
	w := wait{pause: firstLook}
	for {
		session, err := f.cfg.Store.Session(ctx, token.ID, f.now())
		if errors.Is(err, store.ErrNotFound) {
			return nil, ErrEnded
		}
		if err != nil {
			return nil, err
		}
		f.cfg.Clocks.Written(later(session.Started, session.Rotated), f.now(), 0)
		if answer, again, err := f.again(token, session); again || err != nil {
			return answer, err
		}
		switch {
		case !token.is(session.Current):
			if err := f.endReused(ctx, session); !errors.Is(err, store.ErrConflict) {
				return nil, err
			}
		case session.Lease.Add(clocks.Skew).After(f.now()): // the holder's clock may be behind
			if err := w.look(ctx, session.Version); err != nil {
				return nil, err
			}
		case w.version != 0 && session.Version != w.version && session.Lease.IsZero():
			return nil, ErrBusy // the request that held the lease has failed, and this one would probably fail, too
		default:
			answer, err := f.spend(ctx, token, session, spend)
			if !errors.Is(err, store.ErrConflict) {
				return answer, err
			}
		}
	}
}

// instanceSize is the length of the instance's ID that precedes each answer, in bytes.
const instanceSize = 16

// again returns the answer that a token was spent for, if the token is in its grace period. The instance that spent the token measures
// the period exactly. For other instances it is [clocks.Skew] longer, because their clocks may be ahead: a second browser tab must not
// count as reuse. A thief who uses the token in this period gets the same answer as the client, and the next rotation detects the
// reuse.
func (f *Families) again(token Token, session store.Session) (answer []byte, ok bool, err error) {
	age := f.now().Sub(session.Rotated)
	if !token.is(session.Last) || age >= f.cfg.Grace+clocks.Skew {
		return nil, false, nil
	}
	plain, err := f.open(f.answers, token.ID, session.Answer)
	if err != nil || len(plain) < instanceSize {
		return nil, false, ErrSealed
	}
	by, answer := plain[:instanceSize], plain[instanceSize:]
	return answer, age < f.cfg.Grace || !bytes.Equal(by, f.instance[:]) || f.owes(token), nil
}

// wait is the state of a loop that reads a row with a growing delay.
type wait struct {
	pause   time.Duration
	version int64 // of the row while another request held the lease; 0: no request did
}

func (w *wait) look(ctx context.Context, version int64) error {
	w.version = version
	timer := time.NewTimer(w.pause)
	defer timer.Stop()
	w.pause = min(2*w.pause, lastLook)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

// endReused ends a family after reuse, and abandons its data: a token was presented that is neither the current one nor in its grace
// period, so there is a copy of it. The error is [ErrReused]; [store.ErrConflict] if the row has changed in the meantime, and nothing
// was done; or that of the store. After an error of the store the data is abandoned as well, because the row may be gone, and the end
// is retried.
func (f *Families) endReused(ctx context.Context, session store.Session) error {
	err := f.revoke(ctx, session, time.Time{})
	if errors.Is(err, store.ErrConflict) {
		return err
	}
	if data, err := f.open(f.data, session.ID, session.Data); err == nil {
		_ = f.Background(ctx, func(ctx context.Context) { f.abandon(ctx, data) }) // not after Close: the tokens expire by themselves
	}
	if err != nil {
		_ = f.retryLater(session.ID, time.Time{}) //nolint:contextcheck // the retry outlives the request; the next reuse tries again, too
		return err
	}
	return ErrReused
}

// spend takes the lease and does the work in the background: its result must not be lost if the caller leaves.
func (f *Families) spend(ctx context.Context, token Token, session store.Session, spend Spend) ([]byte, error) {
	data, err := f.open(f.data, token.ID, session.Data)
	if err != nil {
		return nil, err
	}
	answer, err := await(ctx, f, func(free context.Context) ([]byte, error) {
		return f.work(free, ctx.Done(), token, session, data, spend)
	})
	if err == nil {
		f.answered(token)
	}
	return answer, err
}

// work takes the lease, calls spend, and writes the result to the row. left is closed if the caller has left without an answer: then
// only the new data is written, and the client's token stays valid, so that the client can retry at any time.
func (f *Families) work(ctx context.Context, left <-chan struct{}, token Token, session store.Session, data []byte, spend Spend) ([]byte, error) {
	next := token.next()
	turn := Turn{Data: data, Next: next}
	if f.cfg.Max > 0 {
		turn.Ends = session.Started.Add(f.cfg.Max)
	}
	session, result, err := f.ask(ctx, session, turn, spend)
	if err != nil {
		return nil, err
	}
	answer, err := f.seal(f.answers, session.ID, append(f.instance[:], result.Answer...))
	select {
	case <-left:
		err = ErrBusy
	default:
	}
	if err != nil {
		return nil, errors.Join(err, f.keep(ctx, session, result, nil))
	}
	session.Last, session.Current, session.Answer = token.hash[:], next.hash[:], answer
	session.Expires, session.LastExpiry = f.bounded(session, result.Expires), stored.Time(later(session.LastExpiry, result.Issued))
	f.owe(token)
	// The grace period begins when the row is written, which may be long after the provider's answer.
	if err := f.keep(ctx, session, result, func(session *store.Session) { session.Rotated = f.now() }); err != nil {
		if errors.Is(err, errOvertaken) || errors.Is(err, ErrEnded) {
			f.forgo(token)
		}
		return nil, err
	}
	return result.Answer, nil
}

// ask takes the lease, calls spend, and handles a refusal and failures. The caller stores a successful result in the returned session.
func (f *Families) ask(ctx context.Context, session store.Session, turn Turn, spend Spend) (store.Session, *Result, error) {
	session.Lease = f.now().Add(f.cfg.Lease)
	if err := f.cfg.Store.Swap(ctx, session); err != nil {
		return session, nil, err
	}
	session.Version++
	result, err := f.timed(ctx, turn, spend)
	switch {
	case err == nil:
		return session, result, nil
	case errors.Is(err, ErrRefused):
		if result != nil {
			f.abandon(ctx, result.Data)
		}
		if f.persist(ctx, func(ctx context.Context) error { return f.revoke(ctx, session, time.Time{}) }) != nil {
			return session, nil, ErrBusy // another request took over, or the store is unreachable: the next attempt finds out
		}
		return session, nil, ErrEnded
	case result == nil:
		session.Lease = time.Time{}
		_ = f.persist(ctx, func(ctx context.Context) error { return f.cfg.Store.Swap(ctx, session) }) // if it fails, the lease expires
		return session, nil, err
	default:
		return session, nil, errors.Join(err, f.keep(ctx, session, result, nil))
	}
}

// writeTime is the part of a lease that is reserved for the write after spend.
const writeTime = 5 * time.Second

// timed calls spend with the time of the lease, less the time for the write: tokens that the provider issues late must still be stored.
func (f *Families) timed(ctx context.Context, turn Turn, spend Spend) (result *Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Lease-min(writeTime, f.cfg.Lease/3))
	defer cancel()
	var kept func() ([]byte, error)
	turn.Keep = func(data func() ([]byte, error)) { kept = data }
	err = f.safely(func() (err error) {
		result, err = spend(ctx, turn)
		return err
	})
	if errors.Is(err, ErrPanicked) && kept != nil {
		if data, errData := kept(); errData == nil {
			result = &Result{Data: data}
		}
	}
	return result, err
}
