package core_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

func bearerOf(token string) core.Credentials {
	return core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{"Authorization": {"Bearer " + token}}}
}

// The target is what the client sent, not what a router has made of the path.
func TestCredentialsOf(t *testing.T) {
	request := httptest.NewRequest(http.MethodPut, "/api/me?a=b%20c", nil)
	request.Header.Set("X-Seen", "1")
	request.URL.Path = "/me"
	served := core.CredentialsOf(request)
	if served.Method != http.MethodPut || served.Target != "/api/me?a=b%20c" || !slices.Equal(served.Header.Values("X-Seen"), []string{"1"}) {
		t.Errorf("got %+v", served)
	}
	byHand := &http.Request{URL: &url.URL{Path: "/me", RawQuery: "a=b"}}
	if got := core.CredentialsOf(byHand).Target; got != "/me?a=b" {
		t.Errorf("of a request made by hand: %q", got)
	}
}

// The caller reaches the handler in the context, or as a value for a framework with its own map.
func TestDecision(t *testing.T) {
	idp := newIDP(t)
	decision := idp.auth().Required().Admit(t.Context(), bearerOf(idp.token()))
	if decision.Caller.Subject() != "alice" || decision.Refusal != nil || decision.Err != nil || decision.Header != nil {
		t.Fatalf("got %+v", decision)
	}
	type other struct{}
	parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), other{}, "kept"))
	ctx := decision.Context(parent)
	if core.IDTokenFrom(ctx) != decision.Caller || ctx.Value(other{}) != "kept" || core.IDTokenFrom(parent) != nil {
		t.Errorf("the context has %v", core.IDTokenFrom(ctx))
	}
	if text := fmt.Sprintf("%v %s", ctx, ctx); strings.Contains(text, "alice") || strings.Contains(text, decision.Caller.Raw()) {
		t.Errorf("printed as %s", text)
	}
	child, stop := context.WithCancel(ctx)
	defer stop()
	cancel(errCause)
	<-child.Done()
	if context.Cause(child) != errCause {
		t.Errorf("the cause is %v", context.Cause(child))
	}
	key, value := decision.Value()
	if core.IDTokenFrom(context.WithValue(t.Context(), key, value)) != decision.Caller {
		t.Error("the value does not carry the caller")
	}
	for name, ctx := range map[string]context.Context{
		"a guest": core.Decision{}.Context(t.Context()), "a guest in front": core.WithIDToken(ctx, nil), "no guard": t.Context(),
	} {
		if caller := core.IDTokenFrom(ctx); caller != nil {
			t.Errorf("%s is %v", name, caller)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = decision.Context(ctx) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// A request without headers comes from a guest, in every form.
func TestCredentialsWithoutHeader(t *testing.T) {
	auth := newIDP(t).auth(func(c *core.Config) {
		c.OnError = func(_ context.Context, request *core.Request, _ *core.Error) *core.Response {
			request.Header.Set("X", request.Query.Get("x")+request.Form.Get("x")) // a request as any other
			return nil
		}
	})
	for _, credentials := range []core.Credentials{{}, {Header: http.Header(nil)}, {Header: http.Header{}}} {
		if decision := auth.Required().Admit(t.Context(), credentials); decision.Err == nil || decision.Refusal.Status != http.StatusUnauthorized {
			t.Errorf("got %+v", decision)
		}
		if decision := auth.Optional().Admit(t.Context(), credentials); decision.Refusal != nil || decision.Caller != nil {
			t.Errorf("optional: got %+v", decision)
		}
	}
}

// AddTo keeps the headers that an application has set.
func TestDecisionAddTo(t *testing.T) {
	decision := core.Decision{Header: http.Header{"Vary": {"Cookie"}, "Cache-Control": {"private"}}}
	before := []string{"Origin", "spare"}[:1]
	header := http.Header{"Vary": before}
	decision.AddTo(header)
	if !slices.Equal(header.Values("Vary"), []string{"Origin", "Cookie"}) || header.Get("Cache-Control") != "private" || before[:2][1] != "spare" {
		t.Errorf("got %v, %v", header, before[:2])
	}
	header.Add("Cache-Control", "max-age=1")
	if len(decision.Header["Cache-Control"]) != 1 {
		t.Errorf("the shared header has grown: %v", decision.Header)
	}
	core.Decision{}.AddTo(header)
}

// Middleware guards a handler, and allocates only the context and the request.
func TestGuardMiddleware(t *testing.T) {
	idp := newIDP(t)
	var caller *core.IDToken
	served := 0
	handler := idp.auth().Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		caller = core.IDTokenFrom(r.Context())
		served++
	}))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	refused := httptest.NewRecorder()
	handler.ServeHTTP(refused, request)
	if refused.Code != http.StatusUnauthorized || refused.Header().Get("WWW-Authenticate") != plainChallenge || served != 0 {
		t.Errorf("got %d %v; the handler ran %d times", refused.Code, refused.Header(), served)
	}
	request.Header.Set("Authorization", "Bearer "+idp.token())
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if caller.Subject() != "alice" || served != 1 {
		t.Errorf("got %d, caller %v", answer.Code, caller)
	}
	if n := testing.AllocsPerRun(100, func() { handler.ServeHTTP(answer, request) }); n > 2 {
		t.Errorf("%v allocations for a token that came before", n)
	}
}

// Printing or logging a request shows no secret, only method and path.
func TestRequestsPrintNoSecret(t *testing.T) {
	const secret = "the-secret-of-somebody"
	header := http.Header{"Authorization": {"Bearer " + secret}, "Cookie": {"a=" + secret}}
	credentials := core.Credentials{Method: http.MethodPost, Target: "/me?code=" + secret, Header: header}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	request := core.ParseRequest(http.MethodPost, "/me?code="+secret, "code="+secret, header, strings.NewReader("refresh_token="+secret))
	decision := core.Decision{Refusal: (&core.Error{Status: 401}).Response()}
	for name, value := range map[string]any{"credentials": credentials, "a pointer to them": &credentials, "a request": request, "its value": *request, "a decision": decision} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			_, _ = fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		if strings.Contains(out.String(), secret) || name != "a decision" && strings.Count(out.String(), "/me") != 7 {
			t.Errorf("%s is printed as %s", name, &out)
		}
	}
}
