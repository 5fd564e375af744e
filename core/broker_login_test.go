package core_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A device's token lives no longer than any other, and its session is refreshed and ended like any other.
func TestBrokerDevice(t *testing.T) {
	f := newFlow(t, imported())
	start := f.device()
	if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	token := flowGranted(t, f.post("token", flowPoll(start.DeviceCode)))
	if left := token.Expires - time.Now().Unix(); left > 3600 || left < 3590 {
		t.Errorf("it lives for %d s", left)
	}
	token = flowGranted(t, f.refresh(token.RefreshToken))
	f.leave(token.AccessToken)
	if status := f.status(token.AccessToken); status != 401 {
		t.Errorf("after the logout: %d", status)
	}
}

// The application is told of the caller whom guards will see, with the own token.
func TestBrokerOnLogin(t *testing.T) {
	var told *core.Token
	f := newFlow(t, imported(func(c *core.Config) {
		c.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response { told = token; return nil }
	}))
	query, cookie := f.browser("alice")
	token := flowGranted(t, f.get("callback", query, cookie))
	if told == nil || told.AccessToken != token.AccessToken || told.Caller().Issuer() != brokerIssuer || told.Caller().Raw() != token.AccessToken || !slices.Contains(told.Caller().Roles(), "admin") {
		t.Fatalf("told of %v", told)
	}
	caller := f.who(token.AccessToken)
	if caller.Subject() != told.Caller().Subject() || !slices.Equal(caller.Roles(), told.Caller().Roles()) || caller.Claim("sid") != told.Caller().Claim("sid") {
		t.Errorf("a guard sees %v, the application was told of %v", caller.Claims(), told.Caller().Claims())
	}
}

// The hint of the logout is the session's own, also without a refresh token, and never one that the caller brings.
func TestBrokerLogoutHint(t *testing.T) {
	f := newFlow(t, imported(), oidctest.WithoutRefreshTokens())
	token := f.tokens("alice")
	hint := func(query url.Values, headers ...string) string {
		target, err := url.Parse(f.get("logout", query, headers...).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return target.Query().Get("id_token_hint")
	}
	if got := hint(url.Values{"id_token_hint": {"foreign"}}); got != "" {
		t.Errorf("the hint of a guest is %q", got)
	}
	if got := hint(url.Values{"id_token_hint": {"foreign"}}, "Authorization: Bearer "+token.AccessToken); got == "" || got == "foreign" {
		t.Errorf("the hint is %q", got)
	}
	if status := f.status(token.AccessToken); status != 401 || f.idp.Hits(oidctest.Revocation) != 0 {
		t.Errorf("after the logout: %d, %d revocations", status, f.idp.Hits(oidctest.Revocation))
	}
}

// A session belongs to the issuer that it began with: another one is not asked for it.
func TestBrokerSessionOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		token := b.serve().begun()
		calls := b.count(tokenPath)
		b.change(func() { b.metadata["issuer"] = issuer + "/" })
		f := b.serve()
		flowRefused(t, "another issuer", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if b.count(tokenPath) != calls {
			t.Error("the refresh token was sent to another issuer")
		}
	})
}

// Userinfo in broker mode: the claims of the own token, and no call of the provider.
func TestBrokerUserInfoRoute(t *testing.T) {
	f := newFlow(t, imported())
	token := f.tokens("alice")
	calls := f.traffic.total()
	answer := f.get("userinfo", nil, "Authorization: Bearer "+token.AccessToken)
	if answer.Status != http.StatusOK || f.traffic.total() != calls {
		t.Errorf("%d %s, %d calls", answer.Status, answer.Body, f.traffic.total()-calls)
	}
	if answer = f.get("userinfo", nil, "Authorization: "+f.idp.Bearer("alice")); answer.Status != http.StatusUnauthorized {
		t.Errorf("the provider's token: %d", answer.Status)
	}
}

// Nothing of a malformed answer to a refresh costs the session.
func TestBrokerRefreshAnswers(t *testing.T) {
	for name, extra := range map[string]claims{
		"token_type": {"token_type": "mac"}, "scope as a list": {"scope": []string{"openid"}}, "refresh_expires_in": {"refresh_expires_in": []int{1}},
		"id_token as a number": {"id_token": 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t)
			f := b.serve()
			token := f.begun()
			b.set(func() { b.extra = extra })
			before := b.current
			if answer := f.refresh(token.RefreshToken); answer.Status != 502 && answer.Status != 503 {
				t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
			}
			b.set(func() { b.extra = nil })
			if answer := f.refresh(token.RefreshToken); answer.Status != 200 {
				t.Errorf("%s: afterwards %d %s (another refresh token: %t)", name, answer.Status, answer.Body, b.current != before)
			}
		})
	}
}
