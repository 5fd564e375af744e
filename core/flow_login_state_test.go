package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// flowStates returns a sealed state of each kind, and the cookie of the browser's.
func flowStates(f *flowService) (browser, cookie, loopback string) {
	f.t.Helper()
	target, answer := f.login(url.Values{"redirect_uri": {flowOwnCallback}})
	other, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	return target.Query().Get("state"), "Cookie: " + flowCookie(f.t, answer), other.Query().Get("state")
}

func flowCallback(state string) url.Values { return url.Values{"code": {"c"}, "state": {state}} }

func flowExchange(state string) url.Values {
	return url.Values{"code": {"c"}, "redirect_uri": {flowRedirect}, "code_verifier": {state}}
}

// spentCode is the refusal of the provider in memory: it shows that the state was accepted and the code was sent.
func flowWantSpentCode(t testing.TB, what string, answer *core.Response) {
	t.Helper()
	flowRefused(t, what, answer, 400, "invalid_grant", "invalid_grant: the code or token is not valid, was used, or has expired")
}

// flowSwap replaces one character of a text.
func flowSwap(text string, at int) string {
	other := "A"
	if text[at:at+1] == other {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// A forged state, or one with any byte changed, is refused, and no code is sent to the provider.
func TestForgedState(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	browser, cookie, loopback := flowStates(f)
	var tries []string
	for i := range max(len(browser), len(loopback)) {
		if i < len(browser) {
			tries = append(tries, flowSwap(browser, i), browser[:i])
		}
		if i < len(loopback) {
			tries = append(tries, flowSwap(loopback, i), loopback[:i])
		}
	}
	tries = append(tries, browser+"A", browser+"=", browser+"\n", "\n"+browser, browser+browser, browser+"|"+flowOwnCallback+"|"+strings.Repeat("v", 43),
		"random-state|"+flowOwnCallback+"|pkce-verifier", "x|y|z", strings.Repeat("A", 400), strings.Repeat("|", 400), strings.Repeat("é", 200), "eyJrIjoiYiJ9")
	for _, state := range tries {
		if state == "" {
			continue
		}
		if answer := f.get("callback", flowCallback(state), cookie); answer.Status != 400 || len(answer.Header["Set-Cookie"]) > 0 {
			t.Fatalf("callback takes %q: %d %s", state, answer.Status, answer.Body)
		}
		if answer := f.post("token", flowExchange(state)); answer.Status != 400 {
			// A short one is the caller's own verifier, which the provider judges.
			t.Fatalf("token takes %q: %d %s", state, answer.Status, answer.Body)
		} else if len(state) > 128 {
			flowRefused(t, "token", answer, 400, "invalid_request", flowBadState)
		}
	}
	before := f.hits()
	flowWantSpentCode(t, "the browser's own state", f.get("callback", flowCallback(browser), cookie))
	flowWantSpentCode(t, "the client's own state", f.post("token", flowExchange(loopback)))
	if f.hits() != before+2 {
		t.Errorf("%d codes went out for 2 good states", f.hits()-before)
	}
}

// Each kind of state is refused at the route of the other, before any call to the provider.
func TestStateOfTheOtherRoute(t *testing.T) {
	first := flowInMemory(t, &flowMemory{}, nil)
	browser, cookie, loopback := flowStates(first)
	cold := flowInMemory(t, &flowMemory{}, nil)
	for name, answer := range map[string]*core.Response{
		"loopback at the callback":          cold.get("callback", flowCallback(loopback), cookie),
		"browser at the token route":        cold.post("token", url.Values{"code": {"c"}, "redirect_uri": {flowOwnCallback}, "code_verifier": {browser}}),
		"browser, loopback address":         cold.post("token", flowExchange(browser)),
		"browser, no address":               cold.post("token", url.Values{"code": {"c"}, "code_verifier": {browser}}),
		"loopback, no address":              cold.post("token", url.Values{"code": {"c"}, "code_verifier": {loopback}}),
		"loopback, another port":            cold.post("token", url.Values{"code": {"c"}, "code_verifier": {loopback}, "redirect_uri": {"http://localhost:53101/callback"}}),
		"loopback, another host":            cold.post("token", url.Values{"code": {"c"}, "code_verifier": {loopback}, "redirect_uri": {"http://127.0.0.1:53100/callback"}}),
		"loopback, the own callback":        cold.post("token", url.Values{"code": {"c"}, "code_verifier": {loopback}, "redirect_uri": {flowOwnCallback}}),
		"loopback, almost its address":      cold.post("token", url.Values{"code": {"c"}, "code_verifier": {loopback}, "redirect_uri": {flowRedirect + "/"}}),
		"loopback in the field state":       cold.post("token", url.Values{"code": {"c"}, "state": {loopback}, "redirect_uri": {flowRedirect}, "code_verifier": {strings.Repeat("A", 129)}}),
		"browser without its cookie":        cold.get("callback", flowCallback(browser)),
		"browser, state as a device code":   cold.post("token", url.Values{"code": {"c"}, "code_verifier": {browser + "."}, "redirect_uri": {flowRedirect}}),
		"the callback's cookie, no sign of": cold.get("callback", flowCallback(browser), strings.Replace(cookie, "=", "=x", 1)),
	} {
		flowRefused(t, name, answer, 400, "invalid_request", flowBadState)
	}
	if cold.traffic.total() != 0 {
		t.Errorf("the provider was asked %d times", cold.traffic.total())
	}
	flowWantSpentCode(t, "the client, later", cold.post("token", flowExchange(loopback)))
	flowWantSpentCode(t, "the browser, later", cold.get("callback", flowCallback(browser), cookie))
}

// A forged state is a 400 also while the provider is down.
func TestForgedStateDuringAnOutage(t *testing.T) {
	f := flowInMemory(t, &flowMemory{down: true}, nil)
	bad := strings.Repeat("A", 200)
	flowRefused(t, "callback", f.get("callback", flowCallback(bad)), 400, "invalid_request", flowBadState)
	flowRefused(t, "token", f.post("token", flowExchange(bad)), 400, "invalid_request", flowBadState)
}

// A state expires after exactly ten minutes.
func TestStateExpires(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		good bool
	}{{"9:59", 10*time.Minute - time.Second, true}, {"10:01", 10*time.Minute + time.Second, false}, {"a day", 24 * time.Hour, false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := flowInMemory(t, &flowMemory{}, nil)
				browser, cookie, loopback := flowStates(f)
				time.Sleep(c.age) // of the bubble
				callback, token := f.get("callback", flowCallback(browser), cookie), f.post("token", flowExchange(loopback))
				if c.good {
					flowWantSpentCode(t, "callback", callback)
					flowWantSpentCode(t, "token", token)
					return
				}
				flowRefused(t, "callback", callback, 400, "invalid_request", flowBadState)
				flowRefused(t, "token", token, 400, "invalid_request", flowBadState)
				if f.hits() != 0 {
					t.Error("an old state's code went to the provider")
				}
			})
		})
	}
}

