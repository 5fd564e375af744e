package core_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func unavailable(context.Context) (*http.Response, error) { return jsonAnswer(503, `{}`), nil }

// D-20, D-22, D-23: what a provider leaves out of its answers costs no session.
func TestBrokerRefreshOfSparseProviders(t *testing.T) {
	month := int64(30 * 24 * 3600)
	for name, c := range map[string]struct {
		options []oidctest.Option
		seconds int64 // the session's
		none    bool  // no refresh token
	}{
		"D-20 without rotation":       {[]oidctest.Option{oidctest.WithoutRotation()}, month, false},
		"D-20 without scope":          {[]oidctest.Option{oidctest.WithoutScope()}, month, false},
		"D-20 without refresh tokens": {[]oidctest.Option{oidctest.WithoutRefreshTokens()}, 3600, true},
		"D-22 refresh_expires_in 0":   {[]oidctest.Option{oidctest.WithRefreshExpiresIn(0)}, month, false},
		"D-23 refresh_expires_in 90":  {[]oidctest.Option{oidctest.WithRefreshExpiresIn(90)}, 90, false},
		"D-23 far away":               {[]oidctest.Option{oidctest.WithRefreshExpiresIn(1 << 40)}, month, false},
		"D-52 opaque":                 {[]oidctest.Option{oidctest.WithOpaqueTokens()}, month, false},
		"lower case":                  {[]oidctest.Option{oidctest.WithLowerCaseType()}, month, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, brokered(func(c *core.Config) { c.Broker.ImportKey = sharedPEM() }), c.options...)
			token := f.tokens("alice")
			for range 3 {
				left := token.RefreshExpires - time.Now().Unix()
				if left < c.seconds-10 || left > c.seconds+1 || token.Scope == "" || token.TokenType != "Bearer" {
					t.Errorf("the session lives for %d s: %+v", left, token)
				}
				if c.none {
					if token.RefreshToken != "" || token.RefreshExpires != token.Expires {
						t.Errorf("%+v", token)
					}
					return
				}
				token = flowGranted(t, f.refresh(token.RefreshToken))
			}
			caller := f.who(token.AccessToken)
			if caller.Subject() != "alice" || strings.Join(caller.Scopes(), " ") != token.Scope {
				t.Errorf("%s %v %q", caller, caller.Scopes(), token.Scope)
			}
		})
	}
}

// D-45: an outage of whatever the provider has keeps the session, and the same refresh token works afterwards.
func TestBrokerRefreshThroughOutages(t *testing.T) {
	for name, f := range map[string]fault{"hang": hang, "503": unavailable, "cut": func(context.Context) (*http.Response, error) { return nil, errors.New("cut") },
		"nonsense": func(context.Context) (*http.Response, error) { return jsonAnswer(200, `["x"]`), nil }} {
		for _, path := range []string{discoveryPath, keysPath, tokenPath, userInfoPath} {
			t.Run(name+" "+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t)
					service := b.serve()
					token := service.begun()
					time.Sleep(time.Minute)
					b.breaks(f, path)
					answer := service.refresh(token.RefreshToken)
					switch {
					case path != tokenPath: // the documents are at hand, userinfo is left out
						token = flowGranted(t, answer)
					case answer.Status != 503 && answer.Status != 502:
						t.Errorf("got %d %s", answer.Status, answer.Body)
					}
					b.breaks(nil, path)
					if next := flowGranted(t, service.refresh(token.RefreshToken)); service.status(next.AccessToken) != 200 {
						t.Error("the session is gone")
					}
				})
			})
		}
	}
}

// D-45: a provider of which each endpoint takes 7 s, and whose keys have changed, is within Timeout everywhere: its new
// refresh token is kept.
func TestBrokerRefreshOfSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		time.Sleep(time.Minute)
		b.set(func() {
			b.slow = 7 * time.Second
			b.idToken = func() string {
				return b.sign("k2", `{"alg":"EdDSA","kid":"k2","typ":"JWT"}`, toJSON(goodClaims()))
			}
		})
		late := func(body string) fault {
			return func(ctx context.Context) (*http.Response, error) {
				select {
				case <-time.After(7 * time.Second):
					return jsonAnswer(200, body), nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
		}
		b.breaks(late(toJSON(claims{"keys": []any{publicJWK("k1"), publicJWK("k2")}})), keysPath)
		b.breaks(late(`{"sub":"alice"}`), userInfoPath)
		if answer := f.refresh(token.RefreshToken); answer.Status != 503 {
			t.Errorf("got %d %s", answer.Status, answer.Body)
		}
		time.Sleep(5 * time.Second) // as Retry-After says, and within the grace
		b.set(func() { b.slow = 0 })
		flowGranted(t, f.refresh(token.RefreshToken))
	})
}

