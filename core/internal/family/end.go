package family

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	maxPending = 10_000           // ends that wait for the store at most
	firstRetry = time.Second      // pause before they are tried again; it doubles
	lastRetry  = 15 * time.Second // the longest pause
	endTime    = 4 * time.Second  // of one try
)

// End ends a family, whatever state it is in, and puts it into the revocation list: its access tokens are refused on every
// instance. until is when the last access token expires that the caller knows of, leeway included. It stays in the list
// until then, until the last access token has expired that the row knows of, and for Config.Feed at least. End returns the
// data of the session, nil when there was none that opens; with an error too, since the row may be gone though the store
// could not say so. It may be repeated. An end that the store refuses, or at which it panics, is tried again until it holds or [Families.Close]
// gives up, and the data goes to Config.Abandon then: the error wraps [ErrPending].
func (f *Families) End(ctx context.Context, id string, until time.Time) ([]byte, error) {
	var data []byte
	err := f.safely(func() (err error) {
		data, err = f.endNow(ctx, id, until)
		return err
	})
	if err != nil && f.retryLater(id, until) { //nolint:contextcheck // the retry outlives the request
		err = fmt.Errorf("%w: %w", ErrPending, err)
	}
	return data, err
}

// Pending returns how many ends the store has refused that are still tried again, or were when Close gave up.
func (f *Families) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending)
}

func (f *Families) endNow(ctx context.Context, id string, until time.Time) ([]byte, error) {
	for {
		session, err := f.cfg.Store.Session(ctx, id, f.now())
		switch {
		case errors.Is(err, store.ErrNotFound):
			session = store.Session{ID: id} // version 0: the access token may still live
		case err != nil:
			return nil, err
		}
		// The version makes sure that what is revoked at the provider is what the row held in the end.
		err = f.revoke(ctx, session, until)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		data, _ := f.open(f.data, id, session.Data) // the family has ended all the same
		return data, err
	}
}

// revoke deletes a row and lists it for as long as anybody accepts an access token of the family: by the expiry that the
// tokens say, whatever clock issued them. [clocks.Skew] is for instances that purge with a clock that is ahead.
func (f *Families) revoke(ctx context.Context, session store.Session, until time.Time) error {
	now := f.now()
	until = later(until, later(now.Add(f.cfg.Feed), session.LastExpiry.Add(f.cfg.Leeway+clocks.Skew)))
	return f.cfg.Store.Revoke(ctx, session.ID, session.Version, now, stored.Time(until))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// retryLater queues an end. It reports false when the queue is full, or the families are closed. An end has no
// deadline: when all access tokens have expired, the refresh token still works until the row is gone.
func (f *Families) retryLater(id string, until time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.pending[id]
	if f.closed || !ok && len(f.pending) >= maxPending {
		return false
	}
	f.pending[id] = later(known, until)
	if !f.retrying {
		f.retrying = true
		f.flights.Add(1)
		go f.retry()
	}
	return true
}

// retry tries the queued ends until none is left, a last time when the families are closed.
func (f *Families) retry() {
	defer f.flights.Done()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-f.base.Done():
		}
		timer.Stop()
		switch {
		case f.base.Err() != nil:
			f.tryAll(context.Background())
			return
		case f.tryAll(f.base):
			return
		}
	}
}

// tryAll stops at the first end that fails: the next one would most likely fail too, and comes first another time. It
// reports whether none is left.
func (f *Families) tryAll(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Lease)
	defer cancel()
	f.mu.Lock()
	pending := maps.Clone(f.pending)
	f.mu.Unlock()
	for id, until := range pending { // in another order each time
		if f.try(ctx, id, until) != nil {
			return false
		}
		f.ended(id, until)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retrying = len(f.pending) > 0
	return !f.retrying
}

func (f *Families) try(ctx context.Context, id string, until time.Time) (err error) {
	var data []byte
	try, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	err = f.safely(func() (err error) {
		data, err = f.endNow(try, id, until)
		return err
	})
	if err == nil && data != nil {
		f.abandon(ctx, data)
	}
	return err
}

// ended takes an end out of the queue, unless a later one was put in meanwhile.
func (f *Families) ended(id string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pending[id].Equal(until) {
		delete(f.pending, id)
	}
}

// Find returns the family of a refresh token and when the last access token expires that the row knows of. Any token of the
// family will do, the current one or one that was spent: who presents a spent one that is not the last ends the family at
// a refresh too, and nobody else knows its handle. The error is [ErrEnded] where none lives, or that of the store.
func (f *Families) Find(ctx context.Context, text string) (id string, expiry time.Time, err error) {
	token, ok := parse(store.KindToken, text)
	if !ok {
		return "", time.Time{}, ErrEnded
	}
	session, err := f.cfg.Store.Session(ctx, token.ID, f.now())
	if errors.Is(err, store.ErrNotFound) {
		err = ErrEnded
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return session.ID, session.LastExpiry, nil
}
