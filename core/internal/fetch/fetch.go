// Package fetch makes calls to parties that are not trusted. A call is bounded as a whole: in time, in the size of the
// answer, in redirects (none). An answer is JSON of one reading or it is refused. All of it happens in a RoundTripper,
// so that a library which is handed the client is held to the same.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// MaxBody is the number of bytes from which on an answer is refused, after decompression.
const MaxBody = 1 << 20

// maxHeader bounds the header of an answer, in bytes; it holds for the default transport.
const maxHeader = 64 << 10

var (
	// ErrUnreachable is an outage: refused, timed out, cut off, or a status that says "later" (408, 429, 5xx).
	ErrUnreachable = errors.New("fetch: the other side is out of reach")
	// ErrNonsense is an answer that nobody can use: too large, redirected, of another type, or no strict JSON object.
	ErrNonsense = errors.New("fetch: the other side's answer is unusable")
)

// NewClient makes a client that holds every call to the bounds of this package, timeout included. base may be nil; it
// is copied, and its transport, jar and shorter timeout are kept.
func NewClient(base *http.Client, timeout time.Duration) *http.Client {
	client := &http.Client{}
	if base != nil {
		*client = *base
	}
	if client.Transport == nil {
		client.Transport = defaultTransport()
	}
	client.Transport = &bounded{base: client.Transport, timeout: timeout}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func defaultTransport() http.RoundTripper {
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

// RoundTrip makes the whole exchange. What it returns is a 2xx with a strict JSON object (or an empty body), or a 4xx
// with a strict JSON object, {} where the other side sent something else.
func (b *bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), b.timeout)
	defer cancel()
	response, err := b.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, ErrUnreachable
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, ErrUnreachable
	case len(body) > MaxBody:
		return nil, ErrNonsense
	}
	body, err = vet(response.StatusCode, response.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	if response.Header == nil { // a transport of the application's may leave it out
		response.Header = make(http.Header)
	}
	response.Header.Set("Content-Type", "application/json") // as it was vetted
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

func vet(status int, contentType string, body []byte) ([]byte, error) {
	switch {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return nil, ErrUnreachable
	case status >= 400:
		if !isClear(body) {
			return []byte("{}"), nil
		}
		return body, nil
	case status < 200 || status >= 300:
		return nil, ErrNonsense
	case len(body) == 0: // revocation answers with nothing (RFC 7009 section 2.2)
		return body, nil
	}
	if !isClear(body) || !isJSON(contentType) {
		return nil, ErrNonsense
	}
	return body, nil
}

// decisive are the members that decide something: another spelling of one of them is refused, since a library that
// folds case reads it as the real one.
var decisive = []string{
	"access_token", "token_type", "refresh_token", "id_token", "expires_in", "scope", "error", "sub",
	"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "keys", "device_code", "user_code", "verification_uri",
}

// isClear reports a strict JSON object that two readers cannot read differently.
func isClear(body []byte) bool {
	object, err := strictjson.Parse(string(body))
	return err == nil && !object.FoldsTo(decisive...)
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// Answer is a JSON answer of status 2xx or 4xx.
type Answer struct {
	Status int
	Object strictjson.Object
	Text   []byte
}

// Do sends a request and reads its answer: [ErrUnreachable] or [ErrNonsense], without any text of the other side.
func Do(client *http.Client, request *http.Request) (*Answer, error) {
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request) //nolint:gosec // where to is the configuration's, or the vetted discovery document's
	if err != nil {
		return nil, Fault(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, ErrUnreachable
	}
	object, err := strictjson.Parse(string(text))
	if err != nil && len(text) > 0 {
		return nil, ErrNonsense
	}
	return &Answer{Status: response.StatusCode, Object: object, Text: text}, nil
}

// Fault gives the one of this package's errors that is inside an error of a client or of a library that used one:
// [ErrNonsense] for what is none of an exchange.
func Fault(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrNonsense):
		return ErrNonsense
	case errors.Is(err, ErrUnreachable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrUnreachable
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrUnreachable
	default:
		return ErrNonsense
	}
}
