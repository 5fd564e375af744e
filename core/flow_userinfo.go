package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// UserInfo is the answer of the userinfo route, as the Python library gives it.
type UserInfo struct {
	Username  string `json:"username"`
	LastName  string `json:"last_name"`
	FirstName string `json:"first_name"`
	PwName    string `json:"pw_name"` // the same as Username
	Email     string `json:"email"`
}

// userInfo answers GET userinfo: from the claims of the caller's token where they name a user, else from the provider.
func (f *flows) userInfo(ctx context.Context, request *Request) (*Response, error) {
	token, err := f.member.Admit(ctx, request.Header.Values("Authorization"))
	if err != nil {
		return nil, err
	}
	names := claims.NamesOf(token.token.Object)
	if names.Username == "" {
		if names, err = f.logins.UserInfo(ctx, token.token); err != nil {
			return nil, noUserInfo(err)
		}
	}
	if names.Username == "" {
		return nil, noUserInfo(fault.New(fault.Nobody, nil))
	}
	return jsonResponse(UserInfo(names)), nil
}

// noUserInfo: nobody is known by a name. The reference's answer has an empty detail too.
func noUserInfo(err error) error {
	if fault.Is(err, fault.Nobody) {
		return &Error{Status: http.StatusNotFound, Err: err, kind: fault.Nobody}
	}
	return err
}
