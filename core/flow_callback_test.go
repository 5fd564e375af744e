package core_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The complete answer of a login.
func TestCallback(t *testing.T) {
	f := newFlow(t, nil)
	query, cookie := f.browser("alice")
	answer := f.get("callback", query, cookie)
	token := flowGranted(t, answer)
	flowWantTokenMembers(t, answer.Body)
	now := time.Now().Unix()
	if token.TokenType != "Bearer" || token.Scope != "openid profile email" || token.RefreshToken == "" || token.Expires < now+200 || token.ExpiresIn < 200 || token.RefreshExpires < now+29*86400 {
		t.Errorf("got %s", answer.Body)
	}
	caller, err := decide(t.Context(), f.auth.Required(), []string{token.TokenType + " " + token.AccessToken})
	if err != nil || caller.Subject() != "alice" {
		t.Errorf("the guard says %v, %v", caller, err)
	}
	if answer.Header.Get("Referrer-Policy") != "no-referrer" || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("no JSON, or the address may travel on as a referrer: %v", answer.Header)
	}
	flowWantCookieGone(t, answer, cookie)
	again := f.get("callback", query, cookie)
	flowRefused(t, "reused", again, 400, "invalid_request", flowBadState)
	if f.hits() != 1 {
		t.Errorf("%d codes went to the provider", f.hits())
	}
}

// flowWantTokenMembers checks that a token answer has exactly the six members and expires_in, and for instance no ID token.
func flowWantTokenMembers(t testing.TB, body []byte) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"access_token", "token_type", "expires", "expires_in", "refresh_token", "refresh_expires", "scope"} {
		if _, ok := members[name]; !ok {
			t.Errorf("%s is missing in %s", name, body)
		}
		delete(members, name)
	}
	if len(members) > 0 {
		t.Errorf("too much in %s", body)
	}
}

func flowWantCookieGone(t testing.TB, answer *core.Response, cookie string) {
	t.Helper()
	name, _, _ := strings.Cut(strings.TrimPrefix(cookie, "Cookie: "), "=")
	want := name + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
	if got := answer.Header["Set-Cookie"]; len(got) != 1 || got[0] != want {
		t.Errorf("cookies %q, want %q", got, want)
	}
}

// A login must end in the browser where it began. Two tabs of one browser do not interfere.
func TestCallbackOfAnotherBrowser(t *testing.T) {
	f := newFlow(t, nil)
	query, cookie := f.browser("alice")
	_, other := f.browser("bob")
	name, value, _ := strings.Cut(strings.TrimPrefix(cookie, "Cookie: "), "=")
	_, foreign, _ := strings.Cut(other, "=")
	for what, headers := range map[string][]string{
		"no cookie": nil, "another login's": {other}, "another value": {"Cookie: " + name + "=" + foreign}, "empty": {"Cookie: " + name + "="},
		"shorter": {cookie[:len(cookie)-1]}, "longer": {cookie + "x"}, "another name": {"Cookie: x" + name + "=" + value}, "case of the name": {"Cookie: " + strings.ToUpper(name) + "=" + value},
	} {
		answer := f.get("callback", query, headers...)
		flowRefused(t, what, answer, 400, "invalid_request", flowBadState)
		if answer.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", what, answer.Header)
		}
	}
	if f.hits() != 0 {
		t.Fatal("a code was redeemed before the browser was known")
	}
	first, firstCookie := f.browser("alice")
	second, secondCookie := f.browser("bob")
	both := firstCookie + "; " + strings.TrimPrefix(secondCookie, "Cookie: ")
	for user, tab := range map[string]url.Values{"bob": second, "alice": first} {
		token := flowGranted(t, f.get("callback", tab, both))
		if caller, err := decide(t.Context(), f.auth.Required(), []string{"Bearer " + token.AccessToken}); err != nil || caller.Subject() != user {
			t.Errorf("the tab of %s logs in %v, %v", user, caller, err)
		}
	}
	flowGranted(t, f.get("callback", query, cookie)) // the victim's own login still ends well
}

