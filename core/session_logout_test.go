package core_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Logout ends the session and kills its access tokens, here at once.
func TestBrokerLogout(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	f.who(token.AccessToken)
	answer := f.get("logout", nil, "Authorization: Bearer "+token.AccessToken)
	target, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Status != http.StatusFound || target.Query().Get("id_token_hint") == "" {
		t.Errorf("got %d %s", answer.Status, target)
	}
	if _, err := f.admit(token.AccessToken); err == nil {
		t.Error("the access token lives on")
	}
	flowRefused(t, "refresh after logout", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	if form := f.idp.Last(oidctest.Revocation).Form; form.Get("token_type_hint") != "refresh_token" {
		t.Errorf("revoked %v", form)
	}
}

// The hint of the logout is the session's own, also without a refresh token, and never one that the caller brings.
func TestBrokerLogoutHint(t *testing.T) {
	f := newFlow(t, brokered(), oidctest.WithoutRefreshTokens())
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

func (f *flowService) leave(token string) {
	f.t.Helper()
	if answer := f.get("logout", nil, "Authorization: Bearer "+token); answer.Status != http.StatusFound {
		f.t.Errorf("logout: %d %s", answer.Status, answer.Body)
	}
}

// A logout on one service kills the access token on the other within three seconds, and the session there.
func TestBrokerLogoutElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		held := b.current
		here.who(token.AccessToken)
		there.who(token.AccessToken)
		here.leave(token.AccessToken)
		if status := here.status(token.AccessToken); status != 401 {
			t.Errorf("here: %d", status)
		}
		time.Sleep(3 * time.Second)
		if status := there.status(token.AccessToken); status != 401 {
			t.Errorf("there: %d", status)
		}
		flowRefused(t, "there", there.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if !b.wasRevoked(held) {
			t.Error("the provider's refresh token was not revoked")
		}
		time.Sleep(untilEnd(token))
		if status := there.status(token.AccessToken); status != 401 {
			t.Errorf("after its end: %d", status)
		}
	})
}

func untilEnd(token core.Token) time.Duration { return time.Until(time.Unix(token.Expires, 0)) }

// The store is down: what was revoked stays revoked, who was admitted stays admitted; Ready complains after a minute.
func TestBrokerStoreDownAtGuards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		gone, good := f.begun(), f.begun()
		f.leave(gone.AccessToken)
		time.Sleep(3 * time.Second)
		b.store.down(true)
		for _, after := range []time.Duration{time.Second, 50 * time.Second} {
			time.Sleep(after)
			if f.status(gone.AccessToken) != 401 || f.status(good.AccessToken) != 200 {
				t.Errorf("after %s: %d and %d", after, f.status(gone.AccessToken), f.status(good.AccessToken))
			}
		}
		if err := f.auth.Ready(t.Context()); err != nil {
			t.Errorf("Ready complains within a minute: %v", err)
		}
		time.Sleep(15 * time.Second)
		if err := f.auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "revocations") {
			t.Errorf("Ready after a minute: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if err := f.auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "signing keys") {
			t.Errorf("Ready after three minutes: %v", err)
		}
		if answer := f.get("jwks", nil); answer.Status != 200 {
			t.Errorf("jwks: %d", answer.Status)
		}
		b.store.down(false)
		time.Sleep(5 * time.Second)
		if err := f.auth.Ready(t.Context()); err != nil {
			t.Errorf("Ready after recovery: %v", err)
		}
	})
}

