package core_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// storeFlaws are ways in which one call of a store goes wrong.
var storeFlaws = map[string]func(context.Context) error{
	"fails":    func(context.Context) error { return errStore },
	"hangs":    func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	"conflict": func(context.Context) error { return store.ErrConflict },
}

// Whichever single call of a refresh goes wrong, nothing is lost: the same refresh token works soon
// afterwards, and the provider sees none twice.
func TestBrokerRefreshOverFlawedStore(t *testing.T) {
	for name, flaw := range storeFlaws {
		for _, at := range []string{"Session 1", "Session 2", "Swap 1", "Swap 2", "Swap 2 for 3 s"} {
			if name == "conflict" && strings.HasPrefix(at, "Session") {
				continue // no store says so
			}
			t.Run(name+" "+at, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t)
					f := b.serve()
					token := f.begun()
					var until time.Time
					b.store.breaks(func(ctx context.Context, method string, call int) error {
						where := fmt.Sprintf("%s %d", method, call)
						if strings.HasSuffix(at, "s") && strings.HasPrefix(at, where) && until.IsZero() {
							until = time.Now().Add(3 * time.Second)
						}
						if where == at || name == "fails" && method == "Swap" && time.Now().Before(until) {
							return flaw(ctx)
						}
						return nil
					})
					answer := f.refresh(token.RefreshToken)
					if answer.Status != 200 && answer.Status != 503 {
						t.Errorf("got %d %s", answer.Status, answer.Body)
					}
					time.Sleep(25 * time.Second)
					b.store.breaks(nil)
					next := token
					if answer.Status == 200 {
						next = flowGranted(t, answer)
					}
					answer = f.refresh(next.RefreshToken)
					if name != "conflict" { // such a store would have told an untruth about the write
						flowGranted(t, answer)
					}
					if sent := b.sentTwice(); sent != "" && name != "conflict" {
						t.Errorf("%.12s… was sent twice", sent)
					}
				})
			})
		}
	}
}

// A write that was done although its answer was lost counts as done.
func TestBrokerRefreshWhenAnswersOfStoreAreLost(t *testing.T) {
	for call := 1; call <= 2; call++ {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t)
			f := b.serve()
			token := f.begun()
			b.store.breaks(nil)
			b.store.mu.Lock()
			b.store.after = func(method string, n int) error {
				if method == "Swap" && n == call {
					return errStore
				}
				return nil
			}
			b.store.mu.Unlock()
			answer := f.refresh(token.RefreshToken)
			if call == 2 {
				token = flowGranted(t, answer)
			} else {
				flowRefused503(t, answer)
			}
			time.Sleep(25*time.Second + time.Minute) // a lease, by every clock
			flowGranted(t, f.refresh(token.RefreshToken))
		})
	}
}

// A login that cannot be stored is none, and its refresh token is given back to the provider.
func TestBrokerLoginOverFlawedStore(t *testing.T) {
	for name, flaw := range storeFlaws {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				f := b.serve()
				f.begun()
				b.store.breaks(func(ctx context.Context, method string, _ int) error {
					if method == "PutSession" {
						return flaw(ctx)
					}
					return nil
				})
				if answer := f.begin(); answer.Status < 500 {
					t.Errorf("got %d %s", answer.Status, answer.Body)
				}
				if !b.wasRevoked(b.current) {
					t.Error("the provider's refresh token lives on")
				}
			})
		})
	}
}

// A login of nobody leaves nothing alive at the provider.
func TestBrokerLoginOfNobodyIsRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		b.extra = claims{"id_token": nil, "access_token": "opaque", "scope": "email"}
		f := b.serve()
		if answer := f.begin(); answer.Status != 502 {
			t.Errorf("got %d %s", answer.Status, answer.Body)
		}
		if !b.wasRevoked(b.current) {
			t.Error("the provider's refresh token lives on")
		}
	})
}

// ownedStore counts as opened by New: a closed one does nothing any more.
type ownedStore struct {
	*flawedStore
	mu     sync.Mutex
	closed bool
}

