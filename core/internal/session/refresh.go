package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Refresh rotates an own refresh token: it refreshes the session at the provider and mints a new access token.
func (b *Broker) Refresh(ctx context.Context, token string) (*Tokens, error) {
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	var made refreshed
	text, err := open.families.Rotate(ctx, token, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
		return b.refreshRecord(ctx, turn, &made)
	})
	switch {
	case errors.Is(err, family.ErrReused):
		b.cfg.Log.Warn("a session was ended: a spent refresh token came again")
		return nil, fault.New(fault.Ended, err)
	case errors.Is(err, family.ErrEnded):
		return nil, fault.New(fault.Ended, err)
	case errors.Is(err, family.ErrBusy):
		return nil, fault.Down(fault.Session, err)
	case err != nil:
		return nil, storeFault(err)
	}
	tokens, err := made.read(text)
	if err != nil {
		return nil, err
	}
	tokens.ExpiresIn = max(0, tokens.Expires-time.Now().Unix()) // the answer may be a repeated one
	return tokens, nil
}

// refreshed is the answer that a call has made itself. It need not be parsed again.
type refreshed struct {
	text   []byte
	tokens Tokens
}

// read returns the answer of a rotation. Call it after a rotation without an error: only then has the part under the lease ended.
func (made *refreshed) read(text []byte) (*Tokens, error) {
	tokens := new(Tokens)
	if len(made.text) > 0 && bytes.Equal(text, made.text) {
		*tokens = made.tokens
		return tokens, nil
	}
	return tokens, json.Unmarshal(text, tokens)
}

// refreshRecord is the part of a rotation that runs under the lease: it refreshes at the provider, mints, and makes the answer.
func (b *Broker) refreshRecord(ctx context.Context, turn family.Turn, made *refreshed) (*family.Result, error) {
	r, err := readRecord(turn.Data)
	if err != nil {
		return nil, err
	}
	var open *opened
	login, spent, err := b.ask(ctx, r, turn, func(ctx context.Context) (err error) {
		open, err = b.ready(ctx)
		return err
	})
	if err != nil {
		return r.kept(spent, err)
	}
	minted, err := b.mintFor(ctx, open.signer(), r, turn.Next.ID)
	if err != nil {
		return r.kept(true, err)
	}
	tokens := tokensOf(minted, r.Scope)
	tokens.RefreshToken, tokens.RefreshExpires = turn.Next.Text, b.sessionEnd(login, turn.Ends)
	text, err := json.Marshal(tokens) //nolint:gosec // it is sealed before it is stored
	if err != nil {
		return r.kept(true, err)
	}
	made.text, made.tokens = text, *tokens
	made.tokens.Caller = nil // as in an answer that was stored
	result, err := r.kept(true, nil)
	result.Answer, result.Expires, result.Issued = text, time.Unix(tokens.RefreshExpires, 0), minted.Expiry
	return result, err
}

// kept returns the new data of the session; together with an error, only if the provider's refresh token was spent.
func (r *record) kept(spent bool, err error) (*family.Result, error) {
	if !spent {
		return nil, err
	}
	data, errData := r.text()
	return &family.Result{Data: data}, errors.Join(err, errData)
}

// ask redeems the refresh token of a record at the provider and updates the record. spent reports that the provider has answered: then
// the record must be stored even with an error, because it has the new refresh token. keeps waits for what the caller needs
// afterwards; nothing is spent before it returns.
func (v *Vault) ask(ctx context.Context, r *record, turn family.Turn, keeps func(context.Context) error) (login *Grant, spent bool, err error) {
	up, err := v.ups.Of(ctx, r.Issuer)
	if err != nil {
		return nil, false, err
	}
	if up == nil {
		return nil, false, family.ErrRefused // of a provider that is not configured any more
	}
	at, err := up.prepare(ctx, keeps)
	if err != nil {
		return nil, false, err
	}
	if issuer, err := at.Provider.Issuer(ctx); err == nil && issuer != r.Issuer && up.Issuer.Spellings == nil {
		return nil, false, family.ErrRefused // the session is of a provider that this service used before
	}
	answer, err := at.Provider.Token(ctx, at.Meta, refreshForm(r.Refresh))
	if fault.Is(err, fault.Grant) {
		return nil, false, family.ErrRefused
	}
	if err != nil {
		return nil, false, err
	}
	r.Refresh = answer.RefreshToken
	issued := *r
	turn.Keep(issued.text)
	if login, err = at.accept(ctx, answer, Check{Scope: r.Scope}); err != nil {
		return nil, true, refreshFault(err)
	}
	for _, token := range []*verify.Token{login.Caller, login.Access} { // OpenID Connect Core section 12.2
		if token != nil && (token.Subject != r.Subject || token.Issuer != r.Issuer) {
			return nil, true, family.ErrRefused
		}
	}
	v.update(ctx, r, login)
	return login, true, nil
}

// refreshFault makes an invalid ID token after a refresh a fault of the provider instead of the client.
func refreshFault(err error) error {
	if fault.Is(err, fault.Login) {
		return fault.Bad(fault.Provider, err)
	}
	return err
}

// abandon revokes at the provider the refresh token in the data of an ended session.
func (v *Vault) abandon(ctx context.Context, data []byte) {
	r, err := readRecord(data)
	if err != nil {
		return
	}
	v.forsake(ctx, r)
}

// forsake revokes the refresh token of an ended session at the provider, if that can be reached.
func (v *Vault) forsake(ctx context.Context, r *record) {
	if r.Refresh == "" {
		return
	}
	if at, err := v.ups.reachOf(ctx, r.Issuer); err == nil {
		at.Forsake(ctx, r.Refresh)
	}
}
