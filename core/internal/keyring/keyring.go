// Package keyring keeps the signing keys of one service in its store. Keys are encrypted, created once even if many instances
// start at the same time, published before they sign, and kept until the last token that they signed has expired.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/seal"
	"github.com/go-oidc-auth/oidcauth/core/internal/stored"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const (
	// Notice is how long a key is published before it signs: longer than verifiers cache a key set.
	Notice = 10 * time.Minute
	// Reload is how often an instance looks for new keys.
	Reload = time.Minute
	// MaxAge is how old a loaded ring may be to sign with.
	MaxAge = 2 * Reload
	// ImportLife is the least time for which an imported key verifies: the Python library's device tokens live for 30 days.
	ImportLife = 31 * 24 * time.Hour
)

var (
	// ErrSealed says that a key in the store was encrypted with a secret that is not configured, or for another service.
	// No new key replaces it.
	ErrSealed = errors.New("keyring: a signing key in the store cannot be decrypted: it was encrypted with other SecretKeys, or for another ClientID or PublicURL")
	// ErrUnknown says that no signing key has this kid.
	ErrUnknown = errors.New("keyring: no signing key has this kid")
)

// sealedKey is the content of a row, before encryption.
type sealedKey struct {
	PEM  string `json:"pem"`
	Keep int64  `json:"keep,omitempty"` // Unix seconds
}

// Keeper loads and changes the ring. Safe for concurrent use.
type Keeper struct {
	Store  store.Store
	Sealer *seal.Sealer
	Issuer string // with Client, bound into the encryption: rows of another service cannot be decrypted
	Client string
	Life   time.Duration // the longest lifetime of a signed token, plus leeway
	Import []byte        // an RSA key in PEM; nil: no key is imported
	Now    func() time.Time

	// Algorithm is that of new keys, one of [jose.OwnAlgorithms]. A key in the store may have another: it signs until a newer one does.
	Algorithm string

	settled atomic.Bool // Algorithm has been compared with the newest key
}

func (k *Keeper) now() time.Time { return stored.Time(k.Now()) }

// Load returns the ring. It first adds the key to import, if any, and creates a key if the ring needs one: if there is none, if the
// newest key has another algorithm than Algorithm, or if the key that was to follow was withdrawn.
func (k *Keeper) Load(ctx context.Context) (*Ring, error) {
	for {
		ring, err := k.read(ctx)
		if err != nil {
			return nil, err
		}
		row, err := k.wanting(ring)
		if row == nil && err == nil {
			return ring, k.retire(ctx, ring)
		}
		if err == nil {
			err = k.Store.AddKey(ctx, *row)
		}
		if err != nil && !errors.Is(err, store.ErrConflict) { // on a conflict another instance was first: read again
			return nil, err
		}
	}
}

// Examine opens the keys in the store and changes nothing. It returns the algorithm of the newest key that signs or will sign, "" if there
// is none. The error is [ErrSealed], or that of the store.
func (k *Keeper) Examine(ctx context.Context) (newest string, err error) {
	ring, err := k.read(ctx)
	if err != nil {
		return "", err
	}
	if signers := ring.signers(); len(signers) > 0 {
		newest = signers[0].signer.Alg
	}
	return newest, nil
}

// wanting returns the key that the ring lacks, nil if it lacks none.
func (k *Keeper) wanting(ring *Ring) (*store.Key, error) {
	if k.Import != nil {
		signer, err := jose.ParseRSAKey(k.Import)
		if err != nil {
			return nil, err
		}
		if !ring.has(signer.ID) {
			return k.importRow(ring, signer)
		}
	}
	from, ok := k.vacancy(ring)
	if !ok {
		return nil, nil
	}
	signer, err := jose.NewOwnSigner(k.Algorithm)
	if err != nil {
		return nil, err
	}
	return k.row(ring, signer, from, time.Time{})
}

// vacancy returns from when a new key must sign; ok is false if the ring needs none.
func (k *Keeper) vacancy(ring *Ring) (from time.Time, ok bool) {
	now := k.now()
	if ring.signing(now) == nil {
		return now, true
	}
	newest := ring.signers()[0]
	another := k.isAnother(newest.signer.Alg)
	ends := !newest.row.Until.IsZero()                                   // its successor was withdrawn
	if waits := newest.row.From.After(now); waits || !another && !ends { // one new key at a time
		return time.Time{}, false
	}
	return now.Add(Notice), true
}

