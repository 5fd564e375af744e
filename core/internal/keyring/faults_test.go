package keyring_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/broker"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
)

// D-57: somebody else is first.
func TestConflicts(t *testing.T) {
	c := &clock{time.Now()}
	store := &flawed{Memory: broker.NewMemory()}
	other := keeper(t, store.Memory, c, secret)
	var theirs string
	store.add = func() error {
		store.add = nil
		theirs = load(t, other).Signer(c.at).ID
		return nil
	}
	if got := load(t, keeper(t, store, c, secret)).Signer(c.at).ID; got != theirs {
		t.Errorf("%s, not %s", got, theirs)
	}
	store.add = func() error { // a rotation elsewhere
		store.add = nil
		return other.Rotate(t.Context())
	}
	if err := keeper(t, store, c, secret).Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows, _ := store.Memory.Keys(t.Context()); len(rows) != 2 {
		t.Errorf("%d keys after two rotations at once", len(rows))
	}
	c.at = c.at.Add(time.Hour)
	store.add = func() error { // an import elsewhere takes the generation
		store.add = nil
		other.Import = imports()
		load(t, other)
		return nil
	}
	k := keeper(t, store, c, secret)
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring := load(t, k)
	if ring.Signer(c.at).ID == ring.Signer(c.at.Add(keyring.Notice)).ID {
		t.Error("the rotation is lost")
	}
}

// D-54: what does not open is left alone, and nothing is made in its place.
func TestSealed(t *testing.T) {
	c := &clock{time.Now()}
	store := &flawed{Memory: broker.NewMemory()}
	load(t, keeper(t, store, c, secret))
	rows, _ := store.Memory.Keys(t.Context())
	if strings.Contains(string(rows[0].Sealed), "PRIVATE") {
		t.Error("in clear text")
	}
	good := keeper(t, store, c, secret)
	client := keeper(t, store, c, secret)
	client.Client = "another"
	k := keeper(t, store, c, secret)
	k.Import = imports()
	for name, bad := range map[string]*keyring.Keeper{"secret": keeper(t, store, c, "another secret of thirty-two bytes"), "client": client} {
		if _, err := bad.Load(t.Context()); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
		if err := bad.Rotate(t.Context()); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: Rotate: %v", name, err)
		}
	}
	for name, row := range map[string]broker.Key{
		"another name":   {ID: "x", Sealed: rows[0].Sealed, Generation: 2},
		"damaged":        {ID: rows[0].ID, Sealed: append(slices.Clone(rows[0].Sealed), 'A'), Generation: 2},
		"no JSON":        {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte("x"), "client\x00x")), Generation: 2},
		"no PEM":         {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte(`{"pem":"x"}`), "client\x00x")), Generation: 2},
		"of another key": {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte(`{"pem":`+quoted(imports())+`}`), "client\x00x")), Generation: 2},
	} {
		with := &flawed{Memory: broker.NewMemory()}
		for _, key := range []broker.Key{rows[0], row} {
			if err := with.AddKey(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := keeper(t, with, c, secret).Load(t.Context()); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func quoted(text []byte) string { return `"` + strings.ReplaceAll(string(text), "\n", `\n`) + `"` }

// Errors of the store are told.
func TestStoreFails(t *testing.T) {
	c := &clock{time.Now()}
	store := &flawed{Memory: broker.NewMemory()}
	k := keeper(t, store, c, secret)
	fails := func() error { return errStore }
	store.keys = fails
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	if err := k.Rotate(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	store.keys, store.add = nil, fails
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	store.add = nil
	load(t, k)
	store.add = fails
	if err := k.Rotate(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	store.add, store.retire = nil, fails
	if err := k.Rotate(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
}
