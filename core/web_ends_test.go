package core_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

func (b *browser) status(target string, headers ...string) int {
	b.t.Helper()
	return b.do(http.MethodGet, target, append(headers, script...)...).StatusCode
}

func (w *web) backChannel(token string) *http.Response {
	w.t.Helper()
	return w.browser().do(http.MethodPost, "/auth/v2/backchannel-logout", "Form: "+url.Values{"logout_token": {token}}.Encode())
}

// The provider ends all sessions of a person, or one of them, and nobody else's.
func TestBackChannelLogout(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		first, second, other := w.browser(), w.browser(), w.browser()
		first.logIn("alice")
		second.logIn("alice")
		other.logIn("bob")
		token := w.idp.LogoutToken("alice")
		if answer := w.backChannel(token); answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", answer.StatusCode, body(answer))
		}
		if a, b, c := first.status("/page"), second.status("/page"), other.status("/page"); a != 401 || b != 401 || c != 200 {
			t.Errorf("afterwards: %d, %d and %d", a, b, c)
		}
		if again := w.backChannel(token); again.StatusCode != http.StatusBadRequest {
			t.Errorf("the same token again: %d", again.StatusCode)
		}
		first.logIn("alice") // it may log in again
		if status := first.status("/page"); status != 200 {
			t.Errorf("a new login: %d", status)
		}
	})
}

// A logout token with any field wrong changes nothing.
func TestBadLogoutTokens(t *testing.T) {
	w := newWeb(t, nil)
	b := w.browser()
	b.logIn("alice")
	now := time.Now()
	event := oidctest.Claims{"http://schemas.openid.net/event/backchannel-logout": oidctest.Claims{}}
	for name, claims := range map[string]oidctest.Claims{
		"another audience":    {"aud": "other"},
		"another issuer":      {"iss": "https://other.example"},
		"no iat":              {"iat": nil},
		"iat as text":         {"iat": "now"},
		"too old":             {"iat": now.Add(-7 * time.Minute).Unix(), "exp": nil},
		"of the future":       {"iat": now.Add(3 * time.Minute).Unix()},
		"expired":             {"exp": now.Add(-time.Minute).Unix()},
		"exp as text":         {"exp": "never"},
		"no jti":              {"jti": nil},
		"empty jti":           {"jti": ""},
		"jti is a number":     {"jti": 7},
		"long jti":            {"jti": strings.Repeat("j", 256)},
		"no events":           {"events": nil},
		"events is a list":    {"events": []string{"http://schemas.openid.net/event/backchannel-logout"}},
		"another event":       {"events": oidctest.Claims{"http://schemas.openid.net/event/other": oidctest.Claims{}}},
		"event is a text":     {"events": oidctest.Claims{"http://schemas.openid.net/event/backchannel-logout": "yes"}},
		"a nonce":             {"nonce": "n"},
		"an empty nonce":      {"nonce": ""},
		"nobody":              {"sub": nil},
		"empty sub":           {"sub": ""},
		"sid is a number":     {"sid": 1},
		"sid is empty":        {"sid": ""},
		"sub is a list":       {"sub": []string{"alice"}},
		"events twice folded": {"Events": event},
	} {
		if answer := w.backChannel(w.idp.LogoutToken("alice", claims)); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	good := w.idp.LogoutToken("alice")
	for name, token := range map[string]string{
		"no token":       "",
		"no JWT":         "x.y.z",
		"cut off":        good[:len(good)-3],
		"an ID token":    w.idp.IDToken("alice"),
		"access token":   w.idp.AccessToken("alice"),
		"another's key":  w.idp.SignForeign("logout+jwt", oidctest.Claims{"iss": w.idp.Issuer(), "aud": oidctest.ConfidentialClient, "sub": "alice", "jti": "1", "iat": now.Unix(), "events": event}),
		"another's type": w.idp.Sign("at+jwt", oidctest.Claims{"iss": w.idp.Issuer(), "aud": oidctest.ConfidentialClient, "sub": "alice", "jti": "2", "iat": now.Unix(), "events": event}),
	} {
		if answer := w.backChannel(token); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	if twice := w.browser().do(http.MethodPost, "/auth/v2/backchannel-logout", "Form: logout_token="+good+"&logout_token="+good); twice.StatusCode != http.StatusBadRequest {
		t.Errorf("two tokens: %d", twice.StatusCode)
	}
	if status := b.status("/page"); status != http.StatusOK {
		t.Errorf("the session has ended: %d", status)
	}
}

// twice logs a person in with two browsers and returns the first one's sid at the provider, too.
func (w *web) twice(user string) (first, second *browser, sid string) {
	w.t.Helper()
	last := ""
	w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { last, _ = claims["sid"].(string) })
	first, second = w.browser(), w.browser()
	first.logIn(user)
	sid = last
	second.logIn(user)
	return first, second, sid
}

// A logout token with a sid ends that session alone, also while its login is under way.
func TestBackChannelLogoutOfOneSession(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		first, second, one := w.twice("alice")
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"sid": one})); answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", answer.StatusCode, body(answer))
		}
		if a, b := first.status("/page"), second.status("/page"); a != 401 || b != 200 {
			t.Errorf("afterwards: %d and %d", a, b)
		}
		// The provider names the session before the callback has come to its end.
		w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) {
			if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"sid": claims["sid"]})); answer.StatusCode != http.StatusOK {
				t.Errorf("%d %s", answer.StatusCode, body(answer))
			}
		})
		third := w.browser()
		if answer, at := third.visit("/page", "alice"); answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(at, "/auth/v2/callback") {
			t.Errorf("a login that was ended: %d at %s", answer.StatusCode, at)
		}
		if status := third.status("/page"); status != 401 {
			t.Errorf("and afterwards: %d", status)
		}
	})
}

