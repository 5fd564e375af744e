package contract

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/broker"
)

// store is a store in memory that a test can break: from then on fault answers in its place.
type store struct {
	memory broker.Store
	fault  atomic.Pointer[func(context.Context) error]
}

func newStore() *store { return &store{memory: broker.NewMemory()} }

func (s *store) breakWith(fault func(context.Context) error) { s.fault.Store(&fault) }

func (s *store) goDown() {
	s.breakWith(func(context.Context) error { return errors.New("contract: the store is down") })
}

// hang tells when somebody asks, and lets everybody wait as long as they like.
func (s *store) hang(asked chan<- struct{}) {
	var once sync.Once
	s.breakWith(func(ctx context.Context) error {
		once.Do(func() { close(asked) })
		<-ctx.Done()
		return ctx.Err()
	})
}

func (s *store) comeBack() { s.fault.Store(nil) }

func (s *store) up(ctx context.Context) error {
	if fault := s.fault.Load(); fault != nil {
		return (*fault)(ctx)
	}
	return nil
}

// through asks the memory, unless the store is broken.
func through[T any](ctx context.Context, s *store, ask func() (T, error)) (T, error) {
	if err := s.up(ctx); err != nil {
		var nothing T
		return nothing, err
	}
	return ask()
}

func (s *store) do(ctx context.Context, ask func() error) error {
	_, err := through(ctx, s, func() (struct{}, error) { return struct{}{}, ask() })
	return err
}

func (s *store) Init(ctx context.Context) error {
	return s.do(ctx, func() error { return s.memory.Init(ctx) })
}

func (s *store) AddKey(ctx context.Context, key broker.Key) error {
	return s.do(ctx, func() error { return s.memory.AddKey(ctx, key) })
}

func (s *store) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.do(ctx, func() error { return s.memory.RetireKey(ctx, generation, until) })
}

func (s *store) Keys(ctx context.Context) ([]broker.Key, error) {
	return through(ctx, s, func() ([]broker.Key, error) { return s.memory.Keys(ctx) })
}

func (s *store) PutSession(ctx context.Context, session broker.Session) error {
	return s.do(ctx, func() error { return s.memory.PutSession(ctx, session) })
}

func (s *store) Session(ctx context.Context, id string, now time.Time) (broker.Session, error) {
	return through(ctx, s, func() (broker.Session, error) { return s.memory.Session(ctx, id, now) })
}

func (s *store) Swap(ctx context.Context, session broker.Session) error {
	return s.do(ctx, func() error { return s.memory.Swap(ctx, session) })
}

func (s *store) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return s.do(ctx, func() error { return s.memory.Revoke(ctx, id, version, now, until) })
}

func (s *store) Revoked(ctx context.Context, since, now time.Time) ([]broker.Revocation, error) {
	return through(ctx, s, func() ([]broker.Revocation, error) { return s.memory.Revoked(ctx, since, now) })
}

func (s *store) Purge(ctx context.Context, now time.Time) (int, error) {
	return through(ctx, s, func() (int, error) { return s.memory.Purge(ctx, now) })
}

func (s *store) Close() error { return s.memory.Close() }

// made holds the signing keys that the suite has made, by who can open them: making one takes longer than most tests.
var made struct {
	sync.Mutex
	keys map[string][]broker.Key
}

// seed puts signing keys into an empty store. Stores of different SecretKeys get different ones.
func (s *store) seed(t *testing.T, cfg core.Config) {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	opener := strings.Join(append([]string{cfg.ClientID}, cfg.SecretKeys...), "\x00")
	if made.keys[opener] == nil {
		if made.keys == nil {
			made.keys = make(map[string][]broker.Key)
		}
		made.keys[opener] = makeKeys(t, cfg)
	}
	for _, key := range made.keys[opener] {
		if err := s.memory.AddKey(t.Context(), key); err != nil && !errors.Is(err, broker.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// makeKeys lets a service of its own make them: it does before it first shows them.
func makeKeys(t *testing.T, cfg core.Config) []broker.Key {
	t.Helper()
	memory := broker.NewMemory()
	cfg.Broker, cfg.OnError = &core.BrokerConfig{Store: memory}, nil
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }() // it always returns nil
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	if got := routes[len(routes)-1].Serve(t.Context(), &core.Request{Method: http.MethodGet}); got.Status != http.StatusOK {
		t.Fatalf("no keys: %s", got.Body)
	}
	keys, err := memory.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
