package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// backChannelLogout answers POST backchannel-logout (OpenID Connect Back-Channel Logout section 2.5): the provider has ended one of its
// sessions, or all sessions of a person. The signature of the token authenticates the request; cookies are ignored. It answers 200 if
// everything has ended, 400 for an invalid token, and 503 while the keys or the store are unreachable, so that the provider retries.
func (f *flows) backChannelLogout(ctx context.Context, request *Request) (*Response, error) {
	read := parameters{values: request.Form, most: maxCredential}
	token := read.one("logout_token")
	if err := read.err(); err != nil {
		return nil, err
	}
	if token == "" {
		return nil, badRequest(CodeInvalidRequest, "Missing logout_token")
	}
	ended, err := f.vault.BackChannelLogout(ctx, token)
	if fault.Is(err, fault.Token) {
		f.log.WarnContext(ctx, "a logout token was refused", "reason", refusalOutcome(err), "want", f.clientIDs())
		return nil, &Error{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Detail: "Invalid logout_token", Err: err, kind: fault.Request}
	}
	if err != nil {
		return nil, err
	}
	f.log.InfoContext(ctx, "the provider ended sessions", "sessions", ended)
	answer := &Response{Status: http.StatusOK, Header: make(http.Header)}
	noStore(answer.Header)
	return answer, nil
}
