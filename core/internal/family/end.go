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
	maxPending = 10_000           // maximum number of queued ends
	firstRetry = time.Second      // delay before the first retry; it doubles
	lastRetry  = 15 * time.Second // maximum delay
	endTime    = 4 * time.Second  // timeout of one attempt
)

// End ends a session in any state and adds it to the revocation list, so that every instance refuses its access tokens. until is the
// expiry, leeway included, of the last access token that the caller knows of. The entry stays in the list until then, until the last
// access token in the row has expired, and for Config.Feed at least. A session that does not exist is added, too. End returns the data
// of the session; nil if there is none, or it cannot be decrypted. It may return data with an error, because the row may be gone
// although the store failed. End may be repeated. If the store fails or panics, the end is queued, and the error wraps [ErrPending]: it
// is retried until it succeeds or [Families.Close] gives up, and a retry passes the data to Config.Abandon.
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

// Pending returns the number of queued ends. After Close, these are the ends that were given up.
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
			session = store.Session{ID: id} // version 0: there is no row, but an access token may still be valid
		case err != nil:
			return nil, err
		}
		// The version makes sure that the returned data, which is revoked at the provider, is the row's last.
		err = f.revoke(ctx, session, until)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		data, _ := f.open(f.data, id, session.Data) // the session has ended even if its data cannot be decrypted
		return data, err
	}
}

// revoke deletes a row and adds it to the revocation list for as long as any instance accepts an access token of the family. That time
// is computed from the expiry in the tokens, whatever clock issued them. [clocks.Skew] is added for instances that purge with a clock
// that is ahead.
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

// retryLater queues an end. It reports false if the queue is full or the families are closed. A queued end has no deadline: after all
// access tokens have expired, the refresh token still works until the row is deleted.
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

// retry retries the queued ends until the queue is empty, and a last time after Close.
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

// tryAll retries the queued ends and stops at the first failure, because the next one would probably fail, too. It reports whether the
// queue is empty.
func (f *Families) tryAll(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Lease)
	defer cancel()
	f.mu.Lock()
	pending := maps.Clone(f.pending)
	f.mu.Unlock()
	for id, until := range pending { // in random order, so that one bad end does not block the others
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

// ended removes an end from the queue, unless a later one was queued in the meantime.
func (f *Families) ended(id string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pending[id].Equal(until) {
		delete(f.pending, id)
	}
}

// Find returns the ID of a refresh token's session and the expiry of the last access token in its row. It accepts any token of the
// family, also a spent one: only the family's clients know the handle, and a refresh with an old token would end the family as well.
// The error is [ErrEnded] if there is no session, or that of the store.
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
