package core_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// flawedStore is a store of which single calls fail.
type flawedStore struct {
	store.Store
	mu    sync.Mutex
	calls map[string]int
	flaw  func(ctx context.Context, method string, call int) error // before the call; call is 1 for the first one after the flaw was set
	after func(method string, call int) error                      // after it, though it was done
}

var errStore = errors.New("the store is out of reach")

func (s *flawedStore) breaks(flaw func(ctx context.Context, method string, call int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flaw, s.after, s.calls = flaw, nil, map[string]int{}
}

// down makes every call fail; false heals it.
func (s *flawedStore) down(is bool) {
	if !is {
		s.breaks(nil)
		return
	}
	s.breaks(func(context.Context, string, int) error { return errStore })
}

// failing is the flaw of one method.
func failing(method string) func(context.Context, string, int) error {
	return func(_ context.Context, called string, _ int) error {
		if called == method {
			return errStore
		}
		return nil
	}
}

func (s *flawedStore) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *flawedStore) do(ctx context.Context, method string, call func() error) error {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[method]++
	flaw, after, n := s.flaw, s.after, s.calls[method]
	s.mu.Unlock()
	if flaw != nil {
		if err := flaw(ctx, method, n); err != nil {
			return err
		}
	}
	if err := call(); err != nil {
		return err
	}
	if after != nil {
		return after(method, n)
	}
	return nil
}

func (s *flawedStore) Init(ctx context.Context) error {
	return s.do(ctx, "Init", func() error { return s.Store.Init(ctx) })
}

func (s *flawedStore) AddKey(ctx context.Context, key store.Key) error {
	return s.do(ctx, "AddKey", func() error { return s.Store.AddKey(ctx, key) })
}

func (s *flawedStore) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.do(ctx, "RetireKey", func() error { return s.Store.RetireKey(ctx, generation, until) })
}

func (s *flawedStore) Keys(ctx context.Context) (keys []store.Key, err error) {
	err = s.do(ctx, "Keys", func() error { keys, err = s.Store.Keys(ctx); return err })
	return keys, err
}

func (s *flawedStore) PutSession(ctx context.Context, session store.Session) error {
	return s.do(ctx, "PutSession", func() error { return s.Store.PutSession(ctx, session) })
}

func (s *flawedStore) Session(ctx context.Context, id string, now time.Time) (session store.Session, err error) {
	err = s.do(ctx, "Session", func() error { session, err = s.Store.Session(ctx, id, now); return err })
	return session, err
}

func (s *flawedStore) Swap(ctx context.Context, session store.Session) error {
	return s.do(ctx, "Swap", func() error { return s.Store.Swap(ctx, session) })
}

func (s *flawedStore) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return s.do(ctx, "Revoke", func() error { return s.Store.Revoke(ctx, id, version, now, until) })
}

func (s *flawedStore) Revoked(ctx context.Context, since, now time.Time) (list []store.Revocation, err error) {
	err = s.do(ctx, "Revoked", func() error { list, err = s.Store.Revoked(ctx, since, now); return err })
	return list, err
}

func (s *flawedStore) Purge(ctx context.Context, now time.Time) (n int, err error) {
	err = s.do(ctx, "Purge", func() error { n, err = s.Store.Purge(ctx, now); return err })
	return n, err
}
