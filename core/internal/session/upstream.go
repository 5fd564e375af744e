package session

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// Upstream spends grants at the provider and verifies the answers.
type Upstream struct {
	Name       string // unique among the providers of the configuration
	Owner      any    // the value of package core for it
	Provider   *provider.Provider
	Issuer     *verify.Issuer // verifies ID tokens, logout tokens and, in passthrough mode, the tokens of callers
	Subjects   *verify.Issuer // verifies the subject tokens of exchanges
	Granted    *verify.Issuer // verifies the access tokens in answers to this service's own requests
	Opaque     *verify.Opaque // looks up its access tokens; nil: they are JWTs
	Rules      *claims.Rules  // for reading its documents
	RefreshTTL time.Duration  // assumed lifetime of a refresh token if the provider does not state one
}

// Check has the expectations for an answer of the provider.
type Check struct {
	Nonce   string         // nonce of the login; "": not checked
	IDToken Need           // when an answer without an ID token is refused
	Scope   string         // requested scope, used if the answer does not state the granted one
	StepUp  *claims.StepUp // what the login has to be like, by its ID token; nil: like any. Only [Logins.Redeem] and [Logins.LogIn] check it
}

// Need says when an answer without an ID token is refused. A browser login always needs one, because it identifies the person.
type Need int

// Values of Need.
const (
	Never     Need = iota // refresh and device flow; an ID token is still verified if there is one
	IfGranted             // unless the answer states a granted scope without openid
	Always
)

// Grant is a verified answer of the provider's token endpoint.
type Grant struct {
	Tokens               // of the provider; Caller is the ID token, nil if there is none
	Access *verify.Token // access token; nil if it is opaque or for another service

	from       *Reached // the provider that answered
	accessAway bool     // the access token could not be verified because its key is unavailable
}

// Reached is a provider with its metadata: one that can be asked now.
type Reached struct {
	*Upstream
	Meta *provider.Metadata
}

// Forsake revokes a refresh token that will never be used. A failure is only logged.
func (r *Reached) Forsake(ctx context.Context, refresh string) {
	r.Provider.Forsake(ctx, r.Meta, refresh)
}

// prepare returns the provider once the provider's keys are available and keeps has returned without an error, so that no
// grant is spent for an answer that could not be verified or stored. The error is a fault.
func (u *Upstream) prepare(ctx context.Context, keeps func(context.Context) error) (*Reached, error) {
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
	return &Reached{Upstream: u, Meta: meta}, nil
}

// reach returns the provider if its metadata are known or can be fetched. The error is an outage.
func (u *Upstream) reach(ctx context.Context) (*Reached, error) {
	meta, err := u.Provider.Metadata(ctx)
	if err != nil {
		return nil, fault.Down(fault.Documents, err)
	}
	return &Reached{Upstream: u, Meta: meta}, nil
}

// faults reports if the provider's discovery document or keys are unavailable.
func (u *Upstream) faults(ctx context.Context) error {
	var parts []error
	if _, err := u.Provider.Issuer(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's discovery document is unavailable"))
	}
	if err := u.Provider.Keys().Ready(ctx); err != nil {
		parts = append(parts, errors.New("core: the provider's keys are unavailable"))
	}
	return errors.Join(parts...)
}

// spend sends one request to the token endpoint and verifies the answer.
func (r *Reached) spend(ctx context.Context, form url.Values, check Check) (*Grant, error) {
	answer, err := r.Provider.Token(ctx, r.Meta, form)
	if err != nil {
		return nil, err
	}
	return r.accept(ctx, answer, check)
}

// refreshForm returns the form of a refresh (RFC 6749 section 6). x/oauth2 adds the old refresh token to an answer without a new one.
func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// accept verifies an answer: the ID token, and that its subject is the subject of the access token.
func (r *Reached) accept(ctx context.Context, answer *provider.Answer, check Check) (*Grant, error) {
	if kind := answer.TokenType; kind != "" && !strings.EqualFold(kind, "bearer") {
		return nil, fault.Bad(fault.TokenType, nil)
	}
	scope, fits := answer.Text("scope")
	if access, _ := answer.Text("access_token"); !fits || access != answer.AccessToken {
		return nil, fault.Bad(fault.Provider, nil)
	}
	caller, err := r.caller(ctx, answer, check, scope)
	if err != nil {
		return nil, err
	}
	issuer := r.Granted
	if caller == nil { // otherwise the check of the ID token has fetched new keys, if any
		issuer = r.urgent(r.Granted)
	}
	access, err := issuer.Access(ctx, answer.AccessToken)
	if caller != nil && fault.Is(err, fault.Outage) {
		return nil, err // the subjects cannot be compared
	}
	away := fault.Is(err, fault.Outage)
	if err != nil {
		access = nil // opaque or for another service: the client can use it, but there is no subject to compare
	}
	if access != nil && caller != nil && (access.Subject != caller.Subject || access.Issuer != caller.Issuer) {
		return nil, fault.New(fault.Login, nil)
	}
	grant := &Grant{from: r, Access: access, accessAway: away, Tokens: Tokens{
		AccessToken: answer.AccessToken, TokenType: "Bearer", RefreshToken: answer.RefreshToken, Scope: scope, Caller: caller,
	}}
	if grant.Scope == "" {
		grant.Scope = check.Scope
		if access != nil && len(access.Scopes) > 0 {
			grant.Scope = strings.Join(access.Scopes, " ")
		}
	}
	return grant, grant.setTimes(answer, time.Now(), r.RefreshTTL)
}

// urgent returns a copy of a row that fetches an unknown key at once, even if the last fetch was very recent. It is for tokens in the
// answer to a spent grant; the number of grants limits the fetches.
func (u *Upstream) urgent(row *verify.Issuer) *verify.Issuer {
	issuer := *row
	issuer.Keys = keyset.Urgent[jose.Set]{Keys: u.Provider.Keys()}
	return &issuer
}

// caller verifies the ID token of an answer. It returns nil if there is none and check does not need one. The error is a fault.
func (u *Upstream) caller(ctx context.Context, answer *provider.Answer, check Check, scope string) (*verify.Token, error) {
	raw, fits := answer.Text("id_token")
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

// userInfo asks the provider's userinfo endpoint. An answer about another subject is refused (OpenID Connect Core section 5.3.2). The error
// is a fault.
func (r *Reached) userInfo(ctx context.Context, bearer, subject string) (*fetch.Answer, error) {
	answer, err := r.Provider.UserInfo(ctx, r.Meta, bearer)
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
