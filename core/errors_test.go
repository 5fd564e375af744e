package core_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

var errCause = errors.New(poison)

// TRUST 0.9: an answer holds the fixed texts, never the cause.
func TestErrorResponse(t *testing.T) {
	auth := newIDP(t).auth()
	for name, c := range map[string]struct {
		err    error
		status int
		body   string
		header map[string]string
	}{
		"with a code": {&core.Error{Status: 400, Code: core.CodeInvalidGrant, Detail: "d", Err: errCause}, 400,
			`{"detail":"d","error":"invalid_grant","error_description":"d"}`, nil},
		"an outage": {&core.Error{Status: 503, Detail: "d", RetryAfter: 10 * time.Second, Err: errCause}, 503,
			`{"detail":"d"}`, map[string]string{"Retry-After": "10"}},
		"a fraction of a second": {&core.Error{Status: 503, Detail: "d", RetryAfter: 1500 * time.Millisecond}, 503,
			`{"detail":"d"}`, map[string]string{"Retry-After": "2"}},
		"wrapped": {fmt.Errorf("%w: %w", errCause, &core.Error{Status: 404, Detail: "d"}), 404, `{"detail":"d"}`, nil},
		"A5 a bad token": {&core.Error{Status: 401, Code: core.CodeInvalidToken, Detail: "d", Err: errCause}, 401,
			`{"detail":"d","error":"invalid_token","error_description":"d"}`,
			map[string]string{"WWW-Authenticate": `Bearer realm="oidcauth", error="invalid_token", error_description="d"`}},
		"A5 no challenge for a form": {&core.Error{Status: 400, Code: core.CodeInvalidRequest, Detail: "d"}, 400,
			`{"detail":"d","error":"invalid_request","error_description":"d"}`, nil},
		"A5 nothing breaks out of the header": {&core.Error{Status: 403, Code: core.CodeInsufficientScope, Detail: "a\"b\\c\r\nSet-Cookie: é"}, 403,
			`{"detail":"a\"b\\c\r\nSet-Cookie: é","error":"insufficient_scope","error_description":"a\"b\\c\r\nSet-Cookie: é"}`,
			map[string]string{"WWW-Authenticate": `Bearer realm="oidcauth", error="insufficient_scope", error_description="abcSet-Cookie: "`}},
		"of another type": {errCause, 500, `{"detail":"Internal error.","error":"server_error","error_description":"Internal error."}`, nil},
		"nil":             {nil, 500, `{"detail":"Internal error.","error":"server_error","error_description":"Internal error."}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer := auth.ErrorResponse(t.Context(), c.err)
			if answer.Status != c.status || string(answer.Body) != c.body {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
			want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
			for name, value := range c.header {
				want[name] = value
			}
			for name, value := range want {
				if answer.Header.Get(name) != value {
					t.Errorf("%s is %q, want %q", name, answer.Header.Get(name), value)
				}
			}
			if len(answer.Header) != len(want) {
				t.Errorf("got header %v", answer.Header)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]*core.Error{
		"oidcauth: 401 invalid_token: Invalid token": {Status: 401, Code: core.CodeInvalidToken, Detail: "Invalid token", Err: errCause},
		"oidcauth: 503: Down.":                       {Status: 503, Detail: "Down.", Err: errCause},
	} {
		if err.Error() != want || !errors.Is(err, errCause) {
			t.Errorf("got %q, %v", err.Error(), errors.Unwrap(err))
		}
		if printed := fmt.Sprintf("%v %+v %s", err, err, err); strings.Contains(printed, poison) {
			t.Errorf("printed as %s", printed)
		}
	}
}

// OnError answers instead; where it gives nothing, the answer is ours.
func TestOnError(t *testing.T) {
	var seen *core.Error
	auth := newIDP(t).auth(func(c *core.Config) {
		c.OnError = func(_ context.Context, err *core.Error) *core.Response {
			seen = err
			if err.Status == http.StatusForbidden {
				return nil
			}
			return &core.Response{Status: http.StatusTeapot}
		}
	})
	if got := auth.ErrorResponse(t.Context(), &core.Error{Status: 401}); got.Status != http.StatusTeapot || seen.Status != 401 {
		t.Errorf("got %d, was told of %v", got.Status, seen)
	}
	if got := auth.ErrorResponse(t.Context(), &core.Error{Status: 403}); got.Status != http.StatusForbidden {
		t.Errorf("got %d", got.Status)
	}
	if got := auth.ErrorResponse(t.Context(), errCause); got.Status != http.StatusTeapot || seen.Status != 500 || !errors.Is(seen, errCause) {
		t.Errorf("got %d, was told of %v", got.Status, seen)
	}
}

// TRUST 0.9: the causes that a guard gives, for logs, hold nothing of a token.
func TestCausesHoldNoToken(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth().Required(core.Scopes("read"))
	for _, token := range []string{
		idp.token(), idp.token(claims{"exp": 1}), idp.tokenOf("stranger"), idp.sign("evil", goodHeader, toJSON(goodClaims())),
		idp.sign("k1", goodHeader, `{"sub":"`+poison), idp.sign("k1", `{"alg":"`+poison+`"}`, "{}"), poison, poison + "." + poison + "." + poison,
		idp.sign("k1", goodHeader, rawClaims("iss", `"`+poison+`"`)), idp.sign("k1", goodHeader, rawClaims("scope", `"`+poison+`"`)),
	} {
		_, err := admit(t, guard, token)
		if err == nil {
			t.Error("admitted")
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, poison) || strings.Contains(text, token) {
				t.Errorf("got %s", text)
			}
		}
	}
}
