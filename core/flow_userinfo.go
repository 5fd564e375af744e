package core

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
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

// userInfo answers GET userinfo: from the claims of the caller's token where they name a user, else from the provider.
func (f *flows) userInfo(ctx context.Context, request *Request) (*Response, error) {
	token, err := f.member.caller(ctx, request.credentials())
	if err != nil {
		return nil, err
	}
	info := readUserInfo(token.claims)
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
	meta, err := f.provider.metadata(ctx)
	if err != nil {
		return nil, outage("OIDC server unavailable.", err)
	}
	if meta.userInfo == "" {
		return nil, nobody
	}
	answer, err := f.subjectInfo(ctx, meta, token.raw, token.Subject())
	if err != nil {
		return nil, err
	}
	info := readUserInfo(answer.Object)
	if info.Username == "" {
		return nil, nobody
	}
	return info, nil
}

// subjectInfo asks the provider's userinfo endpoint. An answer about anybody but subject is not believed (OpenID Connect
// Core section 5.3.2).
func (f *flows) subjectInfo(ctx context.Context, meta *metadata, bearer, subject string) (*fetch.Answer, error) {
	answer, err := f.provider.userInfo(ctx, meta, bearer)
	switch {
	case errors.Is(err, fetch.ErrUnreachable):
		return nil, outage("The OIDC provider cannot be reached.", err)
	case err != nil:
		return nil, nonsense("The OIDC provider gave an unusable answer.", err)
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return nil, invalidToken(nil)
	case answer.Status >= 400:
		return nil, refusal("")
	}
	if got, err := answer.Object.String("sub"); err != nil || got != subject {
		return nil, nonsense("The OIDC provider gave an unusable answer.", err)
	}
	return answer, nil
}

// readUserInfo maps claims: texts alone, nothing cut. A full name that begins with the first name is the last name's
// source without it.
func readUserInfo(claims strictjson.Object) *UserInfo {
	info := &UserInfo{
		Username: alias(claims, usernameAliases), Email: alias(claims, emailAliases),
		FirstName: alias(claims, firstNameAliases), LastName: alias(claims, lastNameAliases),
	}
	if info.FirstName != "" {
		info.LastName = strings.TrimPrefix(info.LastName, info.FirstName+" ")
	}
	info.PwName = info.Username
	return info
}
