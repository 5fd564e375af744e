package core_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A device's token lives no longer than any other, and its session is refreshed and ended like any other.
func TestBrokerDevice(t *testing.T) {
	f := newFlow(t, brokered())
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
	f := newFlow(t, brokered(func(c *core.Config) {
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

// A session belongs to the issuer that it began with: another one is not asked for it.
func TestBrokerSessionOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		token := b.serve().begun()
		calls := b.Hits(oidctest.Token)
		b.change(func() { b.metadata = claims{"issuer": issuer + "/"} })
		f := b.serve()
		flowRefused(t, "another issuer", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if b.Hits(oidctest.Token) != calls {
			t.Error("the refresh token was sent to another issuer")
		}
	})
}

// A session that nobody refreshed ends at SessionTTL.
func TestBrokerSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Broker.SessionTTL = time.Hour })
		token := f.begun()
		time.Sleep(50 * time.Minute)
		token = flowGranted(t, f.refresh(token.RefreshToken))
		time.Sleep(time.Hour)
		flowRefused(t, "expired", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
	})
}

// A session ends at SessionMax, however often it is refreshed, and its client is told so.
func TestBrokerSessionMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Broker.SessionTTL, c.Broker.SessionMax = time.Hour, 10*time.Hour })
		began := time.Now()
		token := f.begun()
		for time.Since(began) < 10*time.Hour-time.Minute {
			if end := time.Unix(token.RefreshExpires, 0); end.After(began.Add(10 * time.Hour)) {
				t.Fatalf("after %s the session is said to end after %s", time.Since(began), end.Sub(began))
			}
			token = flowGranted(t, f.refresh(token.RefreshToken))
			time.Sleep(50 * time.Minute)
		}
		flowRefused(t, "at its end", f.refresh(token.RefreshToken), 401, "invalid_grant", sessionGone)
		if end := time.Unix(token.RefreshExpires, 0); !end.Equal(began.Add(10 * time.Hour)) {
			t.Errorf("the last answer says that it ends after %s", end.Sub(began))
		}
	})
}

// No session is lost: other SecretKeys or another client destroy nothing; the old key listed second opens.
func TestBrokerRefreshUnderOtherKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		old := b.config().SecretKeys[0]
		other := "another key of these tests, 32 bytes or more"
		for name, change := range map[string]func(*core.Config){
			"other keys":     func(c *core.Config) { c.SecretKeys = []string{other} },
			"another client": func(c *core.Config) { c.ClientID = "another" },
			"another issuer": func(c *core.Config) { c.PublicURL = "https://other.example/api" },
		} {
			g := b.serve(change)
			for what, answer := range map[string]*core.Response{"refresh": g.refresh(token.RefreshToken), "jwks": g.get("jwks", nil), "login": g.begin()} {
				if answer.Status != 503 {
					t.Errorf("%s: %s: %d %s", name, what, answer.Status, answer.Body)
				}
			}
			if err := g.auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "SecretKeys") {
				t.Errorf("%s: Ready: %v", name, err)
			}
			if err := g.auth.RotateKey(t.Context()); err == nil {
				t.Errorf("%s: RotateKey made a key", name)
			}
		}
		keys, err := b.store.Store.Keys(t.Context())
		if err != nil || len(keys) != 1 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		both := b.serve(func(c *core.Config) { c.SecretKeys = []string{other, old} })
		next := flowGranted(t, both.refresh(token.RefreshToken))
		flowRefused503(t, f.refresh(next.RefreshToken)) // it is sealed with the new key now
		flowGranted(t, both.refresh(next.RefreshToken))
	})
}

func flowRefused503(t testing.TB, answer *core.Response) {
	t.Helper()
	if answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
}

// A lease of an instance that crashed runs out; another one goes on then, and not before.
func TestBrokerLeaseRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve()
		token := f.begun()
		_, payload := unpack(t, token.AccessToken)
		row, err := b.store.Store.Session(t.Context(), payload["sid"].(string), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		row.Lease = time.Now().Add(20 * time.Second).UTC().Truncate(time.Millisecond)
		if err := b.store.Store.Swap(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		flowRefused503(t, f.refresh(token.RefreshToken))
		if b.Hits(oidctest.Token) != 1 {
			t.Error("the lease was ignored")
		}
		time.Sleep(9 * time.Second)
		flowRefused503(t, f.refresh(token.RefreshToken)) // by the clock of an instance that is ahead it has run out
		time.Sleep(time.Minute - 12*time.Second)
		flowGranted(t, f.refresh(token.RefreshToken))
	})
}

// What the store keeps is bounded and sealed: no token stands in a row.
func TestBrokerRowsHoldTheContract(t *testing.T) {
	for name, sub := range map[string]string{"short": "alice", "long": strings.Repeat("s", 4090)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				var rows []store.Session
				b.store.Store = &spyStore{Store: b.store.Store, see: func(s store.Session) { rows = append(rows, s) }}
				b.user = claims{"sub": sub, "preferred_username": "alice"}
				f := b.serve()
				token := f.begun()
				held := b.current
				token = flowGranted(t, f.refresh(token.RefreshToken))
				for _, row := range rows {
					text := string(row.Data) + string(row.Answer) + row.ID + string(row.Current) + string(row.Last)
					if len(row.Subject) > 4096 || len(row.ID) != 43 {
						t.Errorf("Subject has %d bytes, ID %d", len(row.Subject), len(row.ID))
					}
					if strings.Contains(text, held) || strings.Contains(text, token.RefreshToken) || strings.Contains(text, "alice@") {
						t.Error("a secret in clear text")
					}
				}
			})
		})
	}
}

// spyStore shows the sessions that are written.
type spyStore struct {
	store.Store
	see func(store.Session)
}

func (s *spyStore) PutSession(ctx context.Context, session store.Session) error {
	s.see(session)
	return s.Store.PutSession(ctx, session)
}

func (s *spyStore) Swap(ctx context.Context, session store.Session) error {
	s.see(session)
	return s.Store.Swap(ctx, session)
}
