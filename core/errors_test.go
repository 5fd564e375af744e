package core_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

var errCause = errors.New(poison)

// An answer contains only fixed texts, never the cause.
func TestAnswer(t *testing.T) {
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
		"a bad token": {&core.Error{Status: 401, Code: core.CodeInvalidToken, Detail: "d", Err: errCause}, 401,
			`{"detail":"d","error":"invalid_token","error_description":"d"}`,
			map[string]string{"WWW-Authenticate": `Bearer realm="oidcauth", error="invalid_token", error_description="d"`}},
		"no challenge for a form": {&core.Error{Status: 400, Code: core.CodeInvalidRequest, Detail: "d"}, 400,
			`{"detail":"d","error":"invalid_request","error_description":"d"}`, nil},
		"nothing breaks out of the header": {&core.Error{Status: 403, Code: core.CodeInsufficientScope, Detail: "a\"b\\c\r\nSet-Cookie: é"}, 403,
			`{"detail":"a\"b\\c\r\nSet-Cookie: é","error":"insufficient_scope","error_description":"a\"b\\c\r\nSet-Cookie: é"}`,
			map[string]string{"WWW-Authenticate": `Bearer realm="oidcauth", error="insufficient_scope", error_description="abcSet-Cookie: "`}},
		"no token of the provider": {fmt.Errorf("%w: %w", errCause, core.ErrNoProviderToken), 401,
			`{"detail":"No access token of the provider is known for this caller: log in again.","error":"invalid_token","error_description":"No access token of the provider is known for this caller: log in again."}`,
			map[string]string{"WWW-Authenticate": `Bearer realm="oidcauth"`}},
		"of another type": {errCause, 500, `{"detail":"Internal error.","error":"server_error","error_description":"Internal error."}`, nil},
		"nil":             {nil, 500, `{"detail":"Internal error.","error":"server_error","error_description":"Internal error."}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer := auth.Answer(t.Context(), core.Credentials{}, c.err)
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

// OnError replaces the answer; if it returns nil, the default answer is sent.
func TestOnError(t *testing.T) {
	var seen *core.Error
	auth := newIDP(t).auth(func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, err *core.Error) *core.Response {
			seen = err
			if err.Status == http.StatusForbidden {
				return nil
			}
			return &core.Response{Status: http.StatusTeapot}
		}
	})
	if got := auth.Answer(t.Context(), core.Credentials{}, &core.Error{Status: 401}); got.Status != http.StatusTeapot || seen.Status != 401 {
		t.Errorf("got %d, was told of %v", got.Status, seen)
	}
	if got := auth.Answer(t.Context(), core.Credentials{}, &core.Error{Status: 403}); got.Status != http.StatusForbidden {
		t.Errorf("got %d", got.Status)
	}
	if got := auth.Answer(t.Context(), core.Credentials{}, errCause); got.Status != http.StatusTeapot || seen.Status != 500 || !errors.Is(seen, errCause) {
		t.Errorf("got %d, was told of %v", got.Status, seen)
	}
}

// OnError gets the request, at guards and at routes, and may keep it: it is a copy.
func TestOnErrorGetsTheRequest(t *testing.T) {
	var seen []*core.Request
	f := newFlow(t, func(c *core.Config) {
		c.OnError = func(_ context.Context, request *core.Request, _ *core.Error) *core.Response {
			seen = append(seen, request)
			return nil
		}
	})
	header := http.Header{"Authorization": {"Bearer x"}, "Accept": {"text/html"}}
	credentials := core.Credentials{Method: http.MethodPut, Target: "/me?a=b", Header: header}
	decision := f.auth.Required().Admit(t.Context(), credentials)
	f.auth.Answer(t.Context(), credentials, decision.Err)
	f.auth.Optional().Admit(t.Context(), credentials) // a guest is not a refusal
	header["Accept"][0] = "changed"
	for _, route := range f.routes {
		request := httptest.NewRequest(http.MethodDelete, "https://app.example.org/x"+route.Path+"?a=b", nil)
		request.Header.Set("Accept", "text/html")
		route.ServeHTTP(httptest.NewRecorder(), request)
	}
	request := httptest.NewRequest(http.MethodGet, "/api/login?a=b", nil)
	request.Header.Set("Accept", "text/html")
	f.routes["login"].ServeHTTP(httptest.NewRecorder(), request)
	request = httptest.NewRequest(http.MethodGet, "/api/login?%zz", nil)
	request.Header.Set("Accept", "text/html")
	f.routes["login"].ServeHTTP(httptest.NewRecorder(), request)
	if len(seen) != 2+len(f.routes)+2 {
		t.Fatalf("asked %d times", len(seen))
	}
	for i, request := range seen {
		if request.Header.Get("Accept") != "text/html" {
			t.Errorf("%d: header %v", i, request.Header)
		}
	}
	if last := seen[len(seen)-2]; seen[0].Method != http.MethodPut || seen[0].Target != "/me?a=b" || seen[1].Target != "/me?a=b" ||
		last.Target != "/api/login?a=b" || last.Query.Get("a") != "b" || seen[len(seen)-1].Target != "/api/login?%zz" {
		t.Errorf("got %+v", seen)
	}
}

// OnError can change the default answer: the headers that clients need stay, and the next refusal is not affected.
func TestOnErrorBuildsOnTheDefault(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, err *core.Error) *core.Response {
			answer := err.Response()
			answer.Body = []byte("<p>no</p>")
			answer.Header.Set("Content-Type", "text/html")
			answer.Header.Add("X-Page", "1")
			return answer
		}
	})
	refused := auth.Required().Admit(t.Context(), core.Credentials{}).Refusal
	if refused.Status != http.StatusUnauthorized || string(refused.Body) != "<p>no</p>" || refused.Header.Get("WWW-Authenticate") != plainChallenge ||
		refused.Header.Get("Cache-Control") != "no-store" || len(refused.Header["X-Page"]) != 1 {
		t.Errorf("got %+v", refused)
	}
	idp.breaks(refuse, discoveryPath)
	down := auth.Required().Admit(t.Context(), bearerOf(idp.token())).Refusal
	if down.Status != http.StatusServiceUnavailable || down.Header.Get("Retry-After") != "10" || len(down.Header["X-Page"]) != 1 {
		t.Errorf("got %+v", down)
	}
}

// The cause of a refusal, which may be logged, contains no part of a token.
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