// A token of the Python deployment has no sid and lives for up to 30 days; it is logged out for as long as it lives.
func TestBrokerLogoutOfPythonTokenLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(importing), b.serve(importing)
		token := rsaToken(t, sharedKey(), kidOf(sharedKey()), pythonClaims(bubbleIssuer, bubbleIssuer, claims{"exp": time.Now().Add(30 * 24 * time.Hour).Unix()}))
		other := rsaToken(t, sharedKey(), kidOf(sharedKey()), pythonClaims(bubbleIssuer, bubbleIssuer, claims{"jti": "00000000-0000-4000-8000-000000000000", "exp": time.Now().Add(24 * time.Hour).Unix()}))
		here.who(token)
		there.who(token)
		here.leave(token)
		for _, after := range []time.Duration{3 * time.Second, 2 * time.Hour} {
			time.Sleep(after)
			begun := here.begun() // what is new makes feeds forget what has ended
			here.leave(begun.AccessToken)
			time.Sleep(3 * time.Second)
			if here.status(token) != 401 || there.status(token) != 401 {
				t.Errorf("after another %s the token lives again: %d and %d", after, here.status(token), there.status(token))
			}
			if here.status(other) != 200 || there.status(other) != 200 {
				t.Errorf("another token of the same person: %d and %d", here.status(other), there.status(other))
			}
		}
	})
}

// A deployment that shortens TokenTTL does not bring back what was logged out.
func TestBrokerLogoutSurvivesShorterTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		long := b.serve(func(c *core.Config) { c.Broker.TokenTTL = 24 * time.Hour })
		token := long.begun()
		short := b.serve(func(c *core.Config) { c.Broker.TokenTTL = time.Hour })
		short.who(token.AccessToken)
		short.leave(token.AccessToken)
		time.Sleep(2 * time.Hour)
		short.leave(short.begun().AccessToken)
		time.Sleep(3 * time.Second)
		if status := short.status(token.AccessToken); status != 401 {
			t.Errorf("the token lives again: %d", status)
		}
	})
}

// A deployment that shortens TokenTTL, and a reuse after it: the access token of before is dead for as long as it would live.
func TestBrokerReuseSurvivesShorterTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		long := b.serve(func(c *core.Config) { c.Broker.TokenTTL = 2 * time.Hour })
		token := long.begun()
		short := b.serve(func(c *core.Config) { c.Broker.TokenTTL = 10 * time.Minute })
		next := flowGranted(t, short.refresh(token.RefreshToken))
		flowGranted(t, short.refresh(next.RefreshToken))
		time.Sleep(2 * time.Minute)
		short.who(token.AccessToken)
		flowRefused(t, "reuse", short.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		for range 23 {
			time.Sleep(5 * time.Minute)
			short.leave(short.begun().AccessToken) // what is new makes instances forget what has ended
			time.Sleep(3 * time.Second)
			if short.status(token.AccessToken) != 401 || long.status(token.AccessToken) != 401 {
				t.Fatal("the token lives again")
			}
		}
	})
}

// A logout during a hiccup of the store counts here at once, and holds everywhere once the store is back: the session does
// not live on, this instance gives out nothing meanwhile, and the provider's refresh token is revoked.
func TestBrokerLogoutHoldsAfterHiccup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		held := b.current
		here.who(token.AccessToken)
		b.store.breaks(failing("Revoke"))
		here.leave(token.AccessToken)
		flowRefused(t, "refresh here", here.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		b.store.breaks(nil)
		time.Sleep(20 * time.Second)
		flowRefused(t, "refresh there", there.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if there.status(token.AccessToken) != 401 || !b.wasRevoked(held) {
			t.Error("something of the session lives on")
		}
	})
}

// A logout while the store is away for long holds once it is back.
func TestBrokerLogoutHoldsAfterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		here.who(token.AccessToken)
		there.who(token.AccessToken)
		b.store.down(true)
		time.Sleep(10 * time.Minute)
		here.leave(token.AccessToken)
		b.store.down(false)
		time.Sleep(20 * time.Second)
		flowRefused(t, "refresh there", there.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if there.status(token.AccessToken) != 401 {
			t.Error("the access token lives on")
		}
	})
}