// A logout token counts at the guards of every instance from the moment when its name is in the revocation list, even if the store then
// fails to say which sessions it means; the provider is told to repeat it.
func TestBackChannelLogoutCountsByName(t *testing.T) {
	for name, claims := range map[string]func(sid string) oidctest.Claims{
		"sid": func(sid string) oidctest.Claims { return oidctest.Claims{"sid": sid, "sub": nil} },
		"sub": func(string) oidctest.Claims { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
				synctest.Test(t, func(t *testing.T) { countsByName(t, mode, claims) })
			})
		})
	}
}

func countsByName(t *testing.T, mode func(*core.Config), claims func(sid string) oidctest.Claims) {
	flawed := &flawedStore{Store: store.NewMemory()}
	w := newBubbleWeb(t, func(c *core.Config) {
		mode(c)
		c.Store = flawed
	})
	elsewhere := &web{t: t, idp: w.idp, cfg: w.cfg}
	elsewhere.serve()
	var sid string
	w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { sid, _ = claims["sid"].(string) })
	b, other := w.browser(), w.browser()
	other.logIn("bob")
	b.logIn("alice")
	there := &browser{web: elsewhere, jar: b.jar}
	if here, there := b.status("/page"), there.status("/page"); here != 200 || there != 200 {
		t.Fatalf("before: %d, and %d elsewhere", here, there)
	}
	time.Sleep(time.Second) // the end of all that a person has counts for what began before it
	token := w.idp.LogoutToken("alice", claims(sid))
	flawed.breaks(failing("SessionsOf"))
	if answer := w.backChannel(token); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the provider is not told to repeat: %d", answer.StatusCode)
	}
	if status := b.status("/page"); status != 401 {
		t.Errorf("at once: %d", status)
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
	if status := there.status("/page"); status != 401 {
		t.Errorf("elsewhere, after two seconds: %d", status)
	}
	if status := other.status("/page"); status != 200 {
		t.Errorf("somebody else: %d", status)
	}
	flawed.breaks(nil)
	if answer := w.backChannel(token); answer.StatusCode != http.StatusOK {
		t.Errorf("the repetition: %d %s", answer.StatusCode, body(answer))
	}
	_, _ = w.auth.Close(), elsewhere.auth.Close()
}

// An application ends all that a person has, lists sessions and ends one.
func TestEndSessions(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		synctest.Test(t, func(t *testing.T) { endSessions(t, newBubbleWeb(t, mode)) })
	})
}

func endSessions(t *testing.T, w *web) {
	first, second := w.browser(), w.browser()
	first.logIn("alice")
	time.Sleep(time.Second) // the list is in the order of the logins
	second.logIn("alice")
	list, err := w.auth.SessionsOf(t.Context(), w.idp.Issuer(), "alice")
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if id := strings.TrimPrefix(body(second.do(http.MethodGet, "/page", script...)), "alice "); list[0].ID != id {
		t.Errorf("the last session comes first: %s, want %s", list[0].ID, id)
	}
	if err := w.auth.EndSession(t.Context(), list[0].ID); err != nil {
		t.Error(err)
	}
	if a, b := first.status("/page"), second.status("/page"); a != 200 || b != 401 {
		t.Errorf("after one end: %d and %d", a, b)
	}
	if n, err := w.auth.EndSessions(t.Context(), w.idp.Issuer(), "alice"); n != 1 || err != nil {
		t.Errorf("%d ended, %v", n, err)
	}
	if status := first.status("/page"); status != 401 {
		t.Errorf("after all ends: %d", status)
	}
}

