// Package keyring keeps the signing keys of one service in its store: sealed, made once however many instances start at
// the same moment, published before they sign, and kept until the last token that they signed has expired.
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
	// Notice is how long a key is published before it signs: longer than any verifier keeps an old set.
	Notice = 10 * time.Minute
	// Reload is how often an instance looks for new keys.
	Reload = time.Minute
	// MaxAge is how old a loaded ring may be that an instance signs with.
	MaxAge = 2 * Reload
	// ImportLife is how long an imported key verifies at least: the Python library's device tokens live for 30 days.
	ImportLife = 31 * 24 * time.Hour
)

var (
	// ErrSealed says that a key in the store was sealed with a secret that is not configured, or for another service.
	// Nothing is made in its place.
	ErrSealed = errors.New("keyring: a signing key in the store does not open: it was sealed with other SecretKeys, or for another ClientID or PublicURL")
	// ErrUnknown says that there is no signing key of a name.
	ErrUnknown = errors.New("keyring: there is no signing key of this kid")
)

// Ring is the keys at one moment. It is never changed.
type Ring struct {
	Document []byte // the public halves as a JWK set
	entries  []entry
}

type entry struct {
	row    store.Key
	signer *jose.Signer // nil: the row counts as a generation, and for nothing else
	public jose.Key
	keep   time.Time // of an imported key: it verifies until then at least
}

// sealedKey is what a row holds.
type sealedKey struct {
	PEM  string `json:"pem"`
	Keep int64  `json:"keep,omitempty"` // Unix seconds
}

// Keeper loads and changes the ring. Safe for concurrent use.
type Keeper struct {
	Store  store.Store
	Sealer *seal.Sealer
	Issuer string // the own issuer, and the client ID: what was sealed for another service does not open
	Client string
	Life   time.Duration // of the longest token that is signed, clocks included
	Import []byte        // PEM, nil for none
	Now    func() time.Time
}

func (k *Keeper) now() time.Time { return stored.Time(k.Now()) }

// Load returns the ring, with the key to import, if any, and at least one key: the first instance makes it.
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
		if err != nil && !errors.Is(err, store.ErrConflict) { // another instance was first: read again
			return nil, err
		}
	}
}

// wanting returns the key that the ring lacks, nil when it lacks none.
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

// importRow makes a row for an imported key: it signs only where there is no other.
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

// Rotate adds a key that signs after [Notice]. It does nothing when one is waiting already, or another instance adds one
// at this moment: a rotation that is called on every instance makes one key.
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
		if err := k.Store.AddKey(ctx, *row); !errors.Is(err, store.ErrConflict) { // a conflict may be an imported key's
			return err
		}
	}
}

// notice stands in a row in the place of a key: the keys of the row's name are withdrawn. It is not sealed, so that it
// opens when the secrets have changed: an attacker who can write it can delete the key as well.
const notice = "withdrawn"

func isNotice(row store.Key) bool { return string(row.Sealed) == notice }

// withdrawn reports whether [Keeper.Withdraw] has added a row for this name. That needs no clock, and stays, so that a key
// that stands in a configuration is not imported again.
func withdrawn(rows []store.Key, id string) bool {
	return slices.ContainsFunc(rows, func(row store.Key) bool { return row.ID == id && isNotice(row) })
}

// Withdraw takes a key that leaked out of the ring: nothing that it signed is good any more, on any instance that has
// loaded the ring since. If it was the one that signs, the key that waits takes its place at once, or a new one. It may be
// repeated. [ErrUnknown]: there is no key of this name.
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

// replace lets [store.Store.Purge] remove a key that was withdrawn, and makes another one where none is left.
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

// retire gives the keys that another one has followed their end. Any instance may do it, as often as it likes.
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

// Signer returns the key that signs at a moment: the newest whose time has come.
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
		earliest = e // the clock of the instance that made the only key may be ahead
	}
	return earliest
}

// signers returns the keys that sign at some time and have not ended, the newest first.
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

// Holds reports whether a key of this name verifies tokens.
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