// A logout of an instance whose clock is three minutes behind is seen within a period when Leeway allows for that.
func TestBrokerLogoutOfClockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Leeway = 5 * time.Minute })
		token := f.begun()
		f.who(token.AccessToken)
		time.Sleep(4 * time.Minute)
		_, payload := unpack(t, token.AccessToken)
		at := time.Now().Add(-3 * time.Minute).UTC().Truncate(time.Millisecond)
		if err := b.store.Store.Revoke(t.Context(), payload["sid"].(string), 0, at, at.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if status := f.status(token.AccessToken); status != 401 {
			t.Errorf("got %d", status)
		}
		if err := f.auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "clock") {
			t.Errorf("Ready: %v", err)
		}
		time.Sleep(11 * time.Minute)
		if err := f.auth.Ready(t.Context()); err != nil {
			t.Errorf("Ready later: %v", err)
		}
	})
}

// Tokens of an exchange can be logged out, everywhere.
func TestBrokerLogoutOfExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := flowGranted(t, here.exchange(b.token(), nil))
		there.who(token.AccessToken)
		here.leave(token.AccessToken)
		time.Sleep(3 * time.Second)
		if here.status(token.AccessToken) != 401 || there.status(token.AccessToken) != 401 {
			t.Errorf("got %d and %d", here.status(token.AccessToken), there.status(token.AccessToken))
		}
	})
}

// A logout while a refresh is in flight wins: no token of the family lives, the provider's new one is revoked.
func TestBrokerLogoutDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		here.who(token.AccessToken)
		there.who(token.AccessToken)
		b.breaks(oidctest.Slow(2*time.Second), oidctest.Token, oidctest.Revocation)
		answers := make(chan *core.Response)
		go func() { answers <- here.refresh(token.RefreshToken) }()
		time.Sleep(time.Second)
		there.leave(token.AccessToken)
		answer := <-answers
		flowRefused(t, "the refresh", answer, 401, "invalid_grant", sessionGone)
		time.Sleep(3 * time.Second)
		if there.status(token.AccessToken) != 401 || here.status(token.AccessToken) != 401 {
			t.Error("the access token lives on")
		}
		_ = here.auth.Close()
		if !b.wasRevoked(b.current) {
			t.Error("the provider's new refresh token lives on")
		}
	})
}

// A logout while the store is down still ends the token here, and redirects.
func TestBrokerLogoutStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		f.who(token.AccessToken)
		b.store.down(true)
		f.leave(token.AccessToken)
		if status := f.status(token.AccessToken); status != 401 {
			t.Errorf("got %d", status)
		}
	})
}

// A logout with an access token that has expired ends its session: the refresh token has not.
func TestBrokerLogoutOfExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		next := flowGranted(t, here.refresh(token.RefreshToken))
		held := b.current
		time.Sleep(2 * time.Hour)
		here.leave(token.AccessToken)
		flowRefused(t, "refresh there", there.refresh(next.RefreshToken), 401, "invalid_grant", sessionGone)
		if !b.wasRevoked(held) {
			t.Error("the provider's refresh token lives on")
		}
	})
}

// A refresh token in a POST ends its session, beside that of an access token or alone, and gives the session's hint.
func TestBrokerLogoutOfRefreshToken(t *testing.T) {
	f := newFlow(t, brokered())
	first, second := f.tokens("alice"), f.tokens("alice")
	answer := f.post("logout", url.Values{"refresh_token": {first.RefreshToken}, "id_token_hint": {"foreign"}})
	if answer.Status != 200 || !strings.Contains(string(answer.Body), "id_token_hint=e") {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if f.status(first.AccessToken) != 401 || f.status(second.AccessToken) != 200 {
		t.Errorf("%d and %d", f.status(first.AccessToken), f.status(second.AccessToken))
	}
	third := f.tokens("alice")
	f.post("logout", url.Values{"refresh-token": {third.RefreshToken}}, "Authorization: Bearer "+second.AccessToken)
	for _, token := range []core.Token{first, second, third} {
		flowRefused(t, "after the logout", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
	}
}

// A logout that the store has refused can be repeated, though its token is refused by now, until it holds. A program is told
// that it does not hold yet, a browser is led on.
func TestBrokerLogoutRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		here, there := b.serve(), b.serve()
		token := here.begun()
		here.who(token.AccessToken)
		there.who(token.AccessToken)
		bearer := "Authorization: Bearer " + token.AccessToken
		b.store.breaks(failing("Revoke"))
		for range 2 {
			answer := here.post("logout", nil, bearer)
			flowRefused(t, "a program", answer, 503, "", "The session store is not available.")
			if answer.Header.Get("Retry-After") != "2" {
				t.Errorf("%v", answer.Header)
			}
			here.leave(token.AccessToken)
		}
		b.store.breaks(nil)
		if answer := here.post("logout", nil, bearer); answer.Status != 200 {
			t.Errorf("%d %s", answer.Status, answer.Body)
		}
		flowRefused(t, "at once", there.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
	})
}

