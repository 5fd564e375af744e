package core

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
)

// Client returns an HTTP client for calls to another service. It adds an access token to each request, in the name of the caller in ctx
// ([AsCaller]) or of this service ([AsService]). ctx is that of a request that a guard admitted; an AsService needs no caller. Tokens are cached in this process
// until 30 seconds before they end, or half of their life if that is shorter, and one request fetches a token that several wait for.
//
// A token goes to the origins alone that as names, see [As.To]: a request to another one is refused with [ErrWrongOrigin]. A redirect to
// another origin is followed without the token, and from then on no redirect gets it back. A request with an Authorization header
// of its own is refused with [ErrHasAuthorization].
//
// If the service answers 401, a token from the cache is dropped; a GET or HEAD without a body is then sent once more with a new one.
//
// The errors of its methods wrap [ErrNoProviderToken] if the caller has no token that the provider accepts. Pass that one to [Auth.Answer] (401),
// and those of a provider that refuses (502), or that cannot be reached, as those of the store (503). No error contains a token or a
// text of the provider. The client has no Timeout; set it, or use contexts with a deadline. Waiting for a token ends with ctx and with the
// request's context. Safe for concurrent use.
func (a *Auth) Client(ctx context.Context, as As) *http.Client {
	t := &outgoingTransport{auth: a, who: ctx, as: as, base: as.via}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.fault = as.check(); t.fault == nil {
		t.to, t.fault = a.cfg.targets(as)
	}
	return &http.Client{Transport: t}
}

// outgoingTransport adds the token to requests.
type outgoingTransport struct {
	auth  *Auth
	who   context.Context //nolint:containedctx // it names the caller
	as    As
	to    []string // origins
	base  http.RoundTripper
	fault error // of as
}

// RoundTrip sends a request, which it does not change.
func (t *outgoingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.fault != nil {
		return nil, t.refuse(request, t.fault)
	}
	if !t.mayGet(request) {
		if request.Response == nil {
			return nil, t.refuse(request, ErrWrongOrigin)
		}
		return t.base.RoundTrip(request) // a redirect of the service
	}
	if len(request.Header.Values("Authorization")) > 0 || request.URL.User != nil {
		return nil, t.refuse(request, ErrHasAuthorization)
	}
	token, err := t.token(request.Context())
	if err != nil {
		return nil, t.refuse(request, err)
	}
	answer, err := t.base.RoundTrip(withBearer(request, token.Text))
	if err != nil || answer.StatusCode != http.StatusUnauthorized || token.key == "" {
		return answer, err
	}
	if !t.auth.tokens.Drop(token.key, token.Token) || !mayRepeat(request) {
		return answer, nil
	}
	next, err := t.token(request.Context())
	if err != nil {
		return answer, nil //nolint:nilerr // the answer of the service says more
	}
	_ = answer.Body.Close() // it is not read
	return t.base.RoundTrip(withBearer(request, next.Text))
}

// token returns the token to send. Waiting ends with the request, and with the context of the caller.
func (t *outgoingTransport) token(ctx context.Context) (sent, error) {
	if err := t.who.Err(); err != nil {
		return sent{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.who, cancel)() //nolint:contextcheck // the caller's context ends the wait too
	got, err := t.auth.outgoing(ctx, t.who, t.as)
	if gone := cmp.Or(context.Cause(t.who), ctx.Err()); err != nil && gone != nil { //nolint:contextcheck // as above
		return sent{}, errors.Join(gone, err)
	}
	return got, err
}

// mayGet reports whether a request may get the token: it goes to one of the origins, and so did every request that was redirected to it.
func (t *outgoingTransport) mayGet(request *http.Request) bool {
	for {
		if !t.isTarget(request) {
			return false
		}
		if request.Response == nil || request.Response.Request == nil {
			return true
		}
		request = request.Response.Request
	}
}

// isTarget reports whether a request goes to one of the origins, by its address and by its Host header.
func (t *outgoingTransport) isTarget(request *http.Request) bool {
	if request.URL == nil || request.URL.Opaque != "" {
		return false
	}
	named := *request.URL
	named.Host = cmp.Or(request.Host, request.URL.Host)
	at := placeOf(request.URL)
	return slices.Contains(t.to, at) && placeOf(&named) == at
}

// refuse closes the body of a request that is not sent, as RoundTrip has to.
func (t *outgoingTransport) refuse(request *http.Request, err error) error {
	if request.Body != nil {
		_ = request.Body.Close() // nothing was read
	}
	return err
}

func withBearer(request *http.Request, token string) *http.Request {
	out := request.Clone(request.Context())
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	out.Header.Set("Authorization", "Bearer "+token)
	return out
}

// mayRepeat reports whether a request can be sent again.
func mayRepeat(request *http.Request) bool {
	idempotent := request.Method == "" || request.Method == http.MethodGet || request.Method == http.MethodHead
	return idempotent && (request.Body == nil || request.Body == http.NoBody)
}
