package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// flowFault is a fault of TRUST 2.3.
type flowFault struct {
	fault oidctest.Fault
	later bool // the provider may be back in a moment
	slow  bool // only a time-out ends it
}

// patience is a time-out that is short where it has to end something.
func (f flowFault) patience() time.Duration {
	if f.slow {
		return flowPatience
	}
	return time.Minute
}

var flowFaults = map[string]flowFault{
	"refused": {oidctest.Refused(), true, false}, "hang": {oidctest.Hang(), true, true}, "drip": {oidctest.Drip(20 * time.Millisecond), true, true}, "500": {oidctest.Status(500), true, false}, "503": {oidctest.Status(503), true, false}, "429": {oidctest.Status(429), true, false},
	"500 HTML": {oidctest.HTML(500), true, false}, "200 HTML": {oidctest.HTML(200), false, false}, "truncated": {oidctest.Truncated(), false, false}, "wrong content type": {oidctest.WrongContentType(), false, false}, "2 MB": {oidctest.Oversized(), false, false},
	"302": {oidctest.Redirect(302), false, false}, "307": {oidctest.Redirect(307), false, false}, "list": {oidctest.Reply(200, "application/json", `["upstream-secret"]`), false, false},
}

const flowPatience = 500 * time.Millisecond

// TRUST 0.7, 0.9, 0.12, 2.3: every fault at every endpoint, cold and warm: the right status, in bounded time, nothing
// posted twice, nothing of the provider told, and all is well again without a restart.
func TestRoutesUnderFaults(t *testing.T) {
	for name, c := range flowFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newFlow(t, nil) // gets what the faults meet: its time-out is not short
			token, later, start := set.tokens("alice"), set.tokens("alice"), set.device()
			if err := set.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
				t.Fatal(err)
			}
			form := set.loopback("alice")
			query, cookie := set.browser("alice")
			nobody := set.idp.Bearer("alice", flowNobody(nil))
			f := flowOver(t, set.idp, func(config *core.Config) { config.Timeout = c.patience() })
			if answer := f.userInfo(set.idp.Bearer("alice")); answer.Status != 200 {
				t.Fatalf("userinfo: %d %s", answer.Status, answer.Body)
			}

			posted := f.hits()
			f.idp.Fault(oidctest.Token, c.fault)
			status, code, detail := 502, "server_error", flowUnusable
			if c.later {
				status, code, detail = 503, "", "The OIDC provider cannot be reached."
			}
			flowRefused(t, "token, refresh", f.timely(func() *core.Response { return f.post("token", flowRefresh(token.RefreshToken)) }), status, code, detail)
			flowRefused(t, "token, device", f.timely(func() *core.Response { return f.post("token", flowPoll(start.DeviceCode)) }), status, code, detail)
			flowRefused(t, "token, code", f.timely(func() *core.Response { return f.post("token", form) }), status, code, detail)
			flowRefused(t, "callback", f.timely(func() *core.Response { return f.get("callback", query, cookie) }), status, code, detail)
			if f.hits() != posted+4 {
				t.Errorf("D-25: 4 requests became %d", f.hits()-posted)
			}
			f.idp.Fault(oidctest.UserInfo, c.fault)
			flowRefused(t, "userinfo", f.timely(func() *core.Response { return f.userInfo(nobody) }), status, code, detail)
			f.idp.Fault(oidctest.Device, c.fault)
			if c.later {
				status, detail = 502, "Failed to contact OIDC endpoint"
			}
			flowRefused(t, "device", f.timely(func() *core.Response { return f.post("device", nil) }), status, code, detail)
			f.idp.Fault(oidctest.Revocation, c.fault)
			if answer := f.timely(func() *core.Response { return f.get("logout", nil, "Authorization: Bearer "+token.AccessToken) }); answer.Status != 302 {
				t.Errorf("logout: %d", answer.Status)
			}
			f.idp.Heal()
			set.tokens("bob")
			flowGranted(t, f.post("token", flowRefresh(later.RefreshToken)))
			f.device()
		})
	}
}

// timely runs a request and allows it the time-out and plenty of time beside it, for a machine that is busy.
func (f *flowService) timely(ask func() *core.Response) *core.Response {
	f.t.Helper()
	begun := time.Now()
	answer := ask()
	if took := time.Since(begun); took > flowPatience+30*time.Second {
		f.t.Errorf("TRUST 0.7: the answer took %s", took)
	}
	return answer
}