func (s *ownedStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *ownedStore) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close lets refreshes under way finish, also one that has just begun, and closes the store after them.
func TestBrokerCloseWaitsForRefreshes(t *testing.T) {
	for _, at := range []string{"at the provider", "taking the lease"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				owned := &ownedStore{flawedStore: b.store}
				store.Register(func(string) (store.Store, error) { return owned, nil }, "closing")
				f := b.serve(func(c *core.Config) {
					c.Store, c.StoreURL, c.Broker.RefreshGrace = nil, "closing://x", time.Minute
				})
				token := f.begun()
				b.breaks(oidctest.Slow(time.Second), oidctest.Token, oidctest.Revocation)
				b.store.breaks(func(context.Context, string, int) error {
					if owned.isClosed() {
						return errors.New("closed")
					}
					return nil
				})
				b.store.mu.Lock()
				b.store.after = func(method string, call int) error {
					if at == "taking the lease" && method == "Swap" && call == 1 {
						time.Sleep(time.Second)
					}
					return nil
				}
				b.store.mu.Unlock()
				go f.refresh(token.RefreshToken)
				time.Sleep(500 * time.Millisecond)
				if err := f.auth.Close(); err != nil {
					t.Error(err)
				}
				if !owned.isClosed() {
					t.Error("the store is open")
				}
				time.Sleep(30 * time.Second)
				owned.mu.Lock()
				owned.closed = false
				owned.mu.Unlock()
				b.store.breaks(nil)
				flowGranted(t, b.serve(func(c *core.Config) { c.Broker.RefreshGrace = time.Minute }).refresh(token.RefreshToken))
			})
		})
	}
}

// Close, again and beside refreshes, is safe.
func TestBrokerCloseBesideRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		tokens := make([]core.Token, 8)
		for i := range tokens {
			tokens[i] = f.begun()
		}
		var wg sync.WaitGroup
		for _, token := range tokens {
			wg.Go(func() { f.refresh(token.RefreshToken) })
			wg.Go(func() { _ = f.auth.Close() })
		}
		wg.Wait()
	})
}

// localFlaw is a store in memory that brings its own secret and fails once.
type localFlaw struct{ *flawedStore }

func (localFlaw) SecretFile() (string, bool) { return "", true }

// A store of this process that fails once at the start recovers: its first key was sealed with a secret that is kept.
func TestBrokerProcessSecretStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		b.store.breaks(func(_ context.Context, method string, call int) error {
			if method == "Keys" && call == 2 {
				return errStore
			}
			return nil
		})
		f := b.serve(func(c *core.Config) { c.SecretKeys, c.Store = nil, localFlaw{b.store} })
		_ = f.auth.Ready(t.Context())
		time.Sleep(time.Minute)
		if err := f.auth.Ready(t.Context()); err != nil {
			t.Errorf("after a minute: %v", err)
		}
	})
}

// What has ended is purged every now and then, and a purge that fails disturbs nobody.
func TestBrokerPurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		f.begun()
		b.store.breaks(failing("Purge"))
		time.Sleep(time.Hour)
		if n := b.store.count("Purge"); n < 4 || n > 12 {
			t.Errorf("%d purges within an hour", n)
		}
		f.begun()
		if !strings.Contains(f.traffic.logs.String(), "not purged") {
			t.Error("nobody was told")
		}
	})
}

// hesitant is a store that purges one session in a call.
type hesitant struct {
	store.Store
	left atomic.Int64
}

func (h *hesitant) Purge(context.Context, time.Time) (int, error) {
	if h.left.Load() == 0 {
		return 0, nil
	}
	h.left.Add(-1)
	return 1, nil
}

// A store's call removes some thousands at most: a purge calls it until nothing is left.
func TestBrokerPurgesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		db := &hesitant{Store: b.store}
		db.left.Store(50)
		b.serve(func(c *core.Config) { c.Store = db }).begun()
		time.Sleep(20 * time.Minute)
		if left := db.left.Load(); left != 0 {
			t.Errorf("%d are left", left)
		}
	})
}