// A session ends without requests, and at its absolute end however busy it is; requests extend the idle end.
func TestSessionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, func(c *core.Config) {
			c.Sessions = &core.SessionConfig{IdleTimeout: time.Hour, Lifetime: 3 * time.Hour, RefreshAfter: 24 * time.Hour}
		})
		busy, idle := w.browser(), w.browser()
		busy.logIn("alice")
		idle.logIn("bob")
		for range 5 { // 2.5 hours
			time.Sleep(30 * time.Minute)
			if status := busy.status("/page"); status != 200 {
				t.Fatalf("after %s: %d", time.Since(time.Now()), status)
			}
		}
		if status := idle.status("/page"); status != 401 {
			t.Errorf("the idle session: %d", status)
		}
		time.Sleep(31 * time.Minute)
		if status := busy.status("/page"); status != 401 {
			t.Errorf("after the absolute end: %d", status)
		}
		// A script that asks with slide=false does not extend.
		still := w.browser()
		still.logIn("carol")
		for range 3 {
			time.Sleep(25 * time.Minute)
			still.status("/auth/v2/session?slide=false")
		}
		if status := still.status("/page"); status != 401 {
			t.Errorf("a session that was only looked at: %d", status)
		}
		_ = w.auth.Close()
	})
}

// Roles are as old as RefreshAfter; a refusal by the provider ends the session; while it is down the old claims count.
func TestSessionFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, func(c *core.Config) {
			c.Sessions = &core.SessionConfig{RefreshAfter: 10 * time.Minute, IdleTimeout: 48 * time.Hour}
		})
		b := w.browser()
		b.logIn("alice")
		if status := b.status("/admin"); status != 200 {
			t.Fatalf("/admin: %d", status)
		}
		calls := w.idp.Hits(oidctest.Token)
		w.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice"}})
		time.Sleep(9 * time.Minute)
		if status := b.status("/admin"); status != 200 || w.idp.Hits(oidctest.Token) != calls {
			t.Errorf("before RefreshAfter: %d, %d calls", status, w.idp.Hits(oidctest.Token)-calls)
		}
		time.Sleep(2 * time.Minute)
		if status := b.status("/admin"); status != 200 {
			t.Errorf("the request that finds it old: %d", status)
		}
		synctest.Wait()
		if status := b.status("/admin"); status != 403 || w.idp.Hits(oidctest.Token) != calls+1 {
			t.Errorf("the one after it: %d, %d calls", status, w.idp.Hits(oidctest.Token)-calls)
		}
		// The provider is down: the old claims count for a day.
		w.idp.Fault(oidctest.Token, oidctest.Reply(503, "application/json", `{}`))
		time.Sleep(11 * time.Minute)
		if status := b.status("/page"); status != 200 {
			t.Errorf("the provider is down: %d", status)
		}
		synctest.Wait()
		time.Sleep(20 * time.Hour)
		if status := b.status("/page"); status != 200 {
			t.Errorf("the provider is down for 20 hours: %d", status)
		}
		synctest.Wait()
		time.Sleep(5 * time.Hour)
		if status := b.status("/page"); status != 503 {
			t.Errorf("the provider is down for a day: %d", status)
		}
		w.idp.Heal(oidctest.Token)
		time.Sleep(2 * time.Minute)
		if status := b.status("/page"); status != 200 {
			t.Errorf("the provider is back: %d", status)
		}
		// The provider refuses: the session ends.
		w.idp.Fault(oidctest.Token, oidctest.Reply(400, "application/json", `{"error":"invalid_grant"}`))
		time.Sleep(11 * time.Minute)
		b.status("/page")
		synctest.Wait()
		if status := b.status("/page"); status != 401 {
			t.Errorf("the provider has refused: %d", status)
		}
		_ = w.auth.Close()
	})
}

// AccessToken gives handlers the provider's token and refreshes it; UntilEnded ends with the session.
func TestProviderTokenAndStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, nil)
		b := w.browser()
		b.logIn("alice")
		var token string
		var tokenErr error
		streaming := make(chan context.Context, 1)
		w.mux.Handle("/token", w.auth.Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			token, tokenErr = w.auth.AccessToken(r.Context())
		})))
		w.mux.Handle("/stream", w.auth.Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx, cancel := core.UntilEnded(context.WithoutCancel(r.Context()))
			t.Cleanup(cancel)
			streaming <- ctx
		})))
		b.status("/token")
		first := token
		if tokenErr != nil || payloadOf(t, first)["sub"] != "alice" || payloadOf(t, first)["iss"] != w.idp.Issuer() {
			t.Fatalf("%v", tokenErr)
		}
		time.Sleep(20 * time.Minute)
		b.status("/token")
		if tokenErr != nil || token == first {
			t.Errorf("the token was not refreshed: %v", tokenErr)
		}
		b.status("/stream")
		stream := <-streaming
		time.Sleep(5 * time.Second)
		if stream.Err() != nil {
			t.Error("the stream has ended too early")
		}
		if _, err := w.auth.EndSessions(t.Context(), w.idp.Issuer(), "alice"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if stream.Err() == nil {
			t.Error("the stream goes on")
		}
		_ = w.auth.Close()
	})
}
