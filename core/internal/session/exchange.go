package session

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// AccessTokenType is the type of RFC 8693 section 3.
const AccessTokenType = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name, no credential

var errTarget = errors.New("another audience or resource")

// Exchanges is false where the audience of a subject token says nothing.
func (b *Broker) Exchanges() bool { return !b.cfg.AnyAudience }

// Exchange answers a token exchange (RFC 8693): an access token of the provider, for this service, becomes an own
// one, with no wider scope, no longer life and no role that it lacks, and with the same actor (section 4.1). Own tokens and
// those of trusted issuers are no subjects. The error is a fault: Target for an audience that is not this service, Subject for
// a token that is not accepted.
func (b *Broker) Exchange(ctx context.Context, e Exchange) (*Tokens, error) {
	if e.Audience != "" && e.Audience != b.cfg.Audience || e.Resource != "" && e.Resource != b.cfg.Issuer {
		return nil, fault.New(fault.Target, errTarget)
	}
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	subject, err := b.up.Subjects.Access(ctx, e.Subject)
	switch {
	case fault.Is(err, fault.Outage):
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Subject, err)
	}
	actor, err := actorOf(&subject.Token)
	if err != nil {
		return nil, err
	}
	found := &heard{sources: sources{Access: said(subject.Payload, time.Now())}}
	if meta, err := b.up.Provider.Metadata(ctx); err == nil {
		b.hearUserInfo(ctx, meta, found, subject.Raw, subject.Subject)
	}
	p, err := found.person(subject.Issuer, subject.Subject, b.cfg.Rules)
	if err != nil {
		return nil, err
	}
	p.granting = []*claims.Token{&subject.Token} // userinfo has names, and no roles for whoever holds a lesser token
	scope := narrowed(subject.Scopes, e.Scope)
	minted, err := b.mint(open.signer(), order{person: p, session: family.NewToken().ID, scope: scope, end: subject.Expiry, actor: actor})
	if err != nil {
		return nil, err
	}
	tokens := tokensOf(minted, scope)
	tokens.IssuedTokenType = AccessTokenType
	return tokens, nil
}

var errActor = errors.New("the claim act is no object")

// actorOf is the claim act of a token, nil when there is none.
func actorOf(token *claims.Token) (json.RawMessage, error) {
	text, ok := token.Object.Get("act")
	if !ok {
		return nil, nil
	}
	if _, err := token.Object.Object("act"); err != nil {
		return nil, fault.New(fault.Subject, errActor)
	}
	return json.RawMessage(text), nil
}
