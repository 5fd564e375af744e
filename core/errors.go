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

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Error codes that this library answers with (RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 8628 section 3.5, OpenID
// Connect Core section 3.1.2.6).
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

	CodeInsufficientUserAuthentication = "insufficient_user_authentication"  // RFC 9470 section 3
	CodeUnmetAuthentication            = "unmet_authentication_requirements" // of the OpenID Foundation's specification of this name
)

// Error is a refusal as the client sees it, and its cause. Its texts are fixed: apart from the names of configured scopes they contain
// nothing from a request, a provider or a token.
type Error struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code is the member "error" of the answer. "" omits it, as for outages.
	Code string
	// Detail is the text of the members "detail" and "error_description".
	Detail string
	// RetryAfter is the Retry-After header, rounded up to whole seconds. 0 omits it.
	RetryAfter time.Duration
	// Err is the cause, for logs and [errors.Is]; nil if there is no other. It is never part of an answer.
	Err error

	kind   fault.Kind  // what happened; Internal if a flow set the whole answer
	scope  string      // the scopes that the token must have, for the challenge
	want   []slog.Attr // the requirement that was not met, for the log
	people string      // what a page says instead of Detail, if the person can solve it by a login

	metadata string         // address of the metadata of the resource, for the challenge
	stepUp   *claims.StepUp // the login that is needed, for the challenge; nil: the refusal has another reason
	issuer   string         // of the provider of the refused session; "": a bearer token
	retry    string         // where the person can begin the login again
}

// Error returns the status, the code and the detail, never the text of the cause.
func (e *Error) Error() string {
	text := "oidcauth: " + strconv.Itoa(e.Status) + " " + e.Code
	return strings.TrimRight(text, " ") + ": " + e.Detail
}

// Unwrap returns Err, for [errors.Is] and [errors.As].
func (e *Error) Unwrap() error { return e.Err }

// Answer renders an error as a guard does when it refuses these credentials: with Config.OnError if it is set and gives an
// answer. Otherwise the answer is [Error.Response]; with Config.Sessions, a browser gets a redirect to the login or a page, and
// a script the address of the login. It takes an [*Error] and the errors of [Auth.AccessToken] and [Auth.Client]: 401 for
// [ErrNoProviderToken], because the caller has to log in again, 503 if the store or the provider cannot be reached, 502 if the provider
// refuses. Any other error becomes a 500 with a fixed text. Safe for concurrent use.
func (a *Auth) Answer(ctx context.Context, credentials Credentials, err error) *Response {
	g := &Guard{auth: a}
	return g.refuse(ctx, credentials, g.describe(credentials, refusalOf(err)))
}

// refuse renders the refusal of a request at this route: by OnError, for a browser in its own way, or as JSON.
func (r Route) refuse(ctx context.Context, request *Request, refusal *Error) *Response {
	if answer := r.auth.onError(ctx, func() *Request { return request }, refusal); answer != nil {
		return answer
	}
	if answer := r.refusedBrowser(ctx, request.credentials(), refusal); answer != nil {
		return answer
	}
	return refusal.Response()
}

// refuse renders a refusal by this guard: by OnError, for a browser in its own way, or as JSON. The request is copied only if
// OnError is set.
func (g *Guard) refuse(ctx context.Context, credentials Credentials, refusal *Error) *Response {
	if answer := g.auth.onError(ctx, credentials.request, refusal); answer != nil {
		return answer
	}
	if answer := g.refusedBrowser(ctx, credentials, refusal); answer != nil {
		return answer
	}
	return refusal.Response()
}

// onError is the answer of Config.OnError, nil if it has none.
func (a *Auth) onError(ctx context.Context, request func() *Request, refusal *Error) (answer *Response) {
	if a.cfg.OnError == nil {
		return nil
	}
	if err := a.called(ctx, "Config.OnError", func() { answer = a.cfg.OnError(ctx, request(), refusal) }); err != nil {
		return refusalOf(err).Response()
	}
	return answer
}

// Response renders the default answer: JSON with the members detail, error and error_description, WWW-Authenticate where
// RFC 6750 section 3 requires it, Retry-After for an outage, and no-store. Each call returns a new Response, so OnError may
// replace its body and keep the headers that clients need.
func (e *Error) Response() *Response { return e.response("") }

// response is Response with the address of the login for a script; "" omits it.
func (e *Error) response(loginURL string) *Response {
	body, err := json.Marshal(struct {
		Detail      string `json:"detail"`
		Code        string `json:"error,omitempty"`
		Description string `json:"error_description,omitempty"`
		LoginURL    string `json:"login_url,omitempty"`
	}{e.Detail, e.Code, descriptionOf(e), loginURL})
	if err != nil { // unreachable: strings always marshal
		body = []byte(`{"detail":"Internal error."}`)
	}
	answer := &Response{Status: e.Status, Header: make(http.Header), Body: body}
	answer.Header.Set("Content-Type", "application/json")
	noStore(answer.Header)
	e.addTo(answer.Header)
	return answer
}

// addTo sets WWW-Authenticate and Retry-After, which an answer has in either form, JSON or page.
func (e *Error) addTo(header http.Header) {
	if challenge := e.challenge(); challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
}

func descriptionOf(e *Error) string {
	if e.Code == "" {
		return ""
	}
	return e.Detail
}

// realm is the protection space (RFC 9110 section 11.5); all guards share one.
const realm = "oidcauth"

// isNobody reports whether the request has no credentials, or those of a session that has ended.
func (e *Error) isNobody() bool { return e.kind == fault.Missing || e.kind == fault.Ended }

// challenge returns the WWW-Authenticate header (RFC 6750 section 3): without a code if the request had no credentials, with
// scope if scopes were missing, and with acr_values and max_age if the login was not enough. With Config.Resources it has what [Guard.describe] adds.
func (e *Error) challenge() string {
	challenge := `Bearer realm="` + realm + `"`
	switch {
	case e.isNobody():
	case e.Code == CodeInvalidToken, e.Code == CodeInsufficientScope, e.Code == CodeInsufficientUserAuthentication, e.Code == CodeInvalidRequest && errors.Is(e.Err, errManyHeaders):
		challenge += `, error="` + e.Code + `", error_description="` + quotable(e.Detail) + `"`
	default:
		return ""
	}
	if e.scope != "" {
		challenge += `, scope="` + quotable(e.scope) + `"`
	}
	if e.metadata != "" {
		challenge += `, resource_metadata="` + quotable(e.metadata) + `"`
	}
	return challenge + e.stepUpChallenge()
}

// quotable drops the characters that error_description and scope must not contain (RFC 6750 section 3).
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
