package core_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// flowFault is one way in which a provider fails.
type flowFault struct {
	fault oidctest.Fault
	later bool // the provider may work again soon
	slow  bool // only a timeout ends it
}

// patience is a timeout, short for faults that only a timeout ends.
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

// Every fault at every endpoint, before the start and afterwards: the right status in bounded time, nothing posted twice, no
// text of the provider in the answer, and recovery without a restart.
func TestRoutesUnderFaults(t *testing.T) {
	for name, c := range flowFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newFlow(t, nil) // gets codes and tokens with the usual timeout
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
				t.Errorf("4 requests became %d", f.hits()-posted)
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

// timely runs a request and checks that it takes no longer than the timeout plus a margin for a busy machine.
func (f *flowService) timely(ask func() *core.Response) *core.Response {
	f.t.Helper()
	begun := time.Now()
	answer := ask()
	if took := time.Since(begun); took > flowPatience+30*time.Second {
		f.t.Errorf("the answer took %s", took)
	}
	return answer
}

// The provider's documents fail from the start.
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