// A token whose key was withdrawn, or has been retired since, is nobody's: nothing ends.
func TestBrokerLogoutOfUnknownKey(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	if err := f.auth.WithdrawKey(t.Context(), kidIn(t, token.AccessToken)); err != nil {
		t.Fatal(err)
	}
	f.leave(token.AccessToken)
	flowGranted(t, f.refresh(token.RefreshToken))
}

// A logout without a token, or with a bad one, ends nothing.
func TestBrokerLogoutOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		for _, bad := range []string{"", "x", token.RefreshToken, b.token(), token.AccessToken + "x"} {
			f.leave(bad)
		}
		f.who(token.AccessToken)
		flowGranted(t, f.refresh(token.RefreshToken))
	})
}

// The store is down at the first request: guards say so, and recover without a restart.
func TestBrokerColdStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		token := b.serve().begun()
		for name, flaw := range map[string]func(context.Context, string, int) error{
			"down": func(context.Context, string, int) error { return errStore },
			"hang": func(ctx context.Context, _ string, _ int) error { <-ctx.Done(); return ctx.Err() },
		} {
			b.store.breaks(flaw)
			f := b.serve()
			begun := time.Now()
			if status := f.status(token.AccessToken); status != 503 {
				t.Errorf("%s: guard %d", name, status)
			}
			for what, answer := range map[string]*core.Response{"jwks": f.get("jwks", nil), "refresh": f.refresh(token.RefreshToken), "exchange": f.exchange(b.token(), nil), "login": f.begin()} {
				if answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
					t.Errorf("%s: %s %d %s", name, what, answer.Status, answer.Body)
				}
			}
			if took := time.Since(begun); took > 75*time.Second {
				t.Errorf("%s: five answers took %s", name, took)
			}
			err := f.auth.Ready(t.Context())
			if err == nil || !strings.Contains(err.Error(), "signing keys") || !strings.Contains(err.Error(), "revocations") {
				t.Errorf("%s: Ready: %v", name, err)
			}
			if err := f.auth.RotateKey(t.Context()); err == nil || errors.Is(err, context.Canceled) {
				t.Errorf("%s: RotateKey: %v", name, err)
			}
			b.store.down(false)
			time.Sleep(15 * time.Second)
			if err := f.auth.Ready(t.Context()); err != nil {
				t.Errorf("%s: Ready after recovery: %v", name, err)
			}
			f.who(token.AccessToken)
		}
	})
}

// A browser that leaves in the middle of its logout is logged out all the same, on every instance.
func TestBrokerLogoutOfWhoLeaves(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	f.who(token.AccessToken) // what the guard needs is at hand
	ctx, leave := context.WithCancel(t.Context())
	leave()
	request := core.ParseRequest(http.MethodGet, "", "", flowHeader([]string{"Authorization: Bearer " + token.AccessToken}), nil)
	if answer := f.routes["logout"].Serve(ctx, request); answer.Status != http.StatusFound {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	flowRefused(t, "refresh after logout", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
}