// A state from the future beyond Leeway is refused.
func TestStateOfTheFuture(t *testing.T) {
	var browser, cookie, loopback string
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * time.Hour) // of the bubble
		browser, cookie, loopback = flowStates(flowInMemory(t, &flowMemory{}, nil))
	})
	synctest.Test(t, func(t *testing.T) {
		f := flowInMemory(t, &flowMemory{}, nil)
		flowRefused(t, "callback", f.get("callback", flowCallback(browser), cookie), 400, "invalid_request", flowBadState)
		flowRefused(t, "token", f.post("token", flowExchange(loopback)), 400, "invalid_request", flowBadState)
	})
}

// A state is used once, by one of many concurrent requests, also if the provider refuses the code.
func TestStateIsUsedOnce(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	browser, cookie, loopback := flowStates(f)
	var group sync.WaitGroup
	var accepted atomic.Int32
	for range 20 {
		for _, ask := range []func() *core.Response{
			func() *core.Response { return f.get("callback", flowCallback(browser), cookie) },
			func() *core.Response { return f.post("token", flowExchange(loopback)) },
		} {
			group.Go(func() {
				if strings.Contains(string(ask().Body), `"error":"invalid_grant"`) {
					accepted.Add(1)
				}
			})
		}
	}
	group.Wait()
	if accepted.Load() != 2 || f.hits() != 2 {
		t.Errorf("2 states were accepted %d times, %d codes went out", accepted.Load(), f.hits())
	}
}