// TRUST 0.12: the provider's documents fail from the start.
func TestRoutesBeforeTheProvider(t *testing.T) {
	for name, c := range flowFaults {
		for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS} {
			t.Run(fmt.Sprintf("%s %s", endpoint, name), func(t *testing.T) {
				t.Parallel()
				idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
				idp.Fault(endpoint, c.fault)
				f := flowOver(t, idp, func(config *core.Config) { config.Timeout = c.patience() })
				token := f.timely(func() *core.Response { return f.post("token", flowRefresh("a-refresh-token-of-somebody")) })
				flowRefused(t, "token", token, 503, "", "OIDC server unavailable.")
				userInfo := f.timely(func() *core.Response { return f.userInfo(idp.Bearer("alice")) })
				if userInfo.Status != 503 || token.Header.Get("Retry-After") != "10" || userInfo.Header.Get("Retry-After") != "10" {
					t.Errorf("userinfo: %d %s %v", userInfo.Status, userInfo.Body, userInfo.Header)
				}
				want := map[string]int{"login": 302, "device": 200, "logout": 302}
				if endpoint == oidctest.Discovery {
					want = map[string]int{"login": 503, "device": 502, "logout": 302}
				}
				for route, status := range want {
					answer := f.timely(func() *core.Response {
						if route == "device" {
							return f.post(route, nil)
						}
						return f.get(route, url.Values{"redirect_uri": {flowRedirect}})
					})
					if answer.Status != status {
						t.Errorf("%s: %d %s", route, answer.Status, answer.Body)
					}
				}
				if f.hits() != 0 {
					t.Error("something was spent for an answer that nobody could verify")
				}
			})
		}
	}
}

// C3, TRUST 0.8: a document that names another issuer, endpoints of another scheme, or no keys.
func TestRoutesOverBadDocuments(t *testing.T) {
	for name, metadata := range map[string]map[string]any{
		"O16 another issuer": {"issuer": "https://evil.example"}, "O16 a longer issuer": {"issuer": "https://idp.test/realm"}, "O16 case": {"issuer": "https://IDP.test"}, "O16 none": {"issuer": nil}, "O16 two slashes": {"issuer": "https://idp.test//"},
		"token over http": {"token_endpoint": "http://idp.test/token"}, "authorization is javascript": {"authorization_endpoint": "javascript:alert(1)"}, "a relative endpoint": {"token_endpoint": "/token"}, "an endpoint list": {"token_endpoint": []string{"https://idp.test/token"}},
		"user information": {"token_endpoint": "https://a:b@idp.test/token"}, "a fragment": {"authorization_endpoint": "https://idp.test/authorize#x"}, "no jwks_uri": {"jwks_uri": nil}, "file": {"jwks_uri": "file:///etc/passwd"},
	} {
		f := flowInMemory(t, &flowMemory{metadata: metadata}, nil)
		login := f.get("login", url.Values{"redirect_uri": {flowRedirect}})
		flowRefused(t, name, login, 503, "", "OIDC server unavailable, cannot log in.")
		flowRefused(t, name, f.post("token", flowRefresh("a-refresh-token-of-somebody")), 503, "", "OIDC server unavailable.")
		if f.hits() != 0 {
			t.Errorf("%s: the token endpoint was asked", name)
		}
	}
	f := flowInMemory(t, &flowMemory{metadata: map[string]any{"issuer": "https://idp.test/"}}, nil)
	f.login(url.Values{"redirect_uri": {flowRedirect}}) // one trailing slash is forgiven
	f = flowInMemory(t, &flowMemory{metadata: map[string]any{"token_endpoint": nil}}, nil)
	flowRefused(t, "no token endpoint", f.post("token", flowRefresh("a-refresh-token-of-somebody")), 502, "server_error", "OIDC endpoint 'token_endpoint' not found in discovery.")
}

// O9: a redirect of the token endpoint is not followed, so neither code nor secret goes elsewhere.
func TestRedirectsOfTheProviderAreNotFollowed(t *testing.T) {
	f := newFlow(t, nil)
	form := f.loopback("alice")
	target := f.idp.Issuer() + "/userinfo"
	f.traffic.before = func(request *http.Request) {
		if request.URL.String() == target {
			t.Errorf("followed, with %v", request.Header)
		}
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		f.idp.Fault(oidctest.Token, oidctest.Reply(status, "application/json", `{"access_token":"upstream-secret"}`))
		flowRefused(t, fmt.Sprint(status), f.post("token", flowRefresh("a-refresh-token-of-somebody")), 502, "server_error", flowUnusable)
	}
	f.idp.Heal()
	flowGranted(t, f.post("token", form))
}

// DESIGN 2: OnError answers instead of JSON, knows the whole refusal, and what has to go with it goes with it.
func TestOnErrorOfRoutes(t *testing.T) {
	page := &core.Response{Status: 418, Header: http.Header{"X-Page": {"1"}}, Body: []byte("page")}
	var seen []string
	f := flowInMemory(t, &flowMemory{}, flowOnError(page, &seen))
	browser, cookie, _ := flowStates(f)
	answer := f.get("callback", url.Values{"state": {browser}, "error": {"access_denied"}}, cookie)
	if answer.Status != 418 || string(answer.Body) != "page" || answer.Header.Get("X-Page") != "1" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("got %d %s %v", answer.Status, answer.Body, answer.Header)
	}
	flowWantCookieGone(t, answer, cookie)
	if len(page.Header) != 1 {
		t.Errorf("the application's answer was changed: %v", page.Header)
	}
	f.get("login", nil)
	if text, _ := json.Marshal(seen); string(text) != `["400 access_denied access_denied: the provider did not log the user in","400 invalid_request Missing redirect_uri"]` {
		t.Errorf("OnError saw %s", text)
	}
}

func flowOnError(page *core.Response, seen *[]string) func(*core.Config) {
	return func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, e *core.Error) *core.Response {
			*seen = append(*seen, fmt.Sprint(e.Status, " ", e.Code, " ", e.Detail))
			return page
		}
	}
}
