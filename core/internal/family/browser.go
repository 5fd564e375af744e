package family

import (
	"context"
	"errors"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Row is a session in the store, with its data decrypted.
type Row struct {
	store.Session

	Plain []byte // Data, decrypted
}

// Look returns the session of a cookie. The error is [ErrEnded] if there is none or the secret is wrong, [ErrSealed], or that of the store.
// A wrong secret does not end the session, so that nobody can end one by guessing.
func (f *Families) Look(ctx context.Context, cookie string) (Row, error) {
	token, ok := parse(store.KindBrowser, cookie)
	if !ok {
		return Row{}, ErrEnded
	}
	row, err := f.row(ctx, token.ID)
	if err == nil && (row.Kind != store.KindBrowser || !token.is(row.Current)) {
		return Row{}, ErrEnded
	}
	return row, err
}

// row returns a session by its ID.
func (f *Families) row(ctx context.Context, id string) (Row, error) {
	session, err := f.cfg.Store.Session(ctx, id, f.now())
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && session.Kind == store.KindOnce:
		return Row{}, ErrEnded
	case err != nil:
		return Row{}, err
	}
	plain, err := f.open(f.data, id, session.Data)
	return Row{Session: session, Plain: plain}, err
}

// Renew refreshes the data of a session with spend, on one instance at a time, and returns the new row. If isDue reports false for the
// data of the row, another instance has already refreshed it, and Renew returns the row. Cookie and refresh token stay valid. Once spend
// has been called, it runs to its end even if ctx ends. The errors are those of [Families.Rotate]; [ErrBusy] means that another instance
// holds the lease.
func (f *Families) Renew(ctx context.Context, id string, isDue func(plain []byte) bool, spend Spend) (Row, error) {
	row, err := f.row(ctx, id)
	if err != nil || !isDue(row.Plain) {
		return row, err
	}
	if row.Lease.Add(clocks.Skew).After(f.now()) {
		return row, ErrBusy
	}
	return await(ctx, f, func(free context.Context) (Row, error) { return f.renew(free, row, spend) })
}

func (f *Families) renew(ctx context.Context, row Row, spend Spend) (Row, error) {
	session, result, err := f.ask(ctx, row.Session, Turn{Data: row.Plain}, spend)
	switch {
	case errors.Is(err, store.ErrConflict):
		return row, ErrBusy // another instance was faster
	case err != nil:
		return row, err
	}
	if err := f.keep(ctx, session, result, nil); err != nil {
		return row, err
	}
	row.Plain = result.Data
	return row, nil
}

// Note returns the decrypted Note of a session, nil if it cannot be decrypted.
func (f *Families) Note(session store.Session) []byte {
	plain, err := f.data.OpenBytes(session.Note, f.context(session.ID)+"\x00note")
	if err != nil {
		return nil
	}
	return plain
}