// With shared SecretKeys a login continues on another replica and after a key rotation; other keys open no state.
func TestStateAndSecretKeys(t *testing.T) {
	keys := func(list ...string) func(*core.Config) { return func(c *core.Config) { c.SecretKeys = list } }
	old, young := "the old key of these tests, 32 bytes or more", "the young key of these tests, 32 bytes or more"
	first := flowInMemory(t, &flowMemory{}, keys(old))
	for name, c := range map[string]struct {
		f    *flowService
		good bool
	}{
		"a replica":        {flowInMemory(t, &flowMemory{}, keys(old)), true},
		"with a new key":   {flowInMemory(t, &flowMemory{}, keys(young, old)), true},
		"another key":      {flowInMemory(t, &flowMemory{}, keys(young)), false},
		"a random key":     {flowInMemory(t, &flowMemory{}, keys()), false},
		"another provider": {flowInMemory(t, &flowMemory{issuer: "https://idp2.test"}, keys(old)), false},
		"another client":   {flowInMemory(t, &flowMemory{}, func(c *core.Config) { keys(old)(c); c.ClientID = "other" }), false},
	} {
		browser, cookie, loopback := flowStates(first)
		callback, token := c.f.get("callback", flowCallback(browser), cookie), c.f.post("token", flowExchange(loopback))
		if c.good {
			flowWantSpentCode(t, name, callback)
			flowWantSpentCode(t, name, token)
			continue
		}
		// What one service began, with its provider and its client, is no other one's.
		flowRefused(t, name, callback, 400, "invalid_request", flowBadState)
		flowRefused(t, name, token, 400, "invalid_request", flowBadState)
		if c.f.hits() != 0 {
			t.Errorf("%s: a code went to the provider", name)
		}
	}
}

// FuzzState: both routes accept only the sealed state, no other text, and no state with a text inserted or overwritten.
func FuzzState(f *testing.F) {
	service := flowInMemory(f, &flowMemory{}, func(c *core.Config) { c.SecretKeys = nil }) // no other process seals for this one
	browser, cookie, loopback := flowStates(service)
	for at, text := range []string{"A", "=", "\n", "|", "", "AQ", strings.Repeat("A", 129), "a|b|c"} {
		f.Add(uint16(at*37), text)
	}
	f.Fuzz(func(t *testing.T, at uint16, text string) {
		tries := []string{text}
		for _, good := range []string{browser, loopback} {
			from := int(at) % len(good)
			to := min(len(good), from+len(text))
			tries = append(tries, good[:from]+text+good[from:], good[:from]+text+good[to:], good[:from]+text)
		}
		header := flowHeader([]string{cookie, "Content-Type: application/x-www-form-urlencoded"})
		for _, state := range tries {
			if state == browser || state == loopback || len(state) <= 128 {
				continue
			}
			callback := core.ParseRequest(http.MethodGet, "", flowCallback(state).Encode(), header, nil)
			token := core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(flowExchange(state).Encode()))
			for route, request := range map[string]*core.Request{"callback": callback, "token": token} {
				if answer := service.routes[route].Serve(t.Context(), request); answer.Status < 400 || answer.Status > 414 {
					t.Errorf("%s takes %q: %d %s", route, state, answer.Status, answer.Body)
				}
			}
		}
		if service.hits() != 0 {
			t.Error("a code went to the provider")
		}
	})
}
