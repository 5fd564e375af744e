package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// UserInfo is the JSON answer of the userinfo route, with the members of the Python library. A member is "" if it is unknown.
type UserInfo struct {
	Username  string `json:"username"`
	LastName  string `json:"last_name"`
	FirstName string `json:"first_name"`
	PwName    string `json:"pw_name"` // same value as Username
	Email     string `json:"email"`
}

// userInfo answers GET userinfo from the claims of the caller's token if they contain a username, otherwise from the provider.
func (f *flows) userInfo(ctx context.Context, request *Request) (*Response, error) {
	who, err := f.member.caller(ctx, request.credentials())
	if err != nil {
		return nil, err
	}
	token := who.token.token
	names := claims.NamesOf(token.Object)
	if names.Username == "" {
		if names, err = f.logins.UserInfo(ctx, token); err != nil {
			return nil, noUserInfo(err)
		}
	}
	if names.Username == "" {
		return nil, noUserInfo(fault.New(fault.Nobody, nil))
	}
	return jsonResponse(UserInfo(names)), nil
}

// noUserInfo turns "no username known" into a 404. Its detail is empty, as in the Python library.
func noUserInfo(err error) error {
	if fault.Is(err, fault.Nobody) {
		return &Error{Status: http.StatusNotFound, Err: err, kind: fault.Nobody}
	}
	return err
}
