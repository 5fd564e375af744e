package core

import (
	"context"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// exchange answers a token exchange (RFC 8693 section 2.1). It refuses unsupported parameters before it verifies any token.
func (f *flows) exchange(ctx context.Context, form *tokenForm) (*session.Tokens, error) {
	kind, requested := form.read.one("subject_token_type"), form.read.one("requested_token_type")
	actor, actorType := form.read.one("actor_token"), form.read.one("actor_token_type")
	asked := session.Exchange{
		Subject: form.credential, Audience: form.read.one("audience"), Resource: form.read.one("resource"), Scope: form.read.one("scope"),
	}
	isAccess := func(kind string) bool { return kind == "" || kind == session.AccessTokenType }
	switch {
	case form.read.fault != nil:
		return nil, form.read.fault
	case !f.logins.Exchanges():
		return nil, fault.New(fault.NotOffered, nil)
	case !isAccess(kind), !isAccess(requested):
		return nil, badRequest(CodeInvalidRequest, "Only access tokens are exchanged, for access tokens.")
	case actor != "" || actorType != "":
		return nil, badRequest(CodeInvalidRequest, "An actor_token is not accepted.")
	}
	return f.logins.Exchange(ctx, asked)
}
