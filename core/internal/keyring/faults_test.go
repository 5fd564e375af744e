package keyring_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Another instance changes the store first.
func TestConflicts(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	other := keeper(t, db.Memory, c, secret)
	var theirs string
	db.add = func() error {
		db.add = nil
		theirs = load(t, other).Signer(c.at).ID
		return nil
	}
	if got := load(t, keeper(t, db, c, secret)).Signer(c.at).ID; got != theirs {
		t.Errorf("%s, not %s", got, theirs)
	}
	db.add = func() error { // a rotation elsewhere
		db.add = nil
		return other.Rotate(t.Context())
	}
	if err := keeper(t, db, c, secret).Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows, _ := db.Memory.Keys(t.Context()); len(rows) != 2 {
		t.Errorf("%d keys after two rotations at once", len(rows))
	}
	c.at = c.at.Add(time.Hour)
	db.add = func() error { // an import elsewhere takes the generation
		db.add = nil
		other.Import = imports()
		load(t, other)
		return nil
	}
	k := keeper(t, db, c, secret)
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring := load(t, k)
	if ring.Signer(c.at).ID == ring.Signer(c.at.Add(keyring.Notice)).ID {
		t.Error("the rotation is lost")
	}
}

// A key that cannot be decrypted is not changed, and no new key replaces it.
func TestSealed(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	load(t, keeper(t, db, c, secret))
	rows, _ := db.Memory.Keys(t.Context())
	if strings.Contains(string(rows[0].Sealed), "PRIVATE") {
		t.Error("in clear text")
	}
	good := keeper(t, db, c, secret)
	client, issuer := keeper(t, db, c, secret), keeper(t, db, c, secret)
	client.Client, issuer.Issuer = "another", "another"
	k := keeper(t, db, c, secret)
	k.Import = imports()
	for name, bad := range map[string]*keyring.Keeper{"secret": keeper(t, db, c, "another secret of thirty-two bytes"), "client": client, "issuer": issuer} {
		if _, err := bad.Load(t.Context()); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
		if err := bad.Rotate(t.Context()); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: Rotate: %v", name, err)
		}
	}
	for name, row := range map[string]store.Key{
		"empty":          {ID: "x", Generation: 2},
		"another name":   {ID: "x", Sealed: rows[0].Sealed, Generation: 2},
		"damaged":        {ID: rows[0].ID, Sealed: append(slices.Clone(rows[0].Sealed), 'A'), Generation: 2},
		"no JSON":        {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte("x"), "issuer\x00client\x00x")), Generation: 2},
		"no PEM":         {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte(`{"pem":"x"}`), "issuer\x00client\x00x")), Generation: 2},
		"of another key": {ID: "x", Sealed: []byte(good.Sealer.Seal([]byte(`{"pem":`+quoted(imports())+`}`), "issuer\x00client\x00x")), Generation: 2},
	} {
		with := &flawed{Memory: store.NewMemory()}
		for _, key := range []store.Key{rows[0], row} {
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

// Errors of the store are returned.
func TestStoreFails(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := keeper(t, db, c, secret)
	fails := func() error { return errStore }
	db.keys = fails
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	if err := k.Rotate(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	db.keys, db.add = nil, fails
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	db.add = nil
	load(t, k)
	db.add = fails
	if err := k.Rotate(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	db.add, db.retire = nil, fails
	if err := k.Rotate(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := k.Load(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
}
