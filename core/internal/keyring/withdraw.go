package keyring

import (
	"context"
	"errors"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

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
