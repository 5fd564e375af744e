// Package keyring keeps the signing keys of one service in its store. Keys are encrypted, created once even if many instances
// start at the same time, published before they sign, and kept until the last token that they signed has expired.
package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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

// Ring contains the keys at one moment. It is immutable.
type Ring struct {
	Document []byte // the public halves as a JWK set
	entries  []entry
}

type entry struct {
	row    store.Key
	signer *jose.Signer // nil: the row only occupies a generation
	public jose.Key
	keep   time.Time // an imported key verifies at least until then
}

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
	Import []byte        // PEM; nil: no key is imported
	Now    func() time.Time
}

func (k *Keeper) now() time.Time { return stored.Time(k.Now()) }

// Load returns the ring. It first adds the key to import, if any, and creates a key if there is none.
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

// Examine opens the keys in the store and changes nothing. The error is [ErrSealed], or that of the store.
func (k *Keeper) Examine(ctx context.Context) error {
	_, err := k.read(ctx)
	return err
}

// wanting returns the key that the ring lacks, nil if it lacks none.
func (k *Keeper) wanting(ring *Ring) (*store.Key, error) {
	if k.Import != nil {
		signer, err := jose.ParsePrivateKey(k.Import)
		if err != nil {
			return nil, err
		}
		if !ring.has(signer.ID) {
			return k.importRow(ring, signer)
		}
	}
	if ring.signing(k.now()) != nil {
		return nil, nil
	}
	signer, err := jose.NewRSASigner()
	if err != nil {
		return nil, err
	}
	return k.row(ring, signer, k.now(), time.Time{})
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
	e := entry{row: row, signer: signer, public: signer.Public()}
	if secret.Keep != 0 {
		e.keep = time.Unix(secret.Keep, 0).UTC()
	}
	return e, nil
}

// Rotate adds a key that signs after [Notice]. It does nothing if a key is already waiting or another instance adds one at the
// same time, so calling it on every instance adds one key.
func (k *Keeper) Rotate(ctx context.Context) error {
	signer, err := jose.NewRSASigner()
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

// notice is the content of a row that withdraws the keys with its kid. It is not encrypted, so that it still works after the
// secrets have changed. An attacker who can write it can delete the key as well.
const notice = "withdrawn"

func isNotice(row store.Key) bool { return string(row.Sealed) == notice }

// withdrawn reports whether [Keeper.Withdraw] added a row for this kid. The row does not depend on a clock and stays, so that a
// key that is still configured is not imported again.
func withdrawn(rows []store.Key, id string) bool {
	return slices.ContainsFunc(rows, func(row store.Key) bool { return row.ID == id && isNotice(row) })
}

// Withdraw removes a leaked key from the ring: every instance refuses its tokens after its next Load. If the key was signing,
// the waiting key replaces it at once, or a new one. Repeated calls have no further effect. The error is [ErrUnknown] if no key
// has this kid.
func (k *Keeper) Withdraw(ctx context.Context, id string) error {
	for {
		rows, err := k.Store.Keys(ctx)
		if err != nil {
			return err
		}
		ring := &Ring{}
		for _, row := range rows {
			ring.entries = append(ring.entries, entry{row: row})
		}
		switch {
		case !ring.has(id):
			return ErrUnknown
		case !withdrawn(rows, id):
			err = k.Store.AddKey(ctx, store.Key{ID: id, Generation: ring.last() + 1, Sealed: []byte(notice)})
		}
		if err == nil {
			return k.replace(ctx, ring, id)
		}
		if !errors.Is(err, store.ErrConflict) { // another instance took the generation: read again
			return err
		}
	}
}

// replace lets [store.Store.Purge] remove the withdrawn key, and creates a key if none is left.
func (k *Keeper) replace(ctx context.Context, ring *Ring, id string) error {
	for _, e := range ring.entries {
		if e.row.ID == id && !isNotice(e.row) && e.row.Until.IsZero() {
			if err := k.Store.RetireKey(ctx, e.row.Generation, k.now()); err != nil {
				return err
			}
		}
	}
	_, err := k.Load(ctx)
	return err
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

// Signer returns the key that signs at a time: the newest whose start is not later.
func (r *Ring) Signer(now time.Time) *jose.Signer {
	if e := r.signing(now); e != nil {
		return e.signer
	}
	return nil
}

func (r *Ring) signing(now time.Time) *entry {
	var earliest *entry
	for _, e := range r.signers() {
		if !e.row.From.After(now) {
			return e
		}
		earliest = e // the only key may start in the future, if the clock of its instance is ahead
	}
	return earliest
}

// signers returns the keys that may sign, now or later, and have not ended, newest first.
func (r *Ring) signers() (list []*entry) {
	for i := range slices.Backward(r.entries) {
		if e := &r.entries[i]; e.signer != nil && !e.row.From.IsZero() {
			list = append(list, e)
		}
	}
	return list
}

// Find returns the key that a token names.
func (r *Ring) Find(token jose.Header) (jose.Key, bool) {
	i := slices.IndexFunc(r.entries, func(e entry) bool {
		return e.signer != nil && token.HasKey && e.public.ID == token.KeyID && e.public.Alg == token.Alg
	})
	if i < 0 {
		return jose.Key{}, false
	}
	e := r.entries[i]
	return e.public, e.row.Until.IsZero() || e.row.Until.After(time.Now())
}

// Holds reports whether a key with this kid verifies tokens.
func (r *Ring) Holds(id string) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.signer != nil && e.row.ID == id })
}

func (r *Ring) has(id string) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.row.ID == id })
}

func (r *Ring) last() int64 {
	if len(r.entries) == 0 {
		return 0
	}
	return r.entries[len(r.entries)-1].row.Generation
}
