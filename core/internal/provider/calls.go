package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Detached keeps a call that spends something (a code, a refresh token) going when the caller leaves: its answer is
// lost otherwise. The deadline of the route stays.
func Detached(ctx context.Context) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, deadline)
	}
	return context.WithCancel(free)
}

// Token makes one request at the token endpoint, whatever the grant: x/oauth2's client credentials configuration lets
// its parameters name another grant. What it spends is lost when ctx ends, so the caller's is detached. The error is a
// fault: of kind Grant, Pending or Refused where the provider has a reason that is the caller's business, else Client, an
// outage or an unusable answer.
func (p *Provider) Token(ctx context.Context, meta *Metadata, form url.Values) (*oauth2.Token, error) {
	request := clientcredentials.Config{
		ClientID: p.Client.ID, ClientSecret: p.Client.secret, TokenURL: meta.Token,
		AuthStyle: p.Client.style(meta.authMethods), EndpointParams: form,
	}
	token, err := request.Token(context.WithValue(ctx, oauth2.HTTPClient, p.client))
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return token, nil
	case errors.As(err, &refused):
		return nil, Refusal(refused.ErrorCode)
	case errors.Is(fetch.Fault(err), fetch.ErrUnreachable):
		return nil, fault.Down(fault.Provider, fetch.ErrUnreachable)
	default:
		return nil, fault.Bad(fault.Provider, fetch.ErrNonsense)
	}
}

// Refusal is what a provider's error code means. One that is not the caller's business means that the provider does not
// want this service's request.
func Refusal(code string) *fault.Error {
	kind := fault.Client
	switch code {
	case "authorization_pending", "slow_down":
		kind = fault.Pending
	case "invalid_grant":
		kind = fault.Grant
	case "expired_token", "access_denied", "invalid_scope":
		kind = fault.Refused
	}
	return &fault.Error{Kind: kind, Code: code}
}

// post sends a form, which it adds to, to an endpoint of the provider's that is not the token endpoint, authenticated in
// the same way.
func (p *Provider) post(ctx context.Context, meta *Metadata, address string, form url.Values) (*fetch.Answer, error) {
	p.Client.sign(form, meta.authMethods)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fetch.ErrNonsense
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.Client.authorize(request, meta.authMethods)
	return fetch.Do(p.client, request)
}

// Revoke is RFC 7009. Failures are only logged.
func (p *Provider) Revoke(ctx context.Context, meta *Metadata, token, hint string) {
	if meta.Revocation == "" {
		return
	}
	ctx, cancel := Detached(ctx)
	defer cancel()
	answer, err := p.post(ctx, meta, meta.Revocation, url.Values{"token": {token}, "token_type_hint": {hint}})
	if err == nil && answer.Status >= 400 {
		err = fmt.Errorf("status %d", answer.Status)
	}
	p.revocation.Seen(ctx, err)
}

// forsakeTime is what a revocation gets after a request that has used up its own time, with a store that hung for example.
const forsakeTime = 2 * time.Second

// Forsake revokes a refresh token that nobody will use any more, if there is one.
func (p *Provider) Forsake(ctx context.Context, meta *Metadata, refresh string) {
	if refresh == "" {
		return
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), forsakeTime)
		defer cancel()
		ctx = late
	}
	p.Revoke(ctx, meta, refresh, "refresh_token")
}

// UserInfo asks the provider's userinfo endpoint with the caller's own token (OpenID Connect Core section 5.3).
func (p *Provider) UserInfo(ctx context.Context, meta *Metadata, bearer string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, meta.UserInfo, nil)
	if err != nil {
		return nil, fetch.ErrNonsense
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	return fetch.Do(p.client, request)
}
