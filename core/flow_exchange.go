package core

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Names of RFC 8693 sections 2.1 and 3.
const (
	exchangeGrant   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name, no credential
)

// exchangeForm is what a token exchange says besides its subject token.
type exchangeForm struct {
	subject, subjectType, requestedType, actor, actorType string
	audience, resource, scope                             string
}

func (e *exchangeForm) fields() []formField {
	return []formField{
		{&e.subject, []string{"subject_token"}}, {&e.subjectType, []string{"subject_token_type"}},
		{&e.requestedType, []string{"requested_token_type"}}, {&e.actor, []string{"actor_token"}}, {&e.actorType, []string{"actor_token_type"}},
		{&e.audience, []string{"audience"}}, {&e.resource, []string{"resource"}}, {&e.scope, []string{"scope"}},
	}
}

// check refuses what this service does not do, before anything is verified.
func (e *exchangeForm) check(b *tokenBroker) error {
	isAccess := func(kind string) bool { return kind == "" || kind == accessTokenType }
	switch {
	case !isAccess(e.subjectType), !isAccess(e.requestedType):
		return badRequest(CodeInvalidRequest, "Only access tokens are exchanged, for access tokens.")
	case e.actor != "" || e.actorType != "":
		return badRequest(CodeInvalidRequest, "An actor_token is not accepted.")
	case e.audience != "" && e.audience != b.cfg.Audience, e.resource != "" && e.resource != b.issuer:
		return badRequest(CodeInvalidTarget, "invalid_target: tokens are issued for this service alone")
	}
	return nil
}

// exchangeToken answers a token exchange (RFC 8693): an access token of the provider, for this service, becomes an own
// one, with no wider scope and no longer life. Own tokens and those of trusted issuers are no subjects.
func (f *flows) exchangeToken(ctx context.Context, form *exchangeForm) (*Token, error) {
	if f.broker == nil || f.cfg.takesAnyAudience() {
		return nil, badRequest(CodeUnsupportedGrantType, "unsupported_grant_type: this grant_type is not offered")
	}
	if err := form.check(f.broker); err != nil {
		return nil, err
	}
	_, ring, err := f.broker.ready(ctx)
	if err != nil {
		return nil, err
	}
	subject, err := f.verifyProviderAccess(ctx, form.subject)
	if err != nil {
		return nil, subjectRefused(err)
	}
	found := &sources{Access: json.RawMessage(subject.token.Payload)}
	if meta, err := f.provider.Metadata(ctx); err == nil {
		found.UserInfo = f.userInfoFor(ctx, meta, subject.Raw(), subject.Subject())
	}
	p, err := found.person(subject.Issuer(), subject.Subject(), f.cfg.rules())
	if err != nil {
		return nil, err
	}
	scope := narrowed(subject.token.Scopes, form.scope)
	own, err := f.broker.mint(ring.Signer(time.Now()), f.member, p, family.NewToken().ID, scope, subject.Expiry())
	if err != nil {
		return nil, err
	}
	token := own.token(scope)
	token.IssuedTokenType = accessTokenType
	return token, nil
}

// subjectRefused: a subject token that is not valid is the request's fault (RFC 8693 section 2.2.2).
func subjectRefused(err error) error {
	if fault.Is(err, fault.Outage) {
		return err
	}
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidGrant, Detail: "Invalid token", Err: err, kind: fault.Token}
}
