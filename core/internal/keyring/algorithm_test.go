package keyring_test

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// wanting makes a keeper for an algorithm.
func wanting(t *testing.T, db store.Store, c *clock, algorithm string) *keyring.Keeper {
	t.Helper()
	k := keeper(t, db, c, secret)
	k.Algorithm = algorithm
	return k
}

func rows(t *testing.T, db *flawed) []store.Key {
	t.Helper()
	list, err := db.Memory.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// From every algorithm to every other one: the new key is published before it signs, and the old one verifies until its last token
// has expired.
func TestAnotherAlgorithm(t *testing.T) {
	for _, from := range jose.OwnAlgorithms {
		for _, to := range jose.OwnAlgorithms {
			if from == to {
				continue
			}
			c := &clock{time.Now()}
			db := &flawed{Memory: store.NewMemory()}
			first := load(t, wanting(t, db, c, from)).Signer(c.at)
			k := wanting(t, db, c, to)
			ring := load(t, k)
			second := ring.Signer(c.at.Add(keyring.Notice))
			if first.Alg != from || ring.Signer(c.at).ID != first.ID || second.Alg != to || !finds(t, ring, first) || !finds(t, ring, second) {
				t.Errorf("%s to %s: %s signs, then %s", from, to, ring.Signer(c.at).Alg, second.Alg)
			}
			c.at = c.at.Add(keyring.Notice + keyring.MaxAge + life - time.Second)
			if ring = load(t, k); !finds(t, ring, first) || ring.Signer(c.at).ID != second.ID {
				t.Errorf("%s to %s: the old key went early", from, to)
			}
			c.at = c.at.Add(time.Second)
			if ring = load(t, k); finds(t, ring, first) || len(rows(t, db)) != 2 {
				t.Errorf("%s to %s: the old key stays, or there are %d", from, to, len(rows(t, db)))
			}
		}
	}
}

// Instances that run with different settings do not fight: each changes the ring at most once, one key at a time, and the setting
// of the last one to start wins.
func TestMixedAlgorithms(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	old := []*keyring.Keeper{wanting(t, db, c, "RS256"), wanting(t, db, c, "RS256")}
	everyMinute := func(minutes int, keepers ...*keyring.Keeper) {
		for range minutes {
			for _, k := range keepers {
				load(t, k)
			}
			c.at = c.at.Add(time.Minute)
		}
	}
	signs := func() string { return load(t, old[0]).Signer(c.at).Alg }
	everyMinute(5, old...)
	next := []*keyring.Keeper{wanting(t, db, c, "ES256"), wanting(t, db, c, "ES256")}
	everyMinute(9, append(next, old...)...)
	if signs() != "RS256" || len(rows(t, db)) != 2 {
		t.Errorf("%s signs before the notice, %d keys", signs(), len(rows(t, db)))
	}
	everyMinute(300, append(next, old...)...)
	if signs() != "ES256" || len(rows(t, db)) != 2 {
		t.Errorf("%s signs, %d keys", signs(), len(rows(t, db)))
	}
	// An old instance restarts in the middle, and is replaced.
	again := wanting(t, db, c, "RS256")
	everyMinute(300, append(next, old[0], again)...)
	if signs() != "RS256" || len(rows(t, db)) != 3 {
		t.Errorf("after a restart with the old setting: %s signs, %d keys", signs(), len(rows(t, db)))
	}
	everyMinute(300, append(next, wanting(t, db, c, "ES256"))...)
	if signs() != "ES256" || len(rows(t, db)) != 4 {
		t.Errorf("after the replacement: %s signs, %d keys", signs(), len(rows(t, db)))
	}
	// Both restart at once, again and again: one key waits at most.
	for range 60 {
		everyMinute(1, wanting(t, db, c, "ES256"), wanting(t, db, c, "RS256"))
	}
	if n := len(rows(t, db)) - 4; n > 7 {
		t.Errorf("%d keys in an hour of restarts", n)
	}
	everyMinute(300, wanting(t, db, c, "ES256"), wanting(t, db, c, "RS256"))
	if n := len(rows(t, db)) - 4; n > 9 {
		t.Errorf("%d keys: they go on", n)
	}
}

// A rotation makes a key of the configured algorithm, on an instance that has been running too; none while one waits.
func TestRotationOfAnotherAlgorithm(t *testing.T) {
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	old := wanting(t, db, c, "EdDSA")
	load(t, old)
	next := wanting(t, db, c, "ES256")
	load(t, next)
	if err := old.Rotate(t.Context()); err != nil || len(rows(t, db)) != 2 {
		t.Errorf("%v, %d keys", err, len(rows(t, db)))
	}
	c.at = c.at.Add(keyring.Notice)
	for _, k := range []*keyring.Keeper{old, next} {
		if err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.at = c.at.Add(keyring.Notice)
		if got := load(t, next).Signer(c.at).Alg; got != k.Algorithm {
			t.Errorf("%s signs, not %s", got, k.Algorithm)
		}
	}
}

// An imported RSA key signs until the first key of another algorithm has been published for long enough.
func TestImportBesideAnotherAlgorithm(t *testing.T) {
	imported, err := jose.ParsePrivateKey(imports())
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Now()}
	db := &flawed{Memory: store.NewMemory()}
	k := wanting(t, db, c, "EdDSA")
	k.Import = imports()
	ring := load(t, k)
	if ring.Signer(c.at).ID != imported.ID || ring.Signer(c.at.Add(keyring.Notice)).Alg != "EdDSA" {
		t.Errorf("%s signs, then %s", ring.Signer(c.at).Alg, ring.Signer(c.at.Add(keyring.Notice)).Alg)
	}
	c.at = c.at.Add(keyring.ImportLife - time.Minute)
	if ring = load(t, k); !finds(t, ring, imported) || ring.Signer(c.at).Alg != "EdDSA" {
		t.Error("the imported key went early, or signs")
	}
}
