package session

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"golang.org/x/oauth2"
)

// Refresh spends an own refresh token.
func (b *Broker) Refresh(ctx context.Context, token string) (*Tokens, error) {
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	text, err := open.families.Rotate(ctx, token, b.refreshRecord)
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
	tokens := new(Tokens)
	if err := json.Unmarshal(text, tokens); err != nil {
		return nil, err
	}
	tokens.ExpiresIn = max(0, tokens.Expires-time.Now().Unix()) // the answer may be one that is given again
	return tokens, nil
}

// refreshRecord is the part of a rotation that one instance alone does: refresh at the provider, mint, answer.
func (b *Broker) refreshRecord(ctx context.Context, turn family.Turn) (*family.Result, error) {
	var r record
	if err := json.Unmarshal(turn.Data, &r); err != nil {
		return nil, err
	}
	var open *opened
	meta, err := b.up.prepare(ctx, func(ctx context.Context) (err error) {
		open, err = b.ready(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if issuer, err := b.up.Provider.Issuer(ctx); err == nil && issuer != r.Issuer {
		return nil, family.ErrRefused // of a provider that this service had before
	}
	answer, err := b.up.Provider.Token(ctx, meta, refreshForm(r.Refresh))
	if fault.Is(err, fault.Grant) {
		return nil, family.ErrRefused
	}
	if err != nil {
		return nil, err
	}
	return b.refreshed(ctx, meta, open.signer(), &r, answer, turn)
}

// refreshed makes the answer out of the provider's. From here on the provider's new refresh token is the session's,
// whatever else fails.
func (b *Broker) refreshed(ctx context.Context, meta *provider.Metadata, signer *jose.Signer, r *record, answer *oauth2.Token, turn family.Turn) (*family.Result, error) {
	r.Refresh = answer.RefreshToken
	if data, err := json.Marshal(r); err == nil {
		turn.Keep(data)
	}
	kept := func(err error) (*family.Result, error) {
		data, errData := json.Marshal(r)
		return &family.Result{Data: data}, errors.Join(err, errData)
	}
	login, err := b.up.accept(ctx, answer, Check{Scope: r.Scope})
	if err != nil {
		return kept(refreshFault(err))
	}
	for _, token := range []*verify.Token{login.Caller, login.Access} { // OpenID Connect Core section 12.2
		if token != nil && token.Subject != r.Subject {
			return kept(family.ErrRefused)
		}
	}
	b.update(ctx, meta, r, login)
	minted, err := b.mintFor(signer, r, turn.Next.ID)
	if err != nil {
		return kept(err)
	}
	tokens := tokensOf(minted, r.Scope)
	tokens.RefreshToken, tokens.RefreshExpires = turn.Next.Text, b.sessionEnd(login, turn.Ends)
	text, err := json.Marshal(tokens) //nolint:gosec // it is sealed before it is stored
	if err != nil {
		return kept(err)
	}
	result, err := kept(nil)
	result.Answer, result.Expires, result.Issued = text, time.Unix(tokens.RefreshExpires, 0), minted.Expiry
	return result, err
}

// refreshFault: an ID token that does not verify after a refresh is the provider's fault, not the client's.
func refreshFault(err error) error {
	if fault.Is(err, fault.Login) {
		return fault.Bad(fault.Provider, err)
	}
	return err
}

// abandon revokes at the provider what a session held that has ended here.
func (v *Vault) abandon(ctx context.Context, data []byte) {
	var r record
	if json.Unmarshal(data, &r) != nil {
		return
	}
	if meta, err := v.up.Provider.Metadata(ctx); err == nil {
		v.up.Provider.Forsake(ctx, meta, r.Refresh)
	}
}
