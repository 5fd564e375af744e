package core_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A service gets a token of its own, once, with each way to authenticate.
func TestOutgoingService(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"basic": nil,
		"post":  func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_post" },
		"key": func(c *core.Config) {
			c.ClientID, c.ClientSecret, c.ClientKey = oidctest.KeyClient, "", &core.ClientKey{PEM: oidctest.ClientKey()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCaller(t, change)
			if name == "key" {
				s.idp.AddClient(oidctest.Client{ID: oidctest.KeyClient, Keys: s.published(), Targets: serviceClient().Targets})
			}
			as := core.AsService(orders).Resource(orders+"/v1").Scopes("read write", "list")
			first := s.must(t.Context(), as)
			if again := s.must(t.Context(), as); again != first || s.idp.Hits(oidctest.Token) != 1 {
				t.Errorf("%d fetches for two calls", s.idp.Hits(oidctest.Token))
			}
			form, said := s.idp.Last(oidctest.Token).Form, payloadOf(t, first)
			if form.Get("grant_type") != "client_credentials" || form.Get("audience") != orders || form.Get("resource") != orders+"/v1" || form.Get("scope") != "read write list" {
				t.Errorf("asked with %v", form)
			}
			if said["scope"] != "read write list" || said["sub"] != said["client_id"] {
				t.Errorf("got %v", said)
			}
			s.must(t.Context(), core.AsService(orders))
			s.must(t.Context(), core.AsService("stock").To(orders))
			if n := s.idp.Hits(oidctest.Token); n != 3 {
				t.Errorf("%d fetches for three kinds of tokens", n)
			}
		})
	}
}

// A caller with a bearer token: it is exchanged, unless it is for the service already.
func TestOutgoingCaller(t *testing.T) {
	s := newCaller(t, nil)
	alice, bob := s.as(s.idp.AccessToken("alice")), s.as(s.idp.AccessToken("bob"))
	first := s.must(alice, core.AsCaller(orders))
	if said := payloadOf(t, first); said["sub"] != "alice" || said["aud"] != orders || said["act"].(map[string]any)["sub"] != "app" {
		t.Errorf("got %v", said)
	}
	if other := payloadOf(t, s.must(bob, core.AsCaller(orders))); other["sub"] != "bob" {
		t.Errorf("bob calls as %v", other["sub"])
	}
	if s.must(alice, core.AsCaller(orders)) != first || s.idp.Hits(oidctest.Token) != 2 {
		t.Errorf("%d exchanges", s.idp.Hits(oidctest.Token))
	}
	both := s.idp.AccessToken("alice", oidctest.Claims{"aud": []string{"app", orders}})
	if s.must(s.as(both), core.AsCaller(orders)) != both || s.idp.Hits(oidctest.Token) != 2 {
		t.Error("a token for the service is exchanged")
	}
	if s.must(s.as(both), core.AsCaller(orders).Scopes("email")) != both {
		t.Error("a token with the scope is exchanged")
	}
	if s.must(s.as(s.idp.AccessToken("alice", oidctest.Claims{"aud": []string{"app", orders}, "scope": "openid other"})), core.AsCaller(orders).Scopes("other")) == both {
		t.Error("the token of another scope")
	}
	for name, ctx := range map[string]context.Context{
		"nobody": t.Context(), "guest": s.auth.Optional().Admit(t.Context(), core.Credentials{}).Context(t.Context()),
		"made": core.WithIDToken(t.Context(), oidctest.IDToken(oidctest.Claims{"sub": "alice"})),
	} {
		if _, _, err := s.get(ctx, core.AsCaller(orders), orders); !errors.Is(err, core.ErrNoProviderToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A browser session, and a token of this service, call with the provider's token of the session; not after its end.
func TestOutgoingSession(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		w.idp.AddClient(serviceClient())
		target := &recordedTarget{}
		var ctx context.Context
		w.mux.Handle("/call", w.auth.Required().Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx = context.WithoutCancel(r.Context())
		})))
		b := w.browser()
		b.logIn("alice")
		b.do(http.MethodGet, "/call", navigation...)
		source := w.auth.TokenSource(ctx, core.AsCaller(orders))
		token, err := source.Token()
		if err != nil || token.TokenType != "Bearer" || time.Until(token.Expiry) < time.Minute {
			t.Fatalf("%v: %v", token, err)
		}
		if said := payloadOf(t, token.AccessToken); said["sub"] != "alice" || said["aud"] != orders {
			t.Errorf("got %v", said)
		}
		if err := w.auth.EndSession(t.Context(), core.SessionFrom(ctx).ID()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.auth.Client(ctx, core.AsCaller(orders).Via(target)).Get(orders); !errors.Is(err, core.ErrNoProviderToken) || target.count() != 0 {
			t.Errorf("after the end of the session: %v", err)
		}
	})
}

