package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// revoke answers POST revoke (RFC 7009), in broker mode: the session of a token of this service ends, on every instance and at
// the provider. Whoever holds a token may end it; no client authenticates, as at the token route. It takes refresh tokens and
// access tokens, also expired ones, and ignores token_type_hint. An unknown token is a 200 too, a store that is out of reach
// a 503 (section 2.2.1).
func (f *flows) revoke(ctx context.Context, request *Request) (*Response, error) {
	read := parameters{values: request.Form, most: maxCredential}
	token, _ := read.one("token"), read.one("token_type_hint")
	if err := read.err(); err != nil {
		return nil, err
	}
	if token == "" {
		return nil, badRequest(CodeInvalidRequest, "Missing token")
	}
	if _, err := f.logins.End(ctx, session.Ending{Bearer: token, Refresh: token}); err != nil {
		return nil, err
	}
	answer := &Response{Status: http.StatusOK, Header: make(http.Header)}
	noStore(answer.Header)
	return answer, nil
}
