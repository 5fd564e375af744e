package keyring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

func withdraw(t *testing.T, k *keyring.Keeper, id string) {
	t.Helper()
	if err := k.Withdraw(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// A withdrawn key is removed at once, and another one signs at once, even if the clock of the instance differs.
func TestWithdraw(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	first := load(t, k).Signer(c.at)
	withdraw(t, k, first.ID)
	for _, at := range []time.Time{c.at.Add(-time.Minute), c.at, c.at.Add(time.Minute)} {
		ring := load(t, keeper(t, db, &clock{at}, secret))
		if signer := ring.Signer(at); signer == nil || signer.ID == first.ID || finds(t, ring, first) || !finds(t, ring, signer) {
			t.Errorf("at %s it is still there, or nothing else is", at.Sub(c.at))
		}
	}
	second := load(t, k).Signer(c.at)
	withdraw(t, k, first.ID)
	if again := load(t, k).Signer(c.at); again.ID != second.ID {
		t.Error("a repetition made another key")
	}
	if _, err := db.Purge(t.Context(), c.at); err != nil {
		t.Fatal(err)
	}
	rows, _ := db.Memory.Keys(t.Context())
	for _, row := range rows {
		if row.ID == first.ID && string(row.Sealed) != "withdrawn" {
			t.Error("the key that leaked is kept")
		}
	}
	withdraw(t, k, first.ID)
	if err := k.Withdraw(t.Context(), "nobody's"); !errors.Is(err, keyring.ErrUnknown) {
		t.Error(err)
	}
}

// The waiting key replaces a withdrawn one; a key that is withdrawn while it waits never signs; rotation still works.
func TestWithdrawBesideRotation(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	first := load(t, k).Signer(c.at)
	rotate := func() (waits *jose.Signer) {
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return load(t, k).Signer(c.at.Add(keyring.Notice))
	}
	waits := rotate()
	withdraw(t, k, waits.ID)
	if ring := load(t, k); ring.Signer(c.at).ID != first.ID || ring.Signer(c.at.Add(time.Hour)).ID != first.ID || finds(t, ring, waits) {
		t.Error("the key that waited is there")
	}
	waits = rotate()
	withdraw(t, k, first.ID)
	if ring := load(t, k); ring.Signer(c.at).ID != waits.ID || finds(t, ring, first) {
		t.Error("the key that waits does not sign")
	}
	c.at = c.at.Add(time.Hour)
	last := rotate()
	c.at = c.at.Add(keyring.Notice)
	if ring := load(t, k); ring.Signer(c.at).ID != last.ID || !finds(t, ring, waits) {
		t.Error("the rotation after it")
	}
}

// A withdrawn key is not imported again while it is still configured.
func TestWithdrawImported(t *testing.T) {
	imported, err := jose.ParsePrivateKey(imports())
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	k.Import = imports()
	load(t, k)
	withdraw(t, k, imported.ID)
	for range 3 {
		ring := load(t, k)
		if finds(t, ring, imported) || ring.Signer(c.at) == nil || ring.Signer(c.at).ID == imported.ID {
			t.Fatal("it is there")
		}
		c.at = c.at.Add(keyring.ImportLife)
		if _, err := db.Purge(t.Context(), c.at); err != nil {
			t.Fatal(err)
		}
	}
}

// Withdraw with concurrent changes of the store, and with a store that fails.
func TestWithdrawOverFlaws(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	first := load(t, k).Signer(c.at)
	fails := func() error { return errStore }
	for _, flaw := range []*func() error{&db.keys, &db.add, &db.retire} {
		*flaw = fails
		if err := k.Withdraw(t.Context(), first.ID); !errors.Is(err, errStore) {
			t.Errorf("%v", err)
		}
		*flaw = nil
	}
	second := load(t, k).Signer(c.at)
	db.add = func() error { // a rotation elsewhere takes the generation
		db.add = nil
		return errors.Join(keeper(t, db.Memory, c, secret).Rotate(t.Context()), store.ErrConflict)
	}
	withdraw(t, k, second.ID)
	if ring := load(t, k); db.add != nil || finds(t, ring, second) || ring.Signer(c.at) == nil {
		t.Error("it is there, or nothing else is")
	}
}
