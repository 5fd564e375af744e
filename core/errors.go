package core

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Error codes of RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 8628 section 3.5 and OpenID Connect Core section
// 3.1.2.6 that this library answers with.
const (
	CodeInvalidRequest       = "invalid_request"
	CodeInvalidToken         = "invalid_token"
	CodeInsufficientScope    = "insufficient_scope"
	CodeInvalidGrant         = "invalid_grant"
	CodeInvalidScope         = "invalid_scope"
	CodeUnsupportedGrantType = "unsupported_grant_type"
	CodeAuthorizationPending = "authorization_pending"
	CodeSlowDown             = "slow_down"
	CodeExpiredToken         = "expired_token"
	CodeAccessDenied         = "access_denied"
	CodeServerError          = "server_error"
	CodeInvalidTarget        = "invalid_target" // RFC 8693 section 2.2.2
)

// Error is a refusal in the form in which the client sees it. Its texts are fixed ones of this library: nothing that a
// request, a provider or a token said is in them, except the names of configured scopes.
type Error struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code is the member "error" of the answer; "" leaves it out, as outages do.
	Code string
	// Detail is the members "detail" and "error_description".
	Detail string
	// RetryAfter is the header Retry-After in whole seconds, rounded up; 0 leaves it out.
	RetryAfter time.Duration
	// Err is the cause, for logs and [errors.Is]; no answer holds it.
	Err error

	kind  fault.Kind  // what happened; Internal where a flow says it all
	scope string      // the scopes that a token needs, for the challenge
	want  []slog.Attr // the requirement that was not met, for the log
}

// Error gives the status, the code and the detail; never the cause's text.
func (e *Error) Error() string {
	text := "oidcauth: " + strconv.Itoa(e.Status) + " " + e.Code
	return strings.TrimRight(text, " ") + ": " + e.Detail
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Answer renders an error as a guard would that refused these credentials: as OnError of the configuration says, else as
// [Error.Response] does. An error of another type is a 500 with a fixed text. Safe for concurrent use.
func (a *Auth) Answer(ctx context.Context, credentials Credentials, err error) *Response {
	return a.answer(ctx, credentials, refusalOf(err))
}

// answer copies the request only for an application that wants to see it.
func (a *Auth) answer(ctx context.Context, credentials Credentials, refusal *Error) *Response {
	if a.cfg.OnError == nil {
		return refusal.Response()
	}
	return a.refuse(ctx, credentials.request(), refusal)
}

// refuse is the only place that renders a refusal.
func (a *Auth) refuse(ctx context.Context, request *Request, refusal *Error) *Response {
	if a.cfg.OnError == nil {
		return refusal.Response()
	}
	var answer *Response
	if err := a.called(ctx, "Config.OnError", func() { answer = a.cfg.OnError(ctx, request, refusal) }); err != nil {
		return refusalOf(err).Response()
	}
	if answer == nil {
		return refusal.Response()
	}
	return answer
}

// Response renders the error as it is answered without OnError: JSON with the members detail, error and error_description,
// WWW-Authenticate where RFC 6750 section 3 asks for it, Retry-After for an outage, and no-store. Each call makes a new one,
// so that OnError may change it: another body keeps what clients need of the header.
func (e *Error) Response() *Response {
	body, err := json.Marshal(struct {
		Detail      string `json:"detail"`
		Code        string `json:"error,omitempty"`
		Description string `json:"error_description,omitempty"`
	}{e.Detail, e.Code, descriptionOf(e)})
	if err != nil { // three texts marshal
		body = []byte(`{"detail":"Internal error."}`)
	}
	answer := &Response{Status: e.Status, Header: make(http.Header), Body: body}
	answer.Header.Set("Content-Type", "application/json")
	noStore(answer.Header)
	if challenge := e.challenge(); challenge != "" {
		answer.Header.Set("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		answer.Header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	return answer
}

func descriptionOf(e *Error) string {
	if e.Code == "" {
		return ""
	}
	return e.Detail
}

// realm is the protection space of RFC 9110 section 11.5: one for all guards.
const realm = "oidcauth"

// challenge is RFC 6750 section 3: no code when the request brought no credentials, scope when it lacked scopes.
func (e *Error) challenge() string {
	challenge := `Bearer realm="` + realm + `"`
	if e.kind == fault.Missing || e.kind == fault.Ended {
		return challenge
	}
	switch e.Code {
	case CodeInvalidToken, CodeInsufficientScope:
	case CodeInvalidRequest:
		if !errors.Is(e.Err, errManyHeaders) {
			return ""
		}
	default:
		return ""
	}
	challenge += `, error="` + e.Code + `", error_description="` + quotable(e.Detail) + `"`
	if e.scope != "" {
		challenge += `, scope="` + quotable(e.scope) + `"`
	}
	return challenge
}

// quotable keeps the characters that error_description and scope may hold (RFC 6750 section 3).
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

func noStore(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
}
