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

// Exchanges reports false if the audience of subject tokens is not checked.
func (b *Broker) Exchanges() bool { return !b.cfg.AnyAudience }

// Exchange performs a token exchange (RFC 8693): it mints an own token for an access token that the provider issued for this service.
// The own token has no wider scope, no later expiry and no other roles than the subject token, the same actor (section 4.1) and
// the same login (acr and auth_time). Own
// tokens and those of trusted issuers cannot be exchanged. The error is a fault: Target if the audience or resource is not this
// service, Subject if the token is not accepted.
func (b *Broker) Exchange(ctx context.Context, e Exchange) (*Tokens, error) {
	if e.Audience != "" && e.Audience != b.cfg.Audience || e.Resource != "" && e.Resource != b.cfg.Issuer {
		return nil, fault.New(fault.Target, errTarget)
	}
	open, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	up, subject, err := b.ups.subject(ctx, e.Subject)
	switch {
	case fault.Is(err, fault.Outage), fault.Is(err, fault.Unusable), fault.Is(err, fault.Internal):
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Subject, err)
	}
	actor, err := actorOf(&subject.Token)
	if err != nil {
		return nil, err
	}
	found := &heard{sources: sources{Access: said(subject.Object, time.Now())}}
	if at, err := up.reach(ctx); err == nil {
		b.hearUserInfo(ctx, at, found, subject.Raw, subject.Subject)
	}
	p, err := found.person(subject.Issuer, subject.Subject, up.Rules)
	if err != nil {
		return nil, err
	}
	p.granting = []*claims.Token{&subject.Token} // userinfo adds names but no roles, which the subject token may lack on purpose
	scope := narrowed(subject.Scopes, e.Scope)
	minted, err := b.mint(open.signer(), order{
		person: p, session: family.NewToken().ID, scope: scope, end: subject.Expiry, actor: actor,
		acr: subject.Text("acr"), authTime: claims.AuthTime(subject.Object, time.Now(), b.cfg.Leeway),
	})
	if err != nil {
		return nil, err
	}
	tokens := tokensOf(minted, scope)
	tokens.IssuedTokenType = AccessTokenType
	return tokens, nil
}

var errActor = errors.New("the claim act is not an object")

// actorOf returns the claim act of a token as JSON; nil if it has none.
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