// The provider sends an error instead of a code.
func TestCallbackOfARefusal(t *testing.T) {
	f := newFlow(t, nil)
	for _, code := range []string{
		"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable",
		"interaction_required", "login_required", "account_selection_required", "consent_required",
	} {
		query, cookie := f.browser("alice")
		query.Set("error", code)
		query.Set("error_description", "<script>upstream-secret</script>")
		answer := f.get("callback", query, cookie)
		flowRefused(t, code, answer, 400, code, code+": the provider did not log the user in")
		flowWantCookieGone(t, answer, cookie)
		query.Del("error")
		flowRefused(t, "the state is used up", f.get("callback", query, cookie), 400, "invalid_request", flowBadState)
	}
	for _, code := range []string{"<script>alert(1)</script>", "ACCESS_DENIED", "access_denied ", "upstream-secret", "authorization_pending", strings.Repeat("x", 5000)} {
		query, cookie := f.browser("alice")
		query.Del("code")
		query.Set("error", code)
		answer := f.get("callback", query, cookie)
		flowRefused(t, "unknown", answer, 400, "invalid_request", "invalid_request: the provider did not log the user in")
	}
	if f.hits() != 0 {
		t.Error("a code was redeemed")
	}
	target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
	back, err := f.idp.Deny(target.String())
	if err != nil {
		t.Fatal(err)
	}
	refused := f.get("callback", back.Query(), "Cookie: "+flowCookie(t, answer))
	flowRefused(t, "the user refuses", refused, 400, "access_denied", "access_denied: the provider did not log the user in")
}

// RFC 9207: the answer of another provider is refused, and its code is not sent to any provider.
func TestCallbackOfAnotherProvider(t *testing.T) {
	for name, c := range map[string]struct {
		options []oidctest.Option
		iss     []string
		good    bool
	}{
		"announced, right":           {nil, []string{""}, true},
		"announced, missing":         {nil, nil, false},
		"announced, empty":           {nil, []string{"="}, false},
		"announced, another":         {nil, []string{"https://evil.example"}, false},
		"announced, trailing slash":  {nil, []string{"/"}, false},
		"not announced, missing":     {[]oidctest.Option{oidctest.WithoutIssParameter()}, nil, true},
		"not announced, right":       {[]oidctest.Option{oidctest.WithoutIssParameter()}, []string{""}, true},
		"not announced, but another": {[]oidctest.Option{oidctest.WithoutIssParameter()}, []string{"https://evil.example"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, nil, c.options...)
			query, cookie := f.browser("alice")
			query.Del("iss")
			for _, iss := range c.iss {
				switch iss {
				case "", "/":
					iss = f.idp.Issuer() + iss
				case "=":
					iss = ""
				}
				query.Add("iss", iss)
			}
			answer := f.get("callback", query, cookie)
			if c.good {
				flowGranted(t, answer)
				return
			}
			flowRefused(t, name, answer, 400, "invalid_request", "The answer is not from the provider of this login.")
			flowWantCookieGone(t, answer, cookie)
			if f.hits() != 0 {
				t.Error("the code was redeemed")
			}
		})
	}
}

