package provider

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Detached returns a context that keeps the deadline of ctx but is not canceled with it. Use it for calls that consume a code or
// a refresh token: if they were canceled when the caller goes away, the new tokens would be lost.
func Detached(ctx context.Context) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, deadline)
	}
	return context.WithCancel(free)
}

// Token makes one request to the token endpoint, for any grant: x/oauth2's client credentials configuration lets its parameters
// name another grant. ctx should be [Detached]. The error is a fault: of kind Grant, Pending or Refused if the caller can correct
// it, else of kind Client, Outage or Unusable.
func (p *Provider) Token(ctx context.Context, meta *Metadata, form url.Values) (*Answer, error) {
	ctx, end := p.cfg.Observe.Call(ctx, observe.Token)
	token, err := p.token(ctx, meta, form)
	end(err)
	p.calls.Seen(ctx, unanswered(err))
	p.note(ctx, err)
	return token, err
}

func (p *Provider) token(ctx context.Context, meta *Metadata, form url.Values) (*Answer, error) {
	return p.tokenFor(ctx, p.Client, meta, form)
}

func (p *Provider) tokenFor(ctx context.Context, client Client, meta *Metadata, form url.Values) (*Answer, error) {
	form = maps.Clone(form)
	if err := p.assert(ctx, client, meta, form); err != nil {
		return nil, err
	}
	request := clientcredentials.Config{
		ClientID: client.ID, ClientSecret: client.secret, TokenURL: meta.Token,
		AuthStyle: client.style(meta.authMethods), EndpointParams: form,
	}
	answer := &essence{base: p.client.Transport}
	caller := *p.client
	caller.Transport = answer
	token, err := request.Token(context.WithValue(ctx, oauth2.HTTPClient, &caller))
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return &Answer{Token: token, members: answer.members}, nil
	case errors.As(err, &refused):
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		return nil, client.refusalAt(meta.Token, status, refused.ErrorCode)
	default:
		return nil, callFault(fetch.Fault(meta.Token, err))
	}
}

// callFault returns the fault for a failed call, err itself if it is one.
func callFault(err error) error {
	if fault.Find(err) != nil {
		return err
	}
	if fetch.IsOutage(err) {
		return fault.Down(fault.Provider, err)
	}
	return fault.Bad(fault.Provider, err)
}

// post sends a form to an endpoint of the provider other than the token endpoint, with the same client authentication. It may add
// fields to form.
func (p *Provider) post(ctx context.Context, meta *Metadata, address string, form url.Values) (*fetch.Answer, error) {
	request, err := p.requestAs(ctx, p.Client, meta.authMethods, meta, address, form)
	if err != nil {
		return nil, err
	}
	return fetch.Do(p.client, request)
}

// requestAs makes the request of post for another client, at an endpoint that announces these methods.
func (p *Provider) requestAs(ctx context.Context, client Client, methods []string, meta *Metadata, address string, form url.Values) (*http.Request, error) {
	client.sign(form, methods)
	if err := p.assert(ctx, client, meta, form); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, badAddress(address)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client.authorize(request, methods)
	return request, nil
}

// Revoke revokes a token (RFC 7009). Failures are only logged.
func (p *Provider) Revoke(ctx context.Context, meta *Metadata, token, hint string) {
	if meta.Revocation == "" {
		return
	}
	ctx, cancel := Detached(ctx)
	defer cancel()
	ctx, end := p.cfg.Observe.Call(ctx, observe.Revocation)
	answer, err := p.post(ctx, meta, meta.Revocation, url.Values{"token": {token}, "token_type_hint": {hint}})
	if err == nil && answer.Status >= 400 {
		err = p.Client.refusalAt(meta.Revocation, answer.Status, codeOf(answer))
	}
	end(err)
	p.revocation.Seen(ctx, err)
}

// forsakeTime is the time for a revocation after a request that has used up its own, for example because a store hung.
const forsakeTime = 2 * time.Second

// Forsake revokes a refresh token that will not be used again. "" is ignored.
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

// UserInfo calls the provider's userinfo endpoint with the caller's token (OpenID Connect Core section 5.3). The answer has
// status 2xx or 4xx.
func (p *Provider) UserInfo(ctx context.Context, meta *Metadata, bearer string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, meta.UserInfo, nil)
	if err != nil {
		return nil, badAddress(meta.UserInfo)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	ctx, end := p.cfg.Observe.Call(ctx, observe.UserInfo)
	answer, err := fetch.Do(p.client, request.WithContext(ctx))
	if err == nil && answer.Status >= 400 {
		end(Refusal(codeOf(answer)))
	} else {
		end(err)
	}
	return answer, err
}
