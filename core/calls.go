package core

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// detached keeps a call that spends something (a code, a refresh token) going when the caller leaves: its answer is
// lost otherwise. The deadline of the route stays.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, deadline)
	}
	return context.WithCancel(free)
}

// authStyle is fixed from discovery: a library that tries one way and then the other would post a code twice. RFC 6749
// section 2.3.1 prefers Basic, and it is what discovery's default means.
func (p *provider) authStyle(meta *metadata) oauth2.AuthStyle {
	basic := len(meta.authMethods) == 0 || slices.Contains(meta.authMethods, "client_secret_basic")
	if p.cfg.ClientSecret == "" || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// token makes one request at the token endpoint, whatever the grant: x/oauth2's client credentials configuration lets
// its parameters name another grant. What it spends is lost when ctx ends, so the caller's is detached. The error is an
// [*Error] as the token route answers it.
func (p *provider) token(ctx context.Context, meta *metadata, form url.Values) (*oauth2.Token, error) {
	request := clientcredentials.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, TokenURL: meta.token,
		AuthStyle: p.authStyle(meta), EndpointParams: form,
	}
	token, err := request.Token(context.WithValue(ctx, oauth2.HTTPClient, p.client))
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return token, nil
	case errors.As(err, &refused):
		return nil, refusal(refused.ErrorCode)
	case errors.Is(fetch.Fault(err), fetch.ErrUnreachable):
		return nil, outage("The OIDC provider cannot be reached.", fetch.ErrUnreachable)
	default:
		return nil, nonsense("The OIDC provider gave an unusable answer.", fetch.ErrNonsense)
	}
}

// refusals are the provider's codes that are the caller's business, with our own words for each. Any other one means
// that the provider does not want this service's request.
var refusals = map[string]string{
	CodeAuthorizationPending: "the user has not answered yet",
	CodeSlowDown:             "polled too fast, wait 5 seconds longer from now on",
	CodeExpiredToken:         "the device code has expired",
	CodeAccessDenied:         "the user or the provider refused",
	CodeInvalidGrant:         "the code or token is not valid, was used, or has expired",
	CodeInvalidScope:         "the requested scope is not available",
}

func refusal(code string) *Error {
	if detail, ok := refusals[code]; ok {
		return badRequest(code, code+": "+detail)
	}
	return nonsense("The OIDC provider refused this service's request.", nil)
}

// post sends a form, which it adds to, to an endpoint of the provider's that is not the token endpoint, authenticated in
// the same way.
func (p *provider) post(ctx context.Context, meta *metadata, address string, form url.Values) (*fetch.Answer, error) {
	style := p.authStyle(meta)
	if style == oauth2.AuthStyleInParams {
		form.Set("client_id", p.cfg.ClientID)
		if p.cfg.ClientSecret != "" {
			form.Set("client_secret", p.cfg.ClientSecret)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fetch.ErrNonsense
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if style == oauth2.AuthStyleInHeader { // form-urlencoded first, RFC 6749 section 2.3.1
		request.SetBasicAuth(url.QueryEscape(p.cfg.ClientID), url.QueryEscape(p.cfg.ClientSecret))
	}
	return fetch.Do(p.client, request)
}

// revoke is RFC 7009. Nobody is told of a failure but the log.
func (p *provider) revoke(ctx context.Context, meta *metadata, token, hint string) {
	if meta.revocation == "" {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	answer, err := p.post(ctx, meta, meta.revocation, url.Values{"token": {token}, "token_type_hint": {hint}})
	if err == nil && answer.Status >= 400 {
		err = fmt.Errorf("core: status %d", answer.Status)
	}
	p.revocation.seen(ctx, err)
}

// forsakeTime is what a revocation gets after a request that has used up its own time, with a store that hung for example.
const forsakeTime = 2 * time.Second

// forsake revokes a refresh token that nobody will use any more, if there is one.
func (p *provider) forsake(ctx context.Context, meta *metadata, refresh string) {
	if refresh == "" {
		return
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), forsakeTime)
		defer cancel()
		ctx = late
	}
	p.revoke(ctx, meta, refresh, "refresh_token")
}

// userInfo asks the provider's userinfo endpoint with the caller's own token (OpenID Connect Core section 5.3).
func (p *provider) userInfo(ctx context.Context, meta *metadata, bearer string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, meta.userInfo, nil)
	if err != nil {
		return nil, fetch.ErrNonsense
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	return fetch.Do(p.client, request)
}
