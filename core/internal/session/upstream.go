package session

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
	"golang.org/x/oauth2"
)

// Upstream is the provider as sessions use it: grants are spent there, and what comes back is verified.
type Upstream struct {
	Provider   *provider.Provider
	Issuer     *verify.Issuer // of tokens that somebody brings
	Subjects   *verify.Issuer // of tokens that somebody wants to exchange
	Granted    *verify.Issuer // of access tokens in the answers to this service's own requests
	RefreshTTL time.Duration  // how long a refresh token is good for when the provider names no end
}

// Check says what an answer of the provider's has to bring.
type Check struct {
	Nonce   string // of the login, "" when it is not known here
	IDToken Need   // when nobody is logged in without one
	Scope   string // what was asked for, when the answer does not say what was granted
}

// Need says when an answer without an ID token is refused. A browser's login always needs one: without it the application
// would not know who logged in.
type Need int

// The needs.
const (
	Never     Need = iota // a refresh, a device: verified where one comes
	IfGranted             // openid was asked for, and is not missing in what was granted
	Always
)

// Grant is an answer of the provider's that has passed all checks.
type Grant struct {
	Tokens               // the provider's; Caller is the ID token's, nil when none came
	Access *verify.Token // nil when the access token is opaque, or for another service

	accessAway bool // the access token's key is out of reach: nobody knows what it says
}

// prepare waits for all that the provider's answer will need, its keys and whatever keeps it: nothing is spent for an answer
// that could not be verified or kept.
func (u *Upstream) prepare(ctx context.Context, keeps func(context.Context) error) (*provider.Metadata, error) {
	meta, err := u.Provider.Metadata(ctx)
	switch {
	case err != nil:
		return nil, fault.Down(fault.Documents, err)
	case meta.Token == "":
		return nil, &fault.Error{Kind: fault.Unusable, Part: fault.Endpoint, Name: "token_endpoint"}
	}
	if err := keeps(ctx); err != nil {
		return nil, err
	}
	if err := u.Provider.Keys().Ready(ctx); err != nil {
		return nil, fault.Down(fault.Documents, err)
	}
	return meta, nil
}

// spend makes one request at the token endpoint and verifies the answer.
func (u *Upstream) spend(ctx context.Context, meta *provider.Metadata, form url.Values, check Check) (*Grant, error) {
	answer, err := u.Provider.Token(ctx, meta, form)
	if err != nil {
		return nil, err
	}
	return u.accept(ctx, answer, check)
}

// refreshForm is RFC 6749 section 6. An answer without a new refresh token has the old one in it: x/oauth2 adds it.
func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// accept verifies an answer: the ID token as a whole, its subject that of the access token.
func (u *Upstream) accept(ctx context.Context, answer *oauth2.Token, check Check) (*Grant, error) {
	if kind := answer.TokenType; kind != "" && !strings.EqualFold(kind, "bearer") {
		return nil, fault.Bad(fault.TokenType, nil)
	}
	scope, fits := textMember(answer, "scope")
	if access, _ := textMember(answer, "access_token"); !fits || access != answer.AccessToken {
		return nil, fault.Bad(fault.Provider, nil)
	}
	caller, err := u.caller(ctx, answer, check, scope)
	if err != nil {
		return nil, err
	}
	issuer := u.Granted
	if caller == nil { // else the ID token has brought the new keys, if there are any
		issuer = u.urgent(u.Granted)
	}
	access, err := issuer.Access(ctx, answer.AccessToken)
	if caller != nil && fault.Is(err, fault.Outage) {
		return nil, err // its subject cannot be compared
	}
	away := fault.Is(err, fault.Outage)
	if err != nil {
		access = nil // opaque, or for another service: good for the client, nothing to compare with
	}
	if access != nil && caller != nil && access.Subject != caller.Subject {
		return nil, fault.New(fault.Login, nil)
	}
	grant := &Grant{Access: access, accessAway: away, Tokens: Tokens{
		AccessToken: answer.AccessToken, TokenType: "Bearer", RefreshToken: answer.RefreshToken, Scope: scope, Caller: caller,
	}}
	if grant.Scope == "" {
		grant.Scope = check.Scope
		if access != nil && len(access.Scopes) > 0 {
			grant.Scope = strings.Join(access.Scopes, " ")
		}
	}
	return grant, grant.setTimes(answer, time.Now(), u.RefreshTTL)
}

// urgent returns a row for what a grant was spent for: a new key of the provider's is fetched at once, even if the last fetch
// was a moment ago. Grants bound how often.
func (u *Upstream) urgent(row *verify.Issuer) *verify.Issuer {
	issuer := *row
	issuer.Keys = keyset.Urgent[jose.Set]{Keys: u.Provider.Keys()}
	return &issuer
}

// caller verifies the ID token: demanded where openid was granted at a login, verified wherever one comes.
func (u *Upstream) caller(ctx context.Context, answer *oauth2.Token, check Check, scope string) (*verify.Token, error) {
	raw, fits := textMember(answer, "id_token")
	if !fits {
		return nil, fault.Bad(fault.Provider, nil)
	}
	if raw == "" {
		granted := strings.Fields(scope)
		withOpenID := len(granted) == 0 || slices.Contains(granted, "openid")
		if check.IDToken == Always || check.IDToken == IfGranted && withOpenID {
			return nil, fault.New(fault.Login, nil)
		}
		return nil, nil
	}
	caller, err := u.urgent(u.Issuer).IDToken(ctx, raw, verify.Login{Client: u.Provider.Client.ID, AccessToken: answer.AccessToken, Nonce: check.Nonce})
	switch {
	case fault.Is(err, fault.Outage):
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Login, err)
	}
	return caller, nil
}

// userInfo asks the provider's userinfo endpoint. An answer about anybody but subject is not believed (OpenID Connect
// Core section 5.3.2).
func (u *Upstream) userInfo(ctx context.Context, meta *provider.Metadata, bearer, subject string) (*fetch.Answer, error) {
	answer, err := u.Provider.UserInfo(ctx, meta, bearer)
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