// isAnother reports whether the newest key has another algorithm than the configured one. It does so until the two agree once:
// while instances with different settings run, each changes the ring at most once, so the setting of the last one to start wins.
func (k *Keeper) isAnother(alg string) bool {
	if alg == k.Algorithm {
		k.settled.Store(true)
	}
	return !k.settled.Load()
}

// importRow makes a row for an imported key, which signs only if there is no other.
func (k *Keeper) importRow(ring *Ring, signer *jose.Signer) (*store.Key, error) {
	keep := k.now().Add(ImportLife)
	if ring.signing(k.now()) == nil {
		return k.row(ring, signer, k.now(), keep)
	}
	row, err := k.row(ring, signer, time.Time{}, keep)
	if row != nil {
		row.Until = keep
	}
	return row, err
}

func (k *Keeper) row(ring *Ring, signer *jose.Signer, from, keep time.Time) (*store.Key, error) {
	text, err := signer.PrivateKey()
	if err != nil {
		return nil, err
	}
	secret := sealedKey{PEM: string(text)}
	if !keep.IsZero() {
		secret.Keep = keep.Unix()
	}
	plain, err := json.Marshal(secret)
	if err != nil {
		return nil, err
	}
	row := store.Key{ID: signer.ID, Generation: ring.last() + 1, From: from}
	row.Sealed = []byte(k.Sealer.Seal(plain, k.context(row.ID)))
	return &row, nil
}

func (k *Keeper) context(id string) string { return k.Issuer + "\x00" + k.Client + "\x00" + id }

func (k *Keeper) read(ctx context.Context) (*Ring, error) {
	rows, err := k.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	ring := &Ring{}
	var publish []*jose.Signer
	now := k.now()
	for _, row := range rows {
		if withdrawn(rows, row.ID) || !row.Until.IsZero() && !row.Until.After(now) {
			ring.entries = append(ring.entries, entry{row: row})
			continue
		}
		e, err := k.openRow(row)
		if err != nil {
			return nil, err
		}
		ring.entries = append(ring.entries, e)
		publish = append(publish, e.signer)
	}
	ring.Document, err = jose.MarshalSet(publish...)
	return ring, err
}

func (k *Keeper) openRow(row store.Key) (entry, error) {
	plain, err := k.Sealer.Open(string(row.Sealed), k.context(row.ID))
	if err != nil {
		return entry{}, ErrSealed
	}
	var secret sealedKey
	if json.Unmarshal(plain, &secret) != nil {
		return entry{}, ErrSealed
	}
	signer, err := jose.ParsePrivateKey([]byte(secret.PEM))
	if err != nil || signer.ID != row.ID {
		return entry{}, ErrSealed
	}
	e := entry{row: row, signer: signer, public: signer.Public(), stop: row.Until.Add(-k.Life)}
	if secret.Keep != 0 {
		e.keep = time.Unix(secret.Keep, 0).UTC()
	}
	return e, nil
}

// Rotate adds a key of the configured algorithm that signs after [Notice]. It does nothing if a key is already waiting or another instance adds one at the
// same time, so calling it on every instance adds one key.
func (k *Keeper) Rotate(ctx context.Context) error {
	signer, err := jose.NewOwnSigner(k.Algorithm)
	if err != nil {
		return err
	}
	for {
		ring, err := k.Load(ctx)
		if err != nil {
			return err
		}
		now := k.now()
		if signers := ring.signers(); len(signers) > 0 && signers[0].row.From.After(now) {
			return nil
		}
		row, err := k.row(ring, signer, now.Add(Notice), time.Time{})
		if err != nil {
			return err
		}
		if err := k.Store.AddKey(ctx, *row); !errors.Is(err, store.ErrConflict) { // retry: an import may have taken the generation
			return err
		}
	}
}

// retire sets the end of keys that have a successor. Every instance may call it, any number of times.
func (k *Keeper) retire(ctx context.Context, ring *Ring) error {
	var follower *entry
	for _, e := range ring.signers() {
		if follower != nil && e.row.Until.IsZero() {
			until := follower.row.From.Add(MaxAge + k.Life)
			if e.keep.After(until) {
				until = e.keep
			}
			if err := k.Store.RetireKey(ctx, e.row.Generation, until); err != nil {
				return err
			}
		}
		follower = e
	}
	return nil
}
