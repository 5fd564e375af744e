package core_test

import (
	"context"
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
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// The life of a session: each refresh token is spent once, the one before gets the same answer for a moment, an older one
// ends the session.
func TestBrokerRefreshes(t *testing.T) {
	f := newFlow(t, brokered())
	first := f.tokens("alice")
	second := flowGranted(t, f.refresh(first.RefreshToken))
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("nothing is new")
	}
	if again := flowGranted(t, f.refresh(first.RefreshToken)); again.RefreshToken != second.RefreshToken || again.AccessToken != second.AccessToken {
		t.Error("the grace gave another answer")
	}
	_, one := unpack(t, first.AccessToken)
	_, two := unpack(t, second.AccessToken)
	if one["sid"] != two["sid"] || one["jti"] == two["jti"] {
		t.Errorf("sid %v and %v, jti %v and %v", one["sid"], two["sid"], one["jti"], two["jti"])
	}
	third := flowGranted(t, f.refresh(second.RefreshToken))
	flowRefused(t, "an old token", f.refresh(first.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	flowRefused(t, "the family after reuse", f.refresh(third.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	_ = f.auth.Close() // what goes on in the background comes to its end
	if hits := f.idp.Hits(oidctest.Revocation); hits != 1 {
		t.Errorf("the provider's token was revoked %d times", hits)
	}
}

// 50 at once on three instances: one refresh at the provider, one answer.
func TestBrokerRefreshesOnce(t *testing.T) {
	db := store.NewMemory()
	shared := brokered(func(c *core.Config) { c.Store = db })
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	services := []*flowService{flowOver(t, idp, shared), flowOver(t, idp, shared), flowOver(t, idp, shared)}
	services[0].idp = idp
	token := services[0].tokens("alice")
	before := idp.Hits(oidctest.Token)
	var wg sync.WaitGroup
	answers := make([]*core.Response, 50)
	for i := range answers {
		wg.Go(func() { answers[i] = services[i%3].refresh(token.RefreshToken) })
	}
	wg.Wait()
	for _, answer := range answers {
		if got := flowGranted(t, answer); got.RefreshToken != flowGranted(t, answers[0]).RefreshToken {
			t.Error("two successors")
		}
	}
	if hits := idp.Hits(oidctest.Token) - before; hits != 1 {
		t.Errorf("the provider was asked %d times", hits)
	}
}

// What fails at the provider loses nothing; its final refusal ends the session.
func TestBrokerRefreshFails(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	f.idp.Fault(oidctest.Token, oidctest.Status(503))
	if answer := f.refresh(token.RefreshToken); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	f.idp.Heal(oidctest.Token)
	token = flowGranted(t, f.refresh(token.RefreshToken))
	f.idp.Fault(oidctest.Token, oidctest.ErrorCode(400, "invalid_grant"))
	flowRefused(t, "a refusal for good", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
	f.idp.Heal(oidctest.Token)
	flowRefused(t, "after it", f.refresh(token.RefreshToken), http.StatusUnauthorized, "invalid_grant", sessionGone)
}

var unavailable = oidctest.Reply(http.StatusServiceUnavailable, "application/json", `{}`)

// An outage of whatever the provider has keeps the session, and the same refresh token works afterwards.
func TestBrokerRefreshThroughOutages(t *testing.T) {
	for name, f := range map[string]fault{"hang": hang, "503": unavailable, "refused": refuse, "nonsense": document(`["x"]`)} {
		for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS, oidctest.Token, oidctest.UserInfo} {
			t.Run(name+" "+string(endpoint), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(t)
					service := b.serve()
					token := service.begun()
					time.Sleep(time.Minute)
					b.Fault(endpoint, f)
					answer := service.refresh(token.RefreshToken)
					switch {
					case endpoint != oidctest.Token: // the documents are at hand, userinfo is left out
						token = flowGranted(t, answer)
					case answer.Status != 503 && answer.Status != 502:
						t.Errorf("got %d %s", answer.Status, answer.Body)
					}
					b.Heal(endpoint)
					if next := flowGranted(t, service.refresh(token.RefreshToken)); service.status(next.AccessToken) != 200 {
						t.Error("the session is gone")
					}
				})
			})
		}
	}
}

// A provider of which each endpoint takes 7 s, and whose keys have changed, is within Timeout everywhere: its new
// refresh token is kept.
func TestBrokerRefreshOfSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		time.Sleep(time.Minute)
		b.setKids("k1", "k2")
		b.breaks(oidctest.Slow(7*time.Second), oidctest.Token, oidctest.JWKS, oidctest.UserInfo)
		b.set(func() {
			b.idToken = func() string {
				return b.sign("k2", `{"alg":"EdDSA","kid":"k2","typ":"JWT"}`, toJSON(goodClaims()))
			}
		})
		if answer := f.refresh(token.RefreshToken); answer.Status != 503 {
			t.Errorf("got %d %s", answer.Status, answer.Body)
		}
		time.Sleep(5 * time.Second) // as Retry-After says, and within the grace
		b.Heal(oidctest.Token)
		flowGranted(t, f.refresh(token.RefreshToken))
	})
}

// 50 at once on two services, with a slow provider and clients that leave: one call, one successor.
func TestBrokerRefreshCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		services := []*flowService{b.serve(), b.serve()}
		token := services[0].begun()
		b.Fault(oidctest.Token, oidctest.Slow(3*time.Second))
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
		if len(successors) != 1 || b.Hits(oidctest.Token) != 2 {
			t.Errorf("%d successors, %d calls", len(successors), b.Hits(oidctest.Token))
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
	return core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(url.Values{"refresh-token": {token}}.Encode()))
}

// 20 at once while the provider fails: all are told so, few calls go out, and the token is good afterwards.
func TestBrokerRefreshCrowdFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		services := []*flowService{b.serve(), b.serve()}
		token := services[0].begun()
		b.Fault(oidctest.Token, oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second) // of the bubble
			http.Error(w, `{}`, http.StatusServiceUnavailable)
		}))
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if answer := services[i%2].refresh(token.RefreshToken); answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
					t.Errorf("got %d %s", answer.Status, answer.Body)
				}
			})
		}
		wg.Wait()
		if calls := b.Hits(oidctest.Token) - 1; calls != 1 {
			t.Errorf("%d calls", calls)
		}
		b.Heal(oidctest.Token)
		flowGranted(t, services[1].refresh(token.RefreshToken))
	})
}

// The client leaves in the middle: what the provider gave is kept for its next try.
func TestBrokerRefreshClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		b.Fault(oidctest.Token, oidctest.Slow(2*time.Second))
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		f.routes["token"].Serve(ctx, refreshRequest(token.RefreshToken))
		time.Sleep(3 * time.Second)
		flowGranted(t, f.refresh(token.RefreshToken))
		if sent := b.sentTwice(); sent != "" {
			t.Errorf("%.12s… was sent twice", sent)
		}
	})
}

// After the grace the old token ends the session, on every instance, and its access tokens with it.
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
