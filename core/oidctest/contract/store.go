package contract

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// testStore is a store in memory that a test can break: its calls then return fault's error.
type testStore struct {
	memory store.Store
	fault  atomic.Pointer[func(context.Context) error]
}

func newStore() *testStore { return &testStore{memory: store.NewMemory()} }

func (s *testStore) breakWith(fault func(context.Context) error) { s.fault.Store(&fault) }

func (s *testStore) goDown() {
	s.breakWith(func(context.Context) error { return errors.New("contract: the store is down") })
}

// hang makes every call wait until its context ends, and signals the first one.
func (s *testStore) hang(asked chan<- struct{}) {
	var once sync.Once
	s.breakWith(func(ctx context.Context) error {
		once.Do(func() { close(asked) })
		<-ctx.Done()
		return ctx.Err()
	})
}

func (s *testStore) comeBack() { s.fault.Store(nil) }

func (s *testStore) up(ctx context.Context) error {
	if fault := s.fault.Load(); fault != nil {
		return (*fault)(ctx)
	}
	return nil
}

// through calls the store in memory, unless the store is broken.
func through[T any](ctx context.Context, s *testStore, ask func() (T, error)) (T, error) {
	if err := s.up(ctx); err != nil {
		var nothing T
		return nothing, err
	}
	return ask()
}

func (s *testStore) do(ctx context.Context, ask func() error) error {
	_, err := through(ctx, s, func() (struct{}, error) { return struct{}{}, ask() })
	return err
}

func (s *testStore) Init(ctx context.Context) error {
	return s.do(ctx, func() error { return s.memory.Init(ctx) })
}

func (s *testStore) AddKey(ctx context.Context, key store.Key) error {
	return s.do(ctx, func() error { return s.memory.AddKey(ctx, key) })
}

func (s *testStore) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	return s.do(ctx, func() error { return s.memory.RetireKey(ctx, generation, until) })
}

func (s *testStore) Keys(ctx context.Context) ([]store.Key, error) {
	return through(ctx, s, func() ([]store.Key, error) { return s.memory.Keys(ctx) })
}

func (s *testStore) PutSession(ctx context.Context, session store.Session) error {
	return s.do(ctx, func() error { return s.memory.PutSession(ctx, session) })
}

func (s *testStore) Session(ctx context.Context, id string, now time.Time) (store.Session, error) {
	return through(ctx, s, func() (store.Session, error) { return s.memory.Session(ctx, id, now) })
}

func (s *testStore) Swap(ctx context.Context, session store.Session) error {
	return s.do(ctx, func() error { return s.memory.Swap(ctx, session) })
}

func (s *testStore) Touch(ctx context.Context, id string, seen, idle time.Time) error {
	return s.do(ctx, func() error { return s.memory.Touch(ctx, id, seen, idle) })
}

func (s *testStore) SessionsOf(ctx context.Context, of store.Selection, now time.Time, limit int) ([]store.Session, error) {
	return through(ctx, s, func() ([]store.Session, error) { return s.memory.SessionsOf(ctx, of, now, limit) })
}

func (s *testStore) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	return s.do(ctx, func() error { return s.memory.Revoke(ctx, id, version, now, until) })
}

func (s *testStore) Revoked(ctx context.Context, since, now time.Time) ([]store.Revocation, error) {
	return through(ctx, s, func() ([]store.Revocation, error) { return s.memory.Revoked(ctx, since, now) })
}

func (s *testStore) RevokedAmong(ctx context.Context, ids []string, now time.Time) ([]store.Revocation, error) {
	return through(ctx, s, func() ([]store.Revocation, error) { return s.memory.RevokedAmong(ctx, ids, now) })
}

func (s *testStore) Purge(ctx context.Context, now time.Time) (int, error) {
	return through(ctx, s, func() (int, error) { return s.memory.Purge(ctx, now) })
}

func (s *testStore) Close() error { return s.memory.Close() }

// made caches the signing keys of the suite, by their owner, and their rows, by the service that can decrypt them. Generating a
// key takes longer than most tests.
var made = struct {
	sync.Mutex
	keys map[string][]byte
	rows map[string][]store.Key
}{keys: make(map[string][]byte), rows: make(map[string][]store.Key)}

// seed puts a signing key into an empty store. Services with different SecretKeys get different keys; their other names do not
// matter, so a test can have one that signs in the name of another.
func (s *testStore) seed(t *testing.T, cfg core.Config) {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	owner := strings.Join(append([]string{cfg.ClientID}, cfg.SecretKeys...), "\x00")
	opener := owner + "\x00" + cfg.PublicURL
	if made.keys[owner] == nil {
		made.keys[owner] = makeKey(t)
	}
	if made.rows[opener] == nil {
		made.rows[opener] = makeRows(t, cfg, made.keys[owner])
	}
	for _, key := range made.rows[opener] {
		if err := s.memory.AddKey(t.Context(), key); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
}

func makeKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// makeRows starts a service, which encrypts and stores a key before it publishes it, and returns the rows.
func makeRows(t *testing.T, cfg core.Config, key []byte) []store.Key {
	t.Helper()
	memory := store.NewMemory()
	cfg.Broker, cfg.Store, cfg.OnError = &core.BrokerConfig{ImportKey: key}, memory, nil
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }() // it always returns nil
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	isKeys := func(route core.Route) bool { return route.Name == "jwks" }
	if got := routes[slices.IndexFunc(routes, isKeys)].Serve(t.Context(), &core.Request{Method: http.MethodGet}); got.Status != http.StatusOK {
		t.Fatalf("no keys: %s", got.Body)
	}
	keys, err := memory.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