// With several providers a caller's token is exchanged at the caller's own, and a service names one.
func TestOutgoingProviders(t *testing.T) {
	f, other := newFlows(t, nil)
	for _, idp := range []*oidctest.Provider{f.idp, other} {
		idp.AddClient(serviceClient())
	}
	source := func(ctx context.Context, as core.As) string {
		t.Helper()
		token, err := f.auth.TokenSource(ctx, as).Token()
		if err != nil {
			t.Fatal(err)
		}
		from, _ := payloadOf(t, token.AccessToken)["iss"].(string)
		return from
	}
	for _, idp := range []*oidctest.Provider{f.idp, other} {
		decision := f.auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("alice")}}})
		if got := source(decision.Context(t.Context()), core.AsCaller(orders)); got != idp.Issuer() {
			t.Errorf("a caller of %s gets a token of %s", idp.Issuer(), got)
		}
	}
	if main, named := source(t.Context(), core.AsService(orders)), source(t.Context(), core.AsService(orders).At(second)); main != f.idp.Issuer() || named != other.Issuer() {
		t.Errorf("tokens of %s and %s", main, named)
	}
}

// A token is replaced 30 seconds before its end. While the provider is down the old one serves until its end, and no longer.
func TestOutgoingTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil, lives(5*time.Minute))
		as := core.AsService(orders)
		first := s.must(t.Context(), as)
		time.Sleep(4*time.Minute + 29*time.Second)
		if s.must(t.Context(), as) != first {
			t.Error("replaced too early")
		}
		time.Sleep(2 * time.Second)
		next := s.must(t.Context(), as)
		if next == first || s.idp.Hits(oidctest.Token) != 2 {
			t.Error("not replaced before its end")
		}
		time.Sleep(4*time.Minute + 45*time.Second)
		s.idp.Fault(oidctest.Token, oidctest.Status(http.StatusServiceUnavailable))
		if s.must(t.Context(), as) != next {
			t.Error("another token while the provider is down")
		}
		time.Sleep(15 * time.Second)
		if _, _, err := s.get(t.Context(), as, orders); s.answered(err).Status != http.StatusServiceUnavailable {
			t.Errorf("past its end: %v", err)
		}
		s.idp.Heal()
		s.must(t.Context(), as)
	})
}

// The lifetime of a token is the shorter one of expires_in and of the times in the token; without both, it serves once.
func TestOutgoingLifetimes(t *testing.T) {
	for name, c := range map[string]struct {
		answer, token oidctest.Claims
		opaque        bool
		good          time.Duration // 0: once
	}{
		"expires_in is shorter": {answer: oidctest.Claims{"expires_in": 20}, good: 9 * time.Second},
		"the token is shorter":  {answer: oidctest.Claims{"expires_in": 86400 * 365}, good: 4 * time.Minute},
		"text":                  {answer: oidctest.Claims{"expires_in": "20"}, good: 9 * time.Second},
		"no expires_in":         {answer: oidctest.Claims{"expires_in": nil}, good: 4 * time.Minute},
		"the provider's clock":  {token: oidctest.Claims{"iat": time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), "exp": time.Date(1999, 1, 1, 0, 1, 0, 0, time.UTC).Unix()}, good: 29 * time.Second},
		"opaque, without":       {answer: oidctest.Claims{"expires_in": nil}, opaque: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options := []oidctest.Option{lives(5 * time.Minute)}
				if c.opaque {
					options = append(options, oidctest.WithOpaqueTokens())
				}
				s := newCaller(t, nil, options...)
				s.idp.Tamper(oidctest.TokenAnswers, overwrite(c.answer))
				s.idp.Tamper(oidctest.AccessTokens, overwrite(c.token))
				as := core.AsService(orders)
				first := s.must(t.Context(), as)
				time.Sleep(c.good)
				if kept := s.must(t.Context(), as) == first; kept != (c.good > 0) {
					t.Errorf("after %s it is kept: %v", c.good, kept)
				}
				time.Sleep(2*c.good + 40*time.Second)
				if s.must(t.Context(), as) == first {
					t.Error("it is kept past its end")
				}
			})
		})
	}
}

func overwrite(with oidctest.Claims) func(oidctest.Claims) {
	return func(all oidctest.Claims) {
		for name, value := range with {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
	}
}

// A hundred callers cause one fetch. One that goes away does not take the token from the others.
func TestOutgoingOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil)
		s.idp.Fault(oidctest.Token, oidctest.Slow(3*time.Second))
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone := make(chan error, 1)
		go func() {
			_, err := s.auth.TokenSource(impatient, core.AsService(orders)).Token()
			gone <- err
		}()
		synctest.Wait()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := s.auth.TokenSource(t.Context(), core.AsService(orders)).Token(); err != nil {
					t.Error(err)
				}
			})
		}
		begin := time.Now()
		if err := <-gone; s.answered(err).Status != http.StatusServiceUnavailable || time.Since(begin) != time.Second {
			t.Errorf("the impatient one waits %s: %v", time.Since(begin), err)
		}
		all.Wait()
		if n := s.idp.Hits(oidctest.Token); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// Refusals and outages of the provider, and unusable answers: 502 and 503, without its words and without a token.
func TestOutgoingFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  oidctest.Fault
		tamper oidctest.Claims
		caller int // status for AsCaller; 0: ErrNoProviderToken
		own    int // status for AsService
	}{
		"invalid_target":      {fault: oidctest.ErrorCode(400, "invalid_target"), caller: 502, own: 502},
		"invalid_client":      {fault: oidctest.ErrorCode(401, "invalid_client"), caller: 502, own: 502},
		"invalid_request":     {fault: oidctest.ErrorCode(400, "invalid_request"), caller: 502, own: 502},
		"access_denied":       {fault: oidctest.ErrorCode(403, "access_denied"), caller: 502, own: 502},
		"slow_down":           {fault: oidctest.ErrorCode(400, "slow_down"), caller: 502, own: 502},
		"its own word":        {fault: oidctest.ErrorCode(400, "upstream-secret"), caller: 502, own: 502},
		"invalid_grant":       {fault: oidctest.ErrorCode(400, "invalid_grant"), own: 502},
		"429":                 {fault: oidctest.Status(429), caller: 503, own: 503},
		"500":                 {fault: oidctest.Status(500), caller: 503, own: 503},
		"refused":             {fault: oidctest.Refused(), caller: 503, own: 503},
		"cut":                 {fault: oidctest.CutHalfway(), caller: 503, own: 503},
		"hang":                {fault: oidctest.Hang(), caller: 503, own: 503},
		"drip":                {fault: oidctest.Drip(time.Second), caller: 503, own: 503},
		"html":                {fault: oidctest.HTML(200), caller: 502, own: 502},
		"truncated":           {fault: oidctest.Truncated(), caller: 502, own: 502},
		"oversized":           {fault: oidctest.Oversized(), caller: 502, own: 502},
		"redirect":            {fault: oidctest.Redirect(307), caller: 502, own: 502},
		"empty":               {fault: oidctest.Reply(200, "application/json", "{}"), caller: 502, own: 502},
		"DPoP":                {tamper: oidctest.Claims{"token_type": "DPoP"}, caller: 502, own: 502},
		"N_A":                 {tamper: oidctest.Claims{"token_type": "N_A"}, caller: 502, own: 502},
		"an ID token":         {tamper: oidctest.Claims{"issued_token_type": "urn:ietf:params:oauth:token-type:id_token"}, caller: 502, own: 502},
		"a list":              {tamper: oidctest.Claims{"issued_token_type": []string{"x"}}, caller: 502, own: 502},
		"a header":            {tamper: oidctest.Claims{"access_token": "upstream-secret\r\nX-Evil: 1"}, caller: 502, own: 502},
		"a space":             {tamper: oidctest.Claims{"access_token": "upstream-secret x"}, caller: 502, own: 502},
		"too long":            {tamper: oidctest.Claims{"access_token": "upstream-secret" + strings.Repeat("x", 20<<10)}, caller: 502, own: 502},
		"negative expires_in": {tamper: oidctest.Claims{"expires_in": -1}, caller: 502, own: 502},
		"expires_in a list":   {tamper: oidctest.Claims{"expires_in": []int{1}}, caller: 502, own: 502},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCaller(t, nil)
				token := s.idp.AccessToken("alice")
				alice := s.as(token)
				if c.tamper == nil {
					s.idp.Fault(oidctest.Token, c.fault)
				}
				s.idp.Tamper(oidctest.TokenAnswers, overwrite(c.tamper))
				for want, call := range map[*int]func() error{
					&c.caller: func() error { _, _, err := s.get(alice, core.AsCaller(orders), orders); return err },
					&c.own:    func() error { _, _, err := s.get(t.Context(), core.AsService(orders), orders); return err },
				} {
					begin, err := time.Now(), call()
					if spent := time.Since(begin); spent > 12*time.Second {
						t.Errorf("it takes %s", spent)
					}
					answer := s.answered(err)
					if *want == 0 {
						if !errors.Is(err, core.ErrNoProviderToken) {
							t.Errorf("%v", err)
						}
					} else if answer.Status != *want {
						t.Errorf("%d, want %d: %v", answer.Status, *want, err)
					}
					for _, secret := range []string{token, "upstream-secret", oidctest.ClientSecret} {
						if strings.Contains(err.Error()+string(answer.Body)+s.logs.String(), secret) {
							t.Errorf("%.20s is shown", secret)
						}
					}
				}
				if s.target.count() != 0 {
					t.Error("a request was sent")
				}
			})
		})
	}
}

