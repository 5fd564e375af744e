package core_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A requirement that panics refuses the request with a 500, at an optional guard too. The log has its name once, and not the
// value of the panic.
func TestRequirementPanics(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	check := core.Check("mine", func(*core.IDToken) bool { panic(poison) })
	request := core.CheckRequest("mine", func(context.Context, core.Credentials, *core.IDToken) (bool, error) {
		list := strings.Split(poison, " ")
		return list[len(list)] == "", nil
	})
	for name, guard := range map[string]*core.Guard{
		"Check":                            auth.Required(check),
		"Check, optional":                  auth.Optional(check),
		"Check, optional, RejectInvalid":   auth.Optional(check, core.RejectInvalid),
		"Check in any of":                  auth.Required(core.AnyOf(check, core.Claim("sub", "alice"))),
		"Check in all of":                  auth.Required(core.AnyOf(core.AllOf(core.Claim("sub", "alice"), check))),
		"CheckRequest":                     auth.Required(request),
		"CheckRequest, optional":           auth.Optional(request),
		"CheckRequest in any of, optional": auth.Optional(core.AnyOf(core.Scopes("x"), request, core.Claim("sub", "alice"))),
	} {
		before := len(idp.logs.String())
		decision := guard.Admit(t.Context(), bearerOf(idp.token()))
		if decision.Refusal == nil || decision.Refusal.Status != http.StatusInternalServerError || decision.Caller != nil {
			t.Errorf("%s: got %+v", name, decision)
		}
		kind, _, _ := strings.Cut(strings.ReplaceAll(name, ",", ""), " ")
		log := idp.logs.String()[before:]
		if strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, `function="`+kind+` mine"`) || strings.Contains(log, poison) || !strings.Contains(log, "called_test.go") {
			t.Errorf("%s: the log says %s", name, log)
		}
	}
	if !strings.Contains(idp.logs.String(), "index out of range") {
		t.Error("the mistake that Go found is not in the log")
	}
	if decision := auth.Optional(check).Admit(t.Context(), core.Credentials{}); decision.Refusal != nil {
		t.Errorf("nobody called, and nobody was asked: %v", decision.Err)
	}
}

// The same holds for every hook, at guards and routes.
func TestHookPanics(t *testing.T) {
	for name, c := range map[string]struct {
		config          func(*core.Config)
		guard, callback int
		refused         int
	}{
		"Config.OnLogin": {func(c *core.Config) {
			c.OnLogin = func(context.Context, *core.Request, *core.Token) *core.Response { panic(poison) }
		}, 200, 500, 401},
		"Config.OnError": {func(c *core.Config) {
			c.OnError = func(context.Context, *core.Request, *core.Error) *core.Response { panic(poison) }
		}, 200, 200, 500},
		"Config.Observe": {func(c *core.Config) {
			c.Observe = core.ObserveFunc(func(core.Event) { panic(poison) })
		}, 500, 500, 500},
		"Config.OnLogin, OnError": {func(c *core.Config) {
			c.OnLogin = func(context.Context, *core.Request, *core.Token) *core.Response { panic(poison) }
			c.OnError = func(context.Context, *core.Request, *core.Error) *core.Response { panic(poison) }
		}, 200, 500, 500},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, c.config)
			token := f.idp.AccessToken("alice")
			if got := statusOfDecision(f.auth.Required().Admit(t.Context(), bearerOf(token))); got != c.guard {
				t.Errorf("the guard answers %d", got)
			}
			refused := f.auth.Required().Admit(t.Context(), core.Credentials{})
			if got := statusOfDecision(refused); got != c.refused {
				t.Errorf("the guard refuses with %d", got)
			}
			if strings.Contains(string(refused.Refusal.Body), poison) {
				t.Errorf("the answer is %s", refused.Refusal.Body)
			}
			query, cookie := f.browser("alice")
			answer := f.get("callback", query, cookie)
			if answer.Status != c.callback {
				t.Errorf("the callback answers %d %s", answer.Status, answer.Body)
			}
			if name != "Config.Observe" {
				flowWantCookieGone(t, answer, cookie)
			}
			hook, _, _ := strings.Cut(name, ",")
			if log := f.traffic.logs.String(); !strings.Contains(log, "function="+hook) || strings.Contains(log, poison) {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

func statusOfDecision(decision core.Decision) int {
	if decision.Refusal == nil {
		return http.StatusOK
	}
	return decision.Refusal.Status
}

// If a store panics, that request is a 500, or a 503 at guards that wait for its data; a logout is done later. The process continues,
// and so does the service when the store works again.
func TestStorePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		f.who(token.AccessToken)
		var ended core.Token
		for _, method := range []string{"Session", "Swap", "PutSession", "Revoked", "Revoke", "Keys", "Purge"} {
			b.store.breaks(func(_ context.Context, called string, _ int) error {
				if called == method {
					panic(poison)
				}
				return nil
			})
			switch method {
			case "Session", "Swap":
				if answer := f.refresh(token.RefreshToken); answer.Status != http.StatusInternalServerError || strings.Contains(string(answer.Body), poison) {
					t.Errorf("%s: a refresh got %d %s", method, answer.Status, answer.Body)
				}
			case "PutSession":
				if answer := f.begin(); answer.Status != http.StatusInternalServerError {
					t.Errorf("%s: a login got %d %s", method, answer.Status, answer.Body)
				}
			case "Revoke":
				ended = f.begun()
				if answer := f.get("logout", nil, "Authorization: Bearer "+ended.AccessToken); answer.Status != http.StatusFound {
					t.Errorf("%s: a logout got %d %s", method, answer.Status, answer.Body)
				}
			}
			time.Sleep(20 * time.Minute) // the background reads, retries and purges
			b.store.breaks(nil)
			time.Sleep(time.Minute)
		}
		if answer := f.refresh(ended.RefreshToken); answer.Status != http.StatusUnauthorized {
			t.Errorf("after a logout at which the store panicked: %d %s", answer.Status, answer.Body)
		}
		f.who(flowGranted(t, f.refresh(token.RefreshToken)).AccessToken)
	})
}