// OpenID Connect Core 12.2: another subject ends the session, an ID token that does not verify keeps it.
func TestBrokerRefreshedIDToken(t *testing.T) {
	for name, c := range map[string]struct {
		id   claims
		user claims
		ends bool
	}{
		"another sub":      {claims{"sub": "bob"}, claims{"sub": "bob"}, true},
		"two subs":         {claims{"sub": "bob"}, nil, false},
		"another issuer":   {claims{"iss": "https://evil.example"}, nil, false},
		"another audience": {claims{"aud": "other"}, nil, false},
		"expired":          {claims{"exp": 1}, nil, false},
		"none":             {nil, nil, false},
		"access token's":   {nil, claims{"sub": "bob"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				f := b.serve()
				token := f.begun()
				b.set(func() {
					b.user = c.user
					b.idToken = func() string {
						if c.id == nil {
							return ""
						}
						return b.sign("k1", `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, toJSON(goodClaims(c.id)))
					}
				})
				answer := f.refresh(token.RefreshToken)
				b.set(func() { b.user, b.idToken = nil, nil })
				if c.ends {
					flowRefused(t, name, answer, 401, "invalid_grant", sessionGone)
					flowRefused(t, "after it", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
					_ = f.auth.Close()
					if !b.wasRevoked(b.current) {
						t.Error("the provider's new refresh token lives on")
					}
					return
				}
				if c.id != nil && answer.Status != 502 {
					t.Errorf("got %d %s", answer.Status, answer.Body)
				}
				flowGranted(t, f.refresh(token.RefreshToken))
			})
		})
	}
}

// 2.3, double spend: 50 at once on two services, with a slow provider and clients that leave: one call, one successor.
func TestBrokerRefreshCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		services := []*flowService{b.serve(), b.serve()}
		token := services[0].begun()
		b.set(func() { b.slow = 3 * time.Second })
		var wg sync.WaitGroup
		answers := make([]*core.Response, 50)
		for i := range answers {
			ctx, leave := context.WithCancel(t.Context())
			if i%5 == 0 {
				time.AfterFunc(time.Second, leave)
			}
			wg.Go(func() {
				defer leave()
				answers[i] = services[i%2].routes["token"].Serve(ctx, refreshRequest(token.RefreshToken))
			})
		}
		wg.Wait()
		successors := map[string]bool{}
		for _, answer := range answers {
			if answer.Status == 200 {
				successors[flowGranted(t, answer).RefreshToken] = true
			} else if answer.Status != 503 {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
		}
		if len(successors) != 1 || b.count(tokenPath) != 2 {
			t.Errorf("%d successors, %d calls", len(successors), b.count(tokenPath))
		}
	})
}

// A Check that panics at a refresh is a 500 for that request, each time, and the session goes on at once when it no longer does.
func TestBrokerRefreshOverPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		var panics atomic.Bool
		f := b.serve(func(c *core.Config) {
			c.Require = append(c.Require, core.Check("mine", func(*core.IDToken) bool {
				if panics.Load() {
					panic("secret words")
				}
				return true
			}))
		})
		token := f.begun()
		panics.Store(true)
		for range 2 {
			if answer := f.refresh(token.RefreshToken); answer.Status != 500 || strings.Contains(string(answer.Body), "secret words") {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
		}
		panics.Store(false)
		began := time.Now()
		flowGranted(t, f.refresh(token.RefreshToken))
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func refreshRequest(token string) *core.Request {
	header := flowHeader([]string{"Content-Type: application/x-www-form-urlencoded"})
	return core.ParseRequest(http.MethodPost, "", header, strings.NewReader(url.Values{"refresh-token": {token}}.Encode()))
}

// 2.3: 20 at once while the provider fails: all are told so, few calls go out, and the token is good afterwards.
func TestBrokerRefreshCrowdFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		services := []*flowService{b.serve(), b.serve()}
		token := services[0].begun()
		b.set(func() { b.slow = time.Second })
		b.breaks(unavailable, tokenPath)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if answer := services[i%2].refresh(token.RefreshToken); answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
					t.Errorf("got %d %s", answer.Status, answer.Body)
				}
			})
		}
		wg.Wait()
		if calls := b.count(tokenPath) - 1; calls != 1 {
			t.Errorf("%d calls", calls)
		}
		b.breaks(nil, tokenPath)
		flowGranted(t, services[1].refresh(token.RefreshToken))
	})
}

// The client leaves in the middle: what the provider gave is kept for its next try.
func TestBrokerRefreshClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		b.set(func() { b.slow = 2 * time.Second })
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		f.routes["token"].Serve(ctx, refreshRequest(token.RefreshToken))
		time.Sleep(3 * time.Second)
		flowGranted(t, f.refresh(token.RefreshToken))
		for sent, times := range b.refresh {
			if times > 1 {
				t.Errorf("%.12s… was sent %d times", sent, times)
			}
		}
	})
}

// After the grace the old token ends the session, on every instance, and its access tokens with it. The grace ends to the
// moment where the token was spent; elsewhere it lasts a minute longer, since clocks differ.
func TestBrokerRefreshReuse(t *testing.T) {
	for _, grace := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t)
			service := func() *flowService {
				return b.serve(func(c *core.Config) { c.Broker.RefreshGrace = grace })
			}
			here, there := service(), service()
			first := here.begun()
			second := flowGranted(t, there.refresh(first.RefreshToken))
			length := grace
			if grace == 0 {
				length = 10 * time.Second
			}
			time.Sleep(length - 100*time.Millisecond)
			if flowGranted(t, here.refresh(first.RefreshToken)).RefreshToken != second.RefreshToken {
				t.Error("the grace gave another answer")
			}
			time.Sleep(100 * time.Millisecond)
			there.who(second.AccessToken)
			flowRefused(t, "after the grace", there.refresh(first.RefreshToken), 401, "invalid_grant", sessionGone)
			flowRefused(t, "its successor", here.refresh(second.RefreshToken), 401, "invalid_grant", sessionGone)
			time.Sleep(3 * time.Second)
			if there.status(second.AccessToken) != 401 || !b.wasRevoked(b.current) {
				t.Error("something of the session lives on")
			}
		})
	}
}