// A provider without its documents, a public client, a closed service, a transport that panics.
func TestOutgoingUnable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil)
		s.idp.Fault(oidctest.Discovery, oidctest.Status(500))
		if _, _, err := s.get(t.Context(), core.AsService(orders), orders); s.answered(err).Status != http.StatusServiceUnavailable {
			t.Errorf("no documents: %v", err)
		}
		s = newCaller(t, func(c *core.Config) { c.ClientID, c.ClientSecret = oidctest.PublicClient, "" })
		if _, _, err := s.get(t.Context(), core.AsService(orders), orders); err == nil || !strings.Contains(err.Error(), "Config.ClientSecret or Config.ClientKey") {
			t.Errorf("a public client: %v", err)
		}
		s = newCaller(t, func(c *core.Config) { c.HTTPClient = &http.Client{Transport: panics{}} })
		if _, _, err := s.get(t.Context(), core.AsService(orders), orders); err == nil {
			t.Error("a transport that panics")
		}
		s = newCaller(t, nil)
		client := s.auth.Client(t.Context(), core.AsService(orders).Via(s.target))
		_ = s.auth.Close()
		if _, _, err := s.do(client, http.MethodGet, orders, nil); s.answered(err).Status != http.StatusServiceUnavailable {
			t.Errorf("closed: %v", err)
		}
	})
}

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("upstream-secret") }

// The context of the caller ends the wait, and so does that of the request.
func TestOutgoingContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil)
		s.idp.Fault(oidctest.Token, oidctest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, _, err := s.get(ctx, core.AsService(orders), orders); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if _, _, err := s.get(ctx, core.AsService(orders), orders); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		client := s.auth.Client(t.Context(), core.AsService(orders).Via(s.target))
		client.Timeout = time.Second
		begin = time.Now()
		if _, _, err := s.do(client, http.MethodGet, orders, nil); err == nil || time.Since(begin) != time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
	})
}

// A 401 of the service drops the token, and a GET is sent once more; nothing else is, and a target that refuses all causes few fetches.
func TestOutgoingRefusedByTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil)
		client := s.auth.Client(t.Context(), core.AsService(orders).Via(s.target))
		first := s.must(t.Context(), core.AsService(orders))
		time.Sleep(time.Minute)
		refused := map[string]bool{first: true}
		s.target.answer = func(r *http.Request) *http.Response {
			if refused[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
				return reply(r, http.StatusUnauthorized, "")
			}
			return reply(r, http.StatusOK, "")
		}
		if status, token, err := s.do(client, http.MethodGet, orders, nil); status != http.StatusOK || token == first || err != nil {
			t.Errorf("GET: %d %v", status, err)
		}
		second := s.target.last()
		refused[second] = true
		time.Sleep(time.Minute)
		before := s.target.count()
		if status, _, _ := s.do(client, http.MethodPost, orders, strings.NewReader("x")); status != http.StatusUnauthorized || s.target.count() != before+1 {
			t.Errorf("POST: %d after %d requests", status, s.target.count()-before)
		}
		if status, token, _ := s.do(client, http.MethodPost, orders, strings.NewReader("x")); status != http.StatusOK || token == second {
			t.Errorf("the next POST: %d", status)
		}
		s.target.answer = func(r *http.Request) *http.Response { return reply(r, http.StatusUnauthorized, "") }
		time.Sleep(time.Minute)
		hits := s.idp.Hits(oidctest.Token)
		for range 50 {
			_, _, _ = s.do(client, http.MethodGet, orders, nil)
		}
		if n := s.idp.Hits(oidctest.Token) - hits; n != 1 {
			t.Errorf("%d fetches for a target that refuses everything", n)
		}
		// The caller's own token is the caller's: there is no other.
		both := s.idp.AccessToken("alice", oidctest.Claims{"aud": []string{"app", orders}})
		if status, token, _ := s.get(s.as(both), core.AsCaller(orders), orders); status != http.StatusUnauthorized || token != both {
			t.Errorf("own token: %d", status)
		}
	})
}

// An access token that has ended in the meantime is not sent, and an exchanged one goes with the caller.
func TestOutgoingExpiredCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCaller(t, nil, lives(time.Minute))
		for _, audience := range [][]string{{"app"}, {"app", orders}} {
			ctx := s.as(s.idp.AccessToken("alice", oidctest.Claims{"aud": audience}))
			s.must(ctx, core.AsCaller(orders))
			time.Sleep(2 * time.Minute)
			if _, _, err := s.get(ctx, core.AsCaller(orders), orders); !errors.Is(err, core.ErrNoProviderToken) {
				t.Errorf("%v", err)
			}
		}
	})
}
