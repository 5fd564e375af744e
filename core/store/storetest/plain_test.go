package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// plain is the reference as a store, in which every method can be broken.
type plain struct {
	mu sync.Mutex
	*reference
	closed bool
	done   atomic.Int64 // calls

	// What a broken one does in another way.
	addKeyAs     func(store.Key) error
	retireAs     func(int64, time.Time)
	keysAs       func() []store.Key
	putAs        func(store.Session) error
	sessionAs    func(string, time.Time) (store.Session, error)
	swapAs       func(store.Session) error
	touchAs      func(id string, seen, idle time.Time) error
	sessionsAs   func(of store.Selection, now time.Time, limit int) []store.Session
	amongAs      func(ids []string, now time.Time) []store.Revocation
	revokeAs     func(string, int64, time.Time, time.Time) error
	revokedAs    func(since, now time.Time) []store.Revocation
	purgeAs      func(time.Time) int
	initAs       func()
	closeAs      func() error
	anyContext   bool                              // does not look at the context
	keeps, gives bool                              // does not copy
	givesData    bool                              // with SessionsOf
	errorAs      func(error, store.Session) error  // says more
	column       func(store.Session) store.Session // what the database makes of a row
	keyColumn    func(store.Key) store.Key
	unlocked     bool
}

func newPlain() *plain {
	p := &plain{reference: newReference()}
	p.addKeyAs, p.retireAs, p.keysAs, p.putAs, p.sessionAs = p.addKey, p.retireKey, p.sortedKeys, p.putSession, p.session
	p.touchAs, p.sessionsAs, p.amongAs = p.touch, p.sessionsOf, p.revokedAmong
	p.swapAs, p.revokeAs, p.revokedAs, p.purgeAs = p.swap, p.revoke, p.revoked, p.purge
	p.initAs, p.closeAs = func() {}, func() error { return nil }
	p.column, p.keyColumn = utcSession, utcKey
	p.errorAs = func(err error, _ store.Session) error { return err }
	return p
}

func utcSession(s store.Session) store.Session {
	s.Rotated, s.Lease, s.Expires = s.Rotated.UTC(), s.Lease.UTC(), s.Expires.UTC()
	s.Started, s.LastExpiry, s.Seen, s.Idle = s.Started.UTC(), s.LastExpiry.UTC(), s.Seen.UTC(), s.Idle.UTC()
	return s
}

func utcKey(k store.Key) store.Key {
	k.From, k.Until = k.From.UTC(), k.Until.UTC()
	return k
}

func (p *plain) locked(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil && !p.anyContext {
		return p.errorAs(err, store.Session{})
	}
	if !p.unlocked {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	defer p.done.Add(1)
	return do()
}

func (p *plain) taken(s store.Session) store.Session {
	if !p.keeps {
		s = cloneSession(s)
	}
	return p.column(s)
}

func (p *plain) Init(ctx context.Context) error {
	return p.locked(ctx, func() error { p.initAs(); return nil })
}

func (p *plain) AddKey(ctx context.Context, key store.Key) error {
	if !p.keeps {
		key = cloneKey(key)
	}
	return p.locked(ctx, func() error { return p.addKeyAs(p.keyColumn(key)) })
}

func (p *plain) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return p.locked(ctx, func() error { p.retireAs(generation, until.UTC()); return nil })
}

func (p *plain) Keys(ctx context.Context) (keys []store.Key, err error) {
	err = p.locked(ctx, func() error {
		for _, key := range p.keysAs() {
			if !p.gives {
				key = cloneKey(key)
			}
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

func (p *plain) PutSession(ctx context.Context, session store.Session) error {
	return p.locked(ctx, func() error { return p.putAs(p.taken(session)) })
}

func (p *plain) Session(ctx context.Context, id string, now time.Time) (session store.Session, err error) {
	err = p.locked(ctx, func() error {
		session, err = p.sessionAs(id, now)
		if !p.gives {
			session = cloneSession(session)
		}
		return err
	})
	return session, err
}

func (p *plain) Swap(ctx context.Context, session store.Session) error {
	err := p.locked(ctx, func() error { return p.swapAs(p.taken(session)) })
	if errors.Is(err, context.Canceled) {
		return p.errorAs(err, session)
	}
	return err
}

func (p *plain) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	return p.locked(ctx, func() error { return p.touchAs(id, seen.UTC(), idle.UTC()) })
}

func (p *plain) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) (list []store.Session, err error) {
	err = p.locked(ctx, func() error {
		list = p.sessionsAs(of, now, limit)
		for i, session := range list {
			if !p.gives {
				session = cloneSession(session)
			}
			if !p.givesData {
				session.Data, session.Answer = nil, nil
			}
			list[i] = session
		}
		return nil
	})
	return list, err
}

func (p *plain) RevokedAmong(ctx context.Context, ids []string, now time.Time) (list []store.Revocation, err error) {
	err = p.locked(ctx, func() error { list = p.amongAs(ids, now); return nil })
	return list, err
}

func (p *plain) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return p.locked(ctx, func() error { return p.revokeAs(id, version, now.UTC(), until.UTC()) })
}

func (p *plain) Revoked(ctx context.Context, since, now time.Time) (list []store.Revocation, err error) {
	err = p.locked(ctx, func() error { list = p.revokedAs(since, now); return nil })
	return list, err
}

func (p *plain) Purge(ctx context.Context, now time.Time) (n int, err error) {
	err = p.locked(ctx, func() error { n = p.purgeAs(now); return nil })
	return n, err
}

func (p *plain) Close() error { return p.closeAs() }

// on makes a backend of stores that are broken in one way.
func on(broken func(*plain)) Backend {
	return Backend{Place: func(testing.TB) Place {
		db := newPlain()
		broken(db)
		return Place{
			Open:   func(testing.TB) store.Store { return db },
			Handle: func(testing.TB) (store.Store, func(context.Context) error) { return db, db.use },
		}
	}}
}

// use is what the owner of a handle does with it.
func (p *plain) use(context.Context) error {
	if p.closed {
		return errors.New("the handle is closed")
	}
	return nil
}
