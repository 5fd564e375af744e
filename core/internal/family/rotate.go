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

// Turn is what a [Spend] works with.
type Turn struct {
	Data []byte    // the session's
	Next Token     // that the answer has to hold
	Ends time.Time // when the family ends at the latest (Config.Max); zero: there is no such time

	// Keep takes the session's new data as soon as the provider has issued new tokens: it is stored even if spend panics.
	Keep func(data []byte)
}

// Result is what spending a token came to.
type Result struct {
	Data    []byte    // the session's new data
	Answer  []byte    // what the client gets, the next token in it
	Expires time.Time // the session's new end, unless Config.Max ends it before
	Issued  time.Time // when the access token in the answer expires
}

// Spend refreshes at the provider. One request at a time calls it for a family. An error that wraps [ErrRefused] ends the
// family; a Result beside it is abandoned. With any other the client's token stays valid; a Result beside it replaces the
// session's data, for the case that the provider has issued new tokens and something else failed then.
type Spend func(ctx context.Context, turn Turn) (*Result, error)

// Times between two looks at a row that another request works on.
const (
	firstLook = 15 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// Rotate spends a refresh token and returns the answer: that of spend, or the one that the token was spent for a moment
// ago. Once spend has been called, it runs to its end even when ctx ends before. The error is [ErrEnded], [ErrReused],
// [ErrBusy], [ErrSealed], [ErrPanicked], that of the store, of Config.Revoked or of spend.
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
	if err := f.refused(ctx, token.ID); err != nil { // it may have ended here meanwhile, and the store not know it
		return nil, err
	}
	return answer, nil
}

// refused is [ErrEnded] for a family whose access tokens this instance refuses.
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
		case session.Lease.Add(clocks.Skew).After(f.now()): // the clock of the holder may be behind
			if err := w.look(ctx, session.Version); err != nil {
				return nil, err
			}
		case w.version != 0 && session.Version != w.version && session.Lease.IsZero():
			return nil, ErrBusy // the request that was waited for has failed, and this one would too
		default:
			answer, err := f.spend(ctx, token, session, spend)
			if !errors.Is(err, store.ErrConflict) {
				return answer, err
			}
		}
	}
}

// instanceSize is how many bytes before an answer name the instance that sealed it.
const instanceSize = 16

// again returns the answer that a token was spent for, while its grace lasts. The instance that spent it knows to the moment
// when that ends; for others it is [clocks.Skew] longer, since their clock may be ahead: a second tab must not be taken for a
// thief. A thief gets what the client has got, and is found out by the next rotation.
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
	return answer, age < f.cfg.Grace || !bytes.Equal(by, f.instance[:]), nil
}

// wait looks again and again, ever more slowly.
type wait struct {
	pause   time.Duration
	version int64 // of the row while another request held the lease; 0: none did
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

// endReused ends a family of which a token came that is neither the current one nor, in the grace, the last: there is
// a copy. [store.ErrConflict]: the row has changed meanwhile. When the store failed, what the family holds at the
// provider is abandoned all the same, since the row may be gone, and the end is tried again.
func (f *Families) endReused(ctx context.Context, session store.Session) error {
	err := f.revoke(ctx, session, time.Time{})
	if errors.Is(err, store.ErrConflict) {
		return err
	}
	if data, err := f.open(f.data, session.ID, session.Data); err == nil {
		_ = f.Background(ctx, func(ctx context.Context) { f.abandon(ctx, data) }) // the provider's end comes by itself, too
	}
	if err != nil {
		_ = f.retryLater(session.ID, time.Time{}) //nolint:contextcheck // the retry outlives the request; or the token comes once more
		return err
	}
	return ErrReused
}

// spend takes the lease and does the work in the background: the caller may leave, the result must not be lost.
func (f *Families) spend(ctx context.Context, token Token, session store.Session, spend Spend) ([]byte, error) {
	data, err := f.open(f.data, token.ID, session.Data)
	if err != nil {
		return nil, err
	}
	return await(ctx, f, func(free context.Context) ([]byte, error) {
		return f.work(free, ctx.Done(), token, session, data, spend)
	})
}

// work takes the lease, asks the provider, and writes what came of it if the row is still ours. left is closed when the
// caller has gone without an answer: then the token stays valid, so that it can come again whenever it likes.
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
		return nil, errors.Join(err, f.keep(ctx, session, result))
	}
	session.Last, session.Current, session.Rotated, session.Answer = token.hash[:], next.hash[:], f.now(), answer
	session.Expires, session.LastExpiry = f.bounded(session, result.Expires), stored.Time(later(session.LastExpiry, result.Issued))
	if err := f.keep(ctx, session, result); err != nil {
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
			return session, nil, ErrBusy // not ours any more, or not to be reached: the next try finds out
		}
		return session, nil, ErrEnded
	case result == nil:
		session.Lease = time.Time{}
		_ = f.persist(ctx, func(ctx context.Context) error { return f.cfg.Store.Swap(ctx, session) }) // else the lease runs out
		return session, nil, err
	default:
		return session, nil, errors.Join(err, f.keep(ctx, session, result))
	}
}

// writeTime is what is left of a lease for the write when spend has taken as long as it may.
const writeTime = 5 * time.Second

// timed lets spend have the lease but for the time of the write: what the provider issued must not be lost because it came
// late.
func (f *Families) timed(ctx context.Context, turn Turn, spend Spend) (result *Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Lease-min(writeTime, f.cfg.Lease/3))
	defer cancel()
	var kept *Result
	turn.Keep = func(data []byte) { kept = &Result{Data: data} }
	err = f.safely(func() (err error) {
		result, err = spend(ctx, turn)
		return err
	})
	if errors.Is(err, ErrPanicked) {
		result = kept
	}
	return result, err
}

// keep writes the row with new data and without the lease. When the row is gone, which only happens to a family that
// has ended, what the provider issued is abandoned; when another request has taken over, the row is not ours to touch.
func (f *Families) keep(ctx context.Context, session store.Session, result *Result) error {
	sealed, err := f.seal(f.data, session.ID, result.Data)
	if err != nil { // what cannot be stored is lost
		f.abandon(ctx, result.Data)
		_ = f.persist(ctx, func(ctx context.Context) error { return f.revoke(ctx, session, time.Time{}) })
		return err
	}
	session.Data, session.Lease = sealed, time.Time{}
	err = f.persist(ctx, func(ctx context.Context) error { return f.cfg.Store.Swap(ctx, session) })
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	row, err := f.cfg.Store.Session(ctx, session.ID, f.now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		f.abandon(ctx, result.Data)
		return ErrEnded
	case err == nil && row.Version == session.Version+1 && string(row.Data) == string(sealed):
		return nil // it was written, and the connection broke before the store could say so
	default:
		return ErrBusy
	}
}

// tryTime bounds one try of a write: a connection that hangs must not take all the time there is.
const tryTime = 2 * time.Second

// persist repeats a write that failed until ctx ends: what the provider has issued would be lost.
func (f *Families) persist(ctx context.Context, write func(context.Context) error) error {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		try, cancel := context.WithTimeout(ctx, tryTime)
		err := write(try)
		cancel()
		if err == nil || errors.Is(err, store.ErrConflict) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
