package core

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// UserInfo is the answer of the userinfo route, as the Python library gives it.
type UserInfo struct {
	Username  string `json:"username"`
	LastName  string `json:"last_name"`
	FirstName string `json:"first_name"`
	PwName    string `json:"pw_name"` // the same as Username
	Email     string `json:"email"`
}

func userInfoOf(object strictjson.Object) *UserInfo {
	info := UserInfo(claims.NamesOf(object))
	return &info
}

// userInfo answers GET userinfo: from the claims of the caller's token where they name a user, else from the provider.
func (f *flows) userInfo(ctx context.Context, request *Request) (*Response, error) {
	token, err := f.member.Admit(ctx, request.Header.Values("Authorization"))
	if err != nil {
		return nil, err
	}
	info := userInfoOf(token.token.Object)
	switch {
	case info.Username != "":
	case f.broker != nil: // the provider knows nothing of own tokens
		return nil, &Error{Status: http.StatusNotFound}
	default:
		if info, err = f.askUserInfo(ctx, token); err != nil {
			return nil, err
		}
	}
	return jsonResponse(info), nil
}

func (f *flows) askUserInfo(ctx context.Context, token *IDToken) (*UserInfo, error) {
	nobody := &Error{Status: http.StatusNotFound} // the reference's answer has an empty detail too
	meta, err := f.provider.Metadata(ctx)
	if err != nil {
		return nil, fault.Down(fault.Documents, err)
	}
	if meta.UserInfo == "" {
		return nil, nobody
	}
	answer, err := f.subjectInfo(ctx, meta, token.Raw(), token.Subject())
	if err != nil {
		return nil, err
	}
	info := userInfoOf(answer.Object)
	if info.Username == "" {
		return nil, nobody
	}
	return info, nil
}

// subjectInfo asks the provider's userinfo endpoint. An answer about anybody but subject is not believed (OpenID Connect
// Core section 5.3.2).
func (f *flows) subjectInfo(ctx context.Context, meta *provider.Metadata, bearer, subject string) (*fetch.Answer, error) {
	answer, err := f.provider.UserInfo(ctx, meta, bearer)
	switch {
	case errors.Is(err, fetch.ErrUnreachable):
		return nil, fault.Down(fault.Provider, err)
	case err != nil:
		return nil, fault.Bad(fault.Provider, err)
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return nil, fault.New(fault.Token, nil)
	case answer.Status >= 400:
		return nil, provider.Refusal("")
	}
	if got, err := answer.Object.String("sub"); err != nil || got != subject {
		return nil, fault.Bad(fault.Provider, err)
	}
	return answer, nil
}
