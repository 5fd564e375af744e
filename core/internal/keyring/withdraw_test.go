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
	if ring := load(t, k); ring.Signer(c.at).ID != first.ID || ring.Signer(c.at.Add(time.Hour)).ID == waits.ID || finds(t, ring, waits) {
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

// A key whose successor was withdrawn signs on until the next one has been published for long enough, and signs nothing that it could not
// verify until the end of the token.
func TestWithdrawSuccessor(t *testing.T) {
	for _, after := range []time.Duration{0, time.Minute, keyring.Notice - time.Second, keyring.Notice + time.Minute, keyring.Notice + time.Hour} {
		c := &clock{time.Now()}
		db := &flawed{Memory: store.NewMemory()}
		k := wanting(t, db, c, "EdDSA")
		first := load(t, k).Signer(c.at)
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := load(t, k).Signer(c.at.Add(keyring.Notice))
		c.at = c.at.Add(after)
		load(t, k)
		withdraw(t, k, second.ID)
		for begun := c.at; c.at.Before(begun.Add(2 * time.Hour)); c.at = c.at.Add(time.Minute) {
			ring := load(t, k)
			signer := ring.Signer(c.at)
			if signer == nil || signer.ID == second.ID || !finds(t, ring, signer) {
				t.Fatalf("withdrawn after %s, %s later: %v signs", after, c.at.Sub(begun), signer)
			}
			if signer.ID != first.ID {
				continue
			}
			for _, row := range rows(t, db) {
				if row.ID == first.ID && !row.Until.IsZero() && row.Until.Before(c.at.Add(life)) {
					t.Fatalf("withdrawn after %s, %s later: it signs a token that it will not verify", after, c.at.Sub(begun))
				}
			}
		}
		if list := rows(t, db); len(list) != 4 || load(t, k).Signer(c.at).ID != list[3].ID { // the second one's row, and that which withdraws it
			t.Errorf("withdrawn after %s: %d rows, or not the newest key signs", after, len(list))
		}
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
