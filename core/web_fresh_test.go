package core_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// staleWeb makes an application in a bubble whose sessions are old after ten minutes, and a browser in which alice, an administrator, is
// logged in and has just become old.
func staleWeb(t *testing.T, change func(*core.Config)) *browser {
	t.Helper()
	w := newBubbleWeb(t, func(c *core.Config) {
		c.Sessions = &core.SessionConfig{RefreshAfter: 10 * time.Minute, IdleTimeout: 48 * time.Hour}
		if change != nil {
			change(c)
		}
	})
	b := w.browser()
	b.logIn("alice")
	time.Sleep(11 * time.Minute)
	return b
}

// asks makes a request that finds the session old, and waits until the provider has been asked.
func (b *browser) asks(status int) {
	b.t.Helper()
	if got := b.status("/page"); got != status {
		b.t.Errorf("the request that finds it old: %d, want %d", got, status)
	}
	synctest.Wait()
}

// An answer at freshness that is none, or speaks of somebody else, changes nothing: the person, the roles and the session stay as they are.
func TestBadAnswersAtFreshness(t *testing.T) {
	another := func(name string, value any) func(*oidctest.Provider) {
		return func(p *oidctest.Provider) {
			p.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims[name] = value })
		}
	}
	fails := func(fault oidctest.Fault) func(*oidctest.Provider) {
		return func(p *oidctest.Provider) { p.Fault(oidctest.Token, fault) }
	}
	for what, goesWrong := range map[string]func(*oidctest.Provider){
		"another sub":        another("sub", "mallory"),
		"another iss":        another("iss", "https://evil.example"),
		"another aud":        another("aud", "other"),
		"an expired one":     another("exp", time.Now().Unix()),
		"another at_hash":    another("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"HTML":               fails(oidctest.HTML(http.StatusOK)),
		"half an answer":     fails(oidctest.Truncated()),
		"too much":           fails(oidctest.Oversized()),
		"a redirect":         fails(oidctest.Redirect(http.StatusFound)),
		"a refused call":     fails(oidctest.Refused()),
		"an answer cut off":  fails(oidctest.CutHalfway()),
		"temporarily":        fails(oidctest.ErrorCode(http.StatusBadRequest, "temporarily_unavailable")),
		"an error in itself": fails(oidctest.Status(http.StatusInternalServerError)),
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := staleWeb(t, nil)
				goesWrong(b.idp)
				before := b.idp.Hits(oidctest.Token)
				b.asks(http.StatusOK)
				if b.idp.Hits(oidctest.Token) == before {
					t.Error("the provider was not asked")
				}
				if status := b.status("/admin"); status != http.StatusOK {
					t.Errorf("afterwards at /admin: %d", status)
				}
				if text := body(b.do(http.MethodGet, "/page", script...)); len(text) < 6 || text[:6] != "alice " {
					t.Errorf("afterwards it is %s", text)
				}
				_ = b.auth.Close()
			})
		})
	}
}

// After an attempt, successful or not, the provider is left alone for a minute, however many requests come.
func TestPauseAfterFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := staleWeb(t, nil)
		b.idp.Fault(oidctest.Token, oidctest.Status(http.StatusServiceUnavailable))
		before := b.idp.Hits(oidctest.Token)
		for range 50 {
			b.asks(http.StatusOK)
			time.Sleep(time.Second)
		}
		if asked := b.idp.Hits(oidctest.Token) - before; asked != 1 {
			t.Errorf("in 50 seconds of an outage the provider was asked %d times", asked)
		}
		time.Sleep(15 * time.Second)
		b.idp.Heal()
		b.asks(http.StatusOK)
		if asked := b.idp.Hits(oidctest.Token) - before; asked != 2 {
			t.Errorf("after a minute: %d times", asked)
		}
		for range 50 {
			b.asks(http.StatusOK)
			time.Sleep(time.Second)
		}
		if asked := b.idp.Hits(oidctest.Token) - before; asked != 2 {
			t.Errorf("after the success: %d times", asked)
		}
		_ = b.auth.Close()
	})
}

// A person who closes the tab loses nothing: the refresh goes on without the request that began it, and what it brought is kept.
func TestFreshnessOutlivesTheRequest(t *testing.T) {
	for what, age := range map[string]time.Duration{"in the background": 0, "while the request waits": 25 * time.Hour} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := staleWeb(t, nil)
				time.Sleep(age)
				name, value := b.sessionCookie()
				b.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice"}}) // no administrator any more
				b.idp.Fault(oidctest.Token, oidctest.Late(2*time.Second))
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, leave)
				b.auth.Required().Admit(ctx, core.Credentials{Method: http.MethodGet, Target: "/page", Header: http.Header{"Cookie": {name + "=" + value}}})
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if status := b.status("/admin"); status != http.StatusForbidden {
					t.Errorf("what the provider said is lost: %d", status)
				}
				b.idp.Heal()
				for range 2 { // the refresh token that came is the one that is used
					time.Sleep(11 * time.Minute)
					b.asks(http.StatusOK)
				}
				if status := b.status("/page"); status != http.StatusOK {
					t.Errorf("the session was lost: %d", status)
				}
				_ = b.auth.Close()
			})
		})
	}
}

