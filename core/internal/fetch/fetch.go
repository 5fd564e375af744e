// Package fetch calls servers that are not trusted. It limits the time of a whole call and the size of the answer, follows no
// redirects, and refuses answers that are not strict JSON. All of this is in a RoundTripper, so it also applies to libraries
// that use the client.
package fetch

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// MaxBody is the largest accepted body of an answer in bytes, after decompression.
const MaxBody = 1 << 20

// SignedAnswer is the media type of an introspection answer that is a JWT (RFC 9701 section 5). Such an answer is accepted only if the
// header Accept of the request names the type.
const SignedAnswer = "application/token-introspection+jwt"

// maxHeader is the largest accepted header of an answer in bytes, with the default transport.
const maxHeader = 64 << 10

// NewClient makes a client that applies the limits of this package and the timeout to every call. It copies base, which may be
// nil, and keeps its transport, jar and timeout.
func NewClient(base *http.Client, timeout time.Duration) *http.Client {
	client := &http.Client{}
	if base != nil {
		*client = *base
	}
	if client.Transport == nil {
		client.Transport = Transport()
	}
	client.Transport = &bounded{base: client.Transport, timeout: timeout}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// Transport returns a new transport with the defaults of this package.
func Transport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := standard.Clone()
	own.MaxResponseHeaderBytes = maxHeader
	return own
}

type bounded struct {
	base    http.RoundTripper
	timeout time.Duration
}

// RoundTrip sends the request and reads the whole answer. It returns a 2xx with a strict JSON object or an empty body, or a 4xx
// with a strict JSON object: {} if the server sent anything else. A request that accepts [SignedAnswer] may get a 2xx with such a body,
// which is not read here.
func (b *bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), b.timeout)
	defer cancel()
	response, err := b.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, failed(request, 0, transportReason(err), ErrUnreachable)
	}
	defer response.Body.Close()
	body, err := readBody(response)
	switch {
	case err != nil:
		return nil, failed(request, response.StatusCode, bodyReason(err), ErrUnreachable)
	case len(body) > MaxBody:
		return nil, failed(request, response.StatusCode, ReasonTooLarge, ErrNonsense)
	}
	signed := strings.Contains(request.Header.Get("Accept"), SignedAnswer)
	vetted, reason, err := vet(response.StatusCode, response.Header.Get("Content-Type"), body, signed)
	if err != nil {
		refused := failed(request, response.StatusCode, reason, err)
		refused.After = retryAfter(response.StatusCode, response.Header)
		return nil, refused
	}
	if response.Header == nil { // a transport of the application may omit it
		response.Header = make(http.Header)
	}
	response.Header.Set("Content-Type", vetted.kind()) // as it was vetted
	response.Body, response.ContentLength = vetted, int64(len(vetted.Text))
	return response, nil
}

// bodyReason returns the word for a body that ends early.
func bodyReason(err error) string {
	if reason := transportReason(err); reason == ReasonTimeout || reason == ReasonCanceled {
		return reason
	}
	return ReasonClosed
}

// vet returns the body to pass on, or why the answer is refused. signed says that it may be a JWT.
func vet(status int, contentType, body string, signed bool) (vetted *Vetted, reason string, err error) {
	switch {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return nil, ReasonStatus, ErrUnreachable
	case status >= 400:
		if object, ok := parseClear(body); ok {
			return newVetted(body, object), "", nil
		}
		return newVetted("{}", strictjson.Empty), "", nil
	case status >= 300 && status != http.StatusNotModified:
		return nil, ReasonRedirect, ErrNonsense
	case status < 200 || status >= 300:
		return nil, ReasonStatus, ErrNonsense
	case len(body) == 0: // a revocation answer has no body (RFC 7009 section 2.2)
		return newVetted("", strictjson.Object{}), "", nil
	}
	switch kind := mediaType(contentType); {
	case kind == SignedAnswer && signed:
		return newSigned(body), "", nil
	case kind == "text/html":
		return nil, ReasonHTML, ErrNonsense
	case !isJSON(kind):
		return nil, ReasonNotJSON, ErrNonsense
	}
	object, ok := parseClear(body)
	if !ok {
		return nil, ReasonMalformed, ErrNonsense
	}
	return newVetted(body, object), "", nil
}

// decisive lists the members that affect a decision. An answer with another spelling of one of them is refused, because a
// library that ignores case would read it as the real one.
var decisive = []string{
	"access_token", "token_type", "refresh_token", "id_token", "expires_in", "scope", "error", "sub",
	"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "keys", "device_code", "user_code", "verification_uri",
}

// parseClear parses body and reports whether it is a strict JSON object without other spellings of decisive members.
func parseClear(body string) (strictjson.Object, bool) {
	object, err := strictjson.Parse(body)
	return object, err == nil && !object.FoldsTo(decisive...)
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// mediaType returns a Content-Type without its parameters, "" if it is malformed.
func mediaType(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return kind
}

// Answer is a JSON answer of status 2xx or 4xx, or a JWT with status 2xx.
type Answer struct {
	Status int
	Object strictjson.Object
	Text   []byte
	Signed bool // Text is a JWT that is not verified yet, and there is no Object

	host string
}

// Do sends a request and reads its answer, which is JSON unless the request's header Accept says otherwise. The error is an [Error].
func Do(client *http.Client, request *http.Request) (*Answer, error) {
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "application/json")
	}
	response, err := client.Do(request) //nolint:gosec // the URL is from the configuration or the checked discovery document
	if err != nil {
		return nil, Fault(request.URL.String(), err)
	}
	defer response.Body.Close()
	vetted, err := VettedOf(response)
	switch {
	case errors.Is(err, strictjson.ErrSyntax):
		return nil, failed(request, response.StatusCode, ReasonMalformed, ErrNonsense)
	case err != nil:
		return nil, failed(request, response.StatusCode, ReasonClosed, ErrUnreachable)
	}
	return &Answer{Status: response.StatusCode, Object: vetted.Object, Text: []byte(vetted.Text), Signed: vetted.Signed, host: printableHost(request.URL.Host)}, nil
}

// Bad returns the error for an unusable answer.
func (a *Answer) Bad(reason string) *Error {
	return &Error{Host: a.host, Status: a.Status, Reason: reason, Err: ErrNonsense}
}

// Failed returns the error for an answer with an error status.
func (a *Answer) Failed() *Error {
	return &Error{Host: a.host, Status: a.Status, Reason: ReasonStatus, Err: ErrUnreachable}
}