func TestCallbackRefuses(t *testing.T) {
	f := newFlow(t, nil)
	query, cookie := f.browser("alice")
	for name, change := range map[string]func(url.Values){
		"no code": func(q url.Values) { q.Del("code") }, "an empty code": func(q url.Values) { q.Set("code", "") },
		"no state": func(q url.Values) { q.Del("state") }, "an empty state": func(q url.Values) { q.Set("state", "") },
		"nothing": func(q url.Values) { clear(q) }, "an error without state": func(q url.Values) { clear(q); q.Set("error", "access_denied") },
	} {
		changed, _ := url.ParseQuery(query.Encode())
		change(changed)
		flowRefused(t, name, f.get("callback", changed, cookie), 400, "invalid_request", "Missing code or state")
	}
	for _, name := range []string{"code", "state", "iss", "error"} {
		changed, _ := url.ParseQuery(query.Encode())
		changed.Add(name, changed.Get(name))
		changed[name] = append(changed[name], changed.Get(name))[:2]
		flowRefused(t, "twice "+name, f.get("callback", changed, cookie), 400, "invalid_request", "Parameter "+name+" is given more than once.")
	}
	for name, answer := range map[string]*core.Response{
		"a broken escape":  f.getRaw("callback", query.Encode()+"&x=%zz", cookie),
		"a long query":     f.getRaw("callback", query.Encode()+"&x="+strings.Repeat("x", 20000), cookie),
		"an unknown state": f.getRaw("callback", "code=c&state=x", cookie),
	} {
		if answer.Status != 400 && answer.Status != 414 || answer.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %v", name, answer.Status, answer.Header)
		}
	}
	if f.hits() != 0 {
		t.Error("a code was redeemed")
	}
	post := f.serve("callback", core.ParseRequest(http.MethodPost, "", query.Encode(), flowHeader([]string{cookie}), nil))
	head := f.serve("callback", core.ParseRequest(http.MethodHead, "", query.Encode(), flowHeader([]string{cookie}), nil))
	if post.Status != 405 || head.Status != 405 || post.Header.Get("Allow") != http.MethodGet {
		t.Errorf("other methods: %d, %d", post.Status, head.Status)
	}
	flowGranted(t, f.get("callback", query, cookie))

	private := flowInMemory(t, &flowMemory{}, func(c *core.Config) { c.PublicURL = "" })
	flowRefused(t, "without PublicURL", private.get("callback", query, cookie), 500, "server_error", "The callback needs PublicURL in the configuration.")
}

// The callback fails before it redeems the code if the provider's keys are unreachable.
func TestCallbackWithoutKeys(t *testing.T) {
	f := newFlow(t, nil)
	f.idp.Fault(oidctest.JWKS, oidctest.Status(500))
	query, cookie := f.browser("alice")
	answer := f.get("callback", query, cookie)
	flowRefused(t, "callback", answer, 503, "", "OIDC server unavailable.")
	if answer.Header.Get("Retry-After") != "10" || f.hits() != 0 {
		t.Errorf("%v, %d codes were redeemed", answer.Header, f.hits())
	}
	form := f.loopback("alice")
	flowRefused(t, "token", f.post("token", form), 503, "", "OIDC server unavailable.")
	if f.hits() != 0 {
		t.Error("the code was spent")
	}
	f.idp.Heal()
	again := flowOver(t, f.idp, nil) // at once, without the pause after a failure
	flowGranted(t, again.post("token", form))
}

// The application's answer to a login, with the caller of the verified ID token.
func TestOnLogin(t *testing.T) {
	var calls atomic.Int32
	shared := &core.Response{Status: http.StatusSeeOther, Header: http.Header{"Location": {"/home"}, "Set-Cookie": {"session=1"}}}
	answers := []*core.Response{shared, {Status: 204}, nil}
	var at atomic.Int32
	f := newFlow(t, func(c *core.Config) {
		c.OnLogin = func(_ context.Context, request *core.Request, token *core.Token) *core.Response {
			calls.Add(1)
			if token.Caller().Subject() != "alice" || request.Query.Get("state") == "" || token.AccessToken == "" {
				t.Errorf("OnLogin got %v of %v", token, token.Caller())
			}
			return answers[at.Load()]
		}
	})
	for i, want := range []int{303, 204, 200} {
		at.Store(int32(i))
		query, cookie := f.browser("alice")
		answer := f.get("callback", query, cookie)
		if answer.Status != want || answer.Header.Get("Referrer-Policy") != "no-referrer" || int(calls.Load()) != i+1 {
			t.Errorf("answer %d: %d %v", i, answer.Status, answer.Header)
		}
		cookies := strings.Join(answer.Header["Set-Cookie"], "\n")
		if name, _, _ := strings.Cut(strings.TrimPrefix(cookie, "Cookie: "), "="); !strings.Contains(cookies, name+"=; ") || i == 0 && !strings.Contains(cookies, "session=1") {
			t.Errorf("answer %d: cookies %q", i, cookies)
		}
	}
	if len(shared.Header["Set-Cookie"]) != 1 || len(shared.Header) != 2 {
		t.Errorf("the application's answer was changed: %v", shared.Header)
	}
}