// In an outage of the provider pages go on, and a handler that needs the provider's token is told.
func TestProviderTokenInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := staleWeb(t, nil)
		var tokenErr error
		b.mux.Handle("/token", b.auth.Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, tokenErr = b.auth.AccessToken(r.Context())
		})))
		b.idp.Fault(oidctest.Token, oidctest.Refused())
		if status := b.status("/token"); status != http.StatusOK || tokenErr == nil {
			t.Errorf("%d, %v", status, tokenErr)
		} else if answer := b.auth.Answer(t.Context(), core.Credentials{}, tokenErr); answer.Status != http.StatusServiceUnavailable {
			t.Errorf("it is answered with %d", answer.Status)
		}
		b.idp.Heal()
		time.Sleep(2 * time.Minute)
		if status := b.status("/token"); status != http.StatusOK || tokenErr != nil {
			t.Errorf("afterwards: %d, %v", status, tokenErr)
		}
		_ = b.auth.Close()
	})
}

// A provider without refresh tokens gives one access token: when it has expired, a handler gets an error, and pages go on.
func TestProviderTokenWithoutRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWebOn(t, nil, oidctest.NewProvider(t, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"), oidctest.WithoutRefreshTokens()))
		var token string
		var tokenErr error
		w.mux.Handle("/token", w.auth.Required().Middleware(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			if token, tokenErr = w.auth.AccessToken(r.Context()); tokenErr != nil {
				w.auth.Answer(r.Context(), core.CredentialsOf(r), tokenErr).WriteTo(out)
			}
		})))
		b := w.browser()
		b.logIn("alice")
		if b.status("/token"); tokenErr != nil || token == "" {
			t.Errorf("the first one: %q, %v", token, tokenErr)
		}
		time.Sleep(6 * time.Minute)
		answer := b.do(http.MethodGet, "/token", script...)
		if text := body(answer); !errors.Is(tokenErr, core.ErrNoProviderToken) || token != "" || answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "login_url") {
			t.Errorf("when it has expired: %q, %v, %d %s", token, tokenErr, answer.StatusCode, text)
		}
		if status := b.status("/page"); status != http.StatusOK {
			t.Errorf("a page: %d", status)
		}
		if answer, at := b.visit("/token", "alice"); answer.StatusCode != http.StatusOK || at != "/token" || tokenErr != nil || token == "" { // by way of the login
			t.Errorf("a person ends at %s: %d, %v", at, answer.StatusCode, tokenErr)
		}
		_ = w.auth.Close()
	})
}

// An access token with a short life is refreshed when half of it is over, and not for each call.
func TestProviderTokenWithShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life := oidctest.Lifetimes{AccessToken: 20 * time.Second}
		w := newWebOn(t, nil, oidctest.NewProvider(t, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"), oidctest.WithLifetimes(life)))
		var tokenErr error
		w.mux.Handle("/token", w.auth.Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, tokenErr = w.auth.AccessToken(r.Context())
		})))
		b := w.browser()
		b.logIn("alice")
		before := w.idp.Hits(oidctest.Token)
		for range 8 {
			if status := b.status("/token"); status != http.StatusOK || tokenErr != nil {
				t.Fatalf("%d, %v", status, tokenErr)
			}
			time.Sleep(time.Second)
		}
		if asked := w.idp.Hits(oidctest.Token) - before; asked != 0 {
			t.Errorf("asked %d times in the first half of its life", asked)
		}
		time.Sleep(5 * time.Second)
		for range 5 {
			b.status("/token")
		}
		if asked := w.idp.Hits(oidctest.Token) - before; asked != 1 || tokenErr != nil {
			t.Errorf("asked %d times in the second half, %v", asked, tokenErr)
		}
		_ = w.auth.Close()
	})
}

// The time of a request is written at most every twentieth of the idle time; slide=false writes nothing.
func TestIdleEndIsWrittenSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flawed := &flawedStore{Store: store.NewMemory()}
		w := newBubbleWeb(t, func(c *core.Config) {
			c.Store, c.Sessions = flawed, &core.SessionConfig{IdleTimeout: 20 * time.Minute, RefreshAfter: 24 * time.Hour}
		})
		b := w.browser()
		b.logIn("alice")
		for range 600 { // 10 minutes
			time.Sleep(time.Second)
			b.status("/page")
		}
		synctest.Wait()
		if n := flawed.count("Touch"); n < 8 || n > 10 {
			t.Errorf("600 requests in ten minutes wrote %d times", n)
		}
		before := flawed.count("Touch")
		for range 10 {
			time.Sleep(time.Minute)
			b.status("/auth/v2/session?slide=false")
		}
		synctest.Wait()
		if n := flawed.count("Touch"); n != before {
			t.Errorf("slide=false wrote %d times", n-before)
		}
		_ = w.auth.Close()
	})
}

// A refresh token that has expired at the provider ends the session at the next freshness.
func TestExpiredRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := staleWeb(t, nil)
		b.idp.Advance(500 * 24 * time.Hour)
		b.asks(http.StatusOK)
		if status := b.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("afterwards: %d", status)
		}
		_ = b.auth.Close()
	})
}
