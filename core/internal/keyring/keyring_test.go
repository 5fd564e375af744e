package keyring_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const life = time.Hour

var errStore = errors.New("store")

// flawed is a store with functions that run before a call: they make it fail, or change the data as another instance would.
type flawed struct {
	*store.Memory
	add, retire, keys func() error
}

func call(do func() error) error {
	if do == nil {
		return nil
	}
	return do()
}

func (s *flawed) AddKey(ctx context.Context, key store.Key) error {
	if err := call(s.add); err != nil {
		return err
	}
	return s.Memory.AddKey(ctx, key)
}

func (s *flawed) RetireKey(ctx context.Context, generation int64, until time.Time) error {
	if err := call(s.retire); err != nil {
		return err
	}
	return s.Memory.RetireKey(ctx, generation, until)
}

func (s *flawed) Keys(ctx context.Context) ([]store.Key, error) {
	if err := call(s.keys); err != nil {
		return nil, err
	}
	return s.Memory.Keys(ctx)
}

// clock is a clock that the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func keeper(t *testing.T, db store.Store, c *clock, secret string) *keyring.Keeper {
	t.Helper()
	sealer, err := seal.New("signing key", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return &keyring.Keeper{Store: db, Sealer: sealer, Issuer: "issuer", Client: "client", Life: life, Algorithm: "RS256", Now: c.now}
}

const secret = "a secret of thirty-two bytes or so"

func load(t *testing.T, k *keyring.Keeper) *keyring.Ring {
	t.Helper()
	ring, err := k.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

var imports = sync.OnceValue(func() []byte {
	signer, err := jose.NewOwnSigner("RS256")
	if err != nil {
		panic(err)
	}
	text, err := signer.PrivateKey()
	if err != nil {
		panic(err)
	}
	return text
})

// finds reports whether a ring has the public key of a signer, in Find and in Document.
func finds(t *testing.T, ring *keyring.Ring, signer *jose.Signer) bool {
	t.Helper()
	raw, err := signer.Sign("JWT", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, ok := ring.Find(token.Header)
	return ok && strings.Contains(string(ring.Document), signer.ID)
}

// The lifecycle of a key, from its creation to its removal.
func TestRing(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	ring := load(t, k)
	first := ring.Signer(c.at)
	if first == nil || !finds(t, ring, first) {
		t.Fatal("no key at first")
	}
	if again := load(t, k); again.Signer(c.at).ID != first.ID {
		t.Error("another key")
	}
	for range 3 { // one key is already waiting
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ring = load(t, k)
	rows, _ := db.Memory.Keys(t.Context())
	if len(rows) != 2 || ring.Signer(c.at).ID != first.ID || ring.Signer(c.at.Add(keyring.Notice-time.Second)).ID != first.ID {
		t.Errorf("%d keys", len(rows))
	}
	second := ring.Signer(c.at.Add(keyring.Notice))
	if second.ID == first.ID || !finds(t, ring, second) {
		t.Error("the new key is not published")
	}
	if until := rows[0].Until; until.Before(c.at.Add(keyring.Notice + keyring.MaxAge + life - time.Second)) {
		t.Errorf("the old key ends at %s", until)
	}
	c.at = rows[0].Until.Add(-time.Second)
	if ring = load(t, k); !finds(t, ring, first) || ring.Signer(c.at).ID != second.ID {
		t.Error("the old key went early")
	}
	c.at = rows[0].Until
	if ring = load(t, k); finds(t, ring, first) || !finds(t, ring, second) {
		t.Error("the old key stays")
	}
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows, _ = db.Memory.Keys(t.Context()); rows[len(rows)-1].Generation != 3 {
		t.Errorf("generation %d", rows[len(rows)-1].Generation)
	}
}

// A key signs even if the clock of the instance that created it is ahead.
func TestClockAhead(t *testing.T) {
	now := time.Now()
	db := &flawed{Memory: store.NewMemory()}
	made := load(t, keeper(t, db, &clock{now.Add(5 * time.Minute)}, secret)).Signer(now)
	ring := load(t, keeper(t, db, &clock{now}, secret))
	if signer := ring.Signer(now); signer == nil || signer.ID != made.ID {
		t.Error("no signer")
	}
	if rows, _ := db.Memory.Keys(t.Context()); len(rows) != 1 {
		t.Errorf("%d keys", len(rows))
	}
	if (&keyring.Ring{}).Signer(now) != nil {
		t.Error("an empty ring signs")
	}
}

// An imported key verifies, and signs only if there is no other.
func TestImport(t *testing.T) {
	imported, err := jose.ParsePrivateKey(imports())
	if err != nil {
		t.Fatal(err)
	}
	for _, empty := range []bool{true, false} {
		c := &clock{time.Now()}
		db := &flawed{Memory: store.NewMemory()}
		if !empty {
			load(t, keeper(t, db, c, secret))
		}
		k := keeper(t, db, c, secret)
		k.Import = imports()
		ring := load(t, k)
		if (ring.Signer(c.at).ID == imported.ID) != empty || !finds(t, ring, imported) {
			t.Errorf("empty %t: %s signs", empty, ring.Signer(c.at).ID)
		}
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.at = c.at.Add(keyring.ImportLife - time.Minute)
		if ring = load(t, k); !finds(t, ring, imported) || ring.Signer(c.at).ID == imported.ID {
			t.Errorf("empty %t: after almost 31 days", empty)
		}
		c.at = c.at.Add(2 * time.Minute)
		if ring = load(t, k); finds(t, ring, imported) || ring.Signer(c.at) == nil {
			t.Errorf("empty %t: after 31 days", empty)
		}
	}
	k := keeper(t, store.NewMemory(), &clock{time.Now()}, secret)
	k.Import = []byte("x")
	if _, err := k.Load(t.Context()); !errors.Is(err, jose.ErrPrivateKey) {
		t.Errorf("no PEM: %v", err)
	}
}
