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
	"github.com/go-oidc-auth/oidcauth/core/store"
)

func opaque(c *core.Config) { c.Tokens = core.Opaque }

// A token from a login is a caller, with each way in which a client authenticates.
func TestIntrospectionAfterLogin(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"secret": opaque,
		"key":    func(c *core.Config) { withKey(c); opaque(c); c.Audience = []string{core.IssuedToUs} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, change, oidctest.WithOpaqueTokens())
			token := f.tokens("alice").AccessToken
			if strings.Contains(token, ".") {
				t.Fatal("not opaque")
			}
			if caller := f.who(token); caller.Subject() != "alice" || caller.Raw() != token {
				t.Errorf("%s", caller)
			}
		})
	}
}

// A refresh token is active at the provider, and no access token.
func TestIntrospectionOfRefreshToken(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { opaque(c); c.Audience = []string{core.IssuedToUs} }, oidctest.WithOpaqueTokens())
	if _, err := f.admit(f.tokens("alice").RefreshToken); !errors.Is(err, core.ErrTokenKind) {
		t.Errorf("%v", err)
	}
}

// After a logout the token is asked about again, although it is cached.
func TestLogoutForgetsIntrospection(t *testing.T) {
	f := newFlow(t, opaque, oidctest.WithOpaqueTokens())
	token, other := f.tokens("alice").AccessToken, f.tokens("bob").AccessToken
	f.who(token)
	f.who(other)
	f.leave(token)
	if _, err := f.admit(token); !errors.Is(err, core.ErrInactive) {
		t.Errorf("%v", err)
	}
	f.who(other)
	if got := f.idp.Hits(oidctest.Introspection); got != 3 {
		t.Errorf("asked %d times, want 3", got)
	}
}

// A back-channel logout makes the tokens of that session, or of that person, be asked about again.
func TestBackChannelLogoutForgetsIntrospection(t *testing.T) {
	for name, logout := range map[string]oidctest.Claims{"by sid": {"sid": "s1"}, "by sub": {"sid": nil}} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t, opaque, oidctest.WithOpaqueTokens())
			w.idp.Tamper(oidctest.IntrospectionAnswers, func(answer oidctest.Claims) {
				if answer["sub"] == "alice" {
					answer["sid"] = "s1"
				}
			})
			alice, bob := w.idp.AccessToken("alice"), w.idp.AccessToken("bob")
			guard := w.auth.Required()
			mustAdmit(t, guard, alice)
			mustAdmit(t, guard, bob)
			w.idp.Fault(oidctest.Introspection, oidctest.Reply(http.StatusOK, "application/json", `{"active":false}`))
			mustAdmit(t, guard, alice) // cached
			if answer := w.backChannel(w.idp.LogoutToken("alice", logout)); answer.StatusCode != http.StatusOK {
				t.Fatalf("%d", answer.StatusCode)
			}
			if _, err := admit(t, guard, alice); !errors.Is(err, core.ErrInactive) {
				t.Errorf("%v", err)
			}
			mustAdmit(t, guard, bob)
		})
	}
}

// lateStore is the store of an instance whose clock is behind.
type lateStore struct{ store.Store }

func (s lateStore) Revoke(ctx context.Context, id string, version int64, at, until time.Time) error {
	return s.Store.Revoke(ctx, id, version, at.Add(-50*time.Second), until)
}

// A back-channel logout that another instance got makes this one ask again, as soon as it has read the revocation list.
func TestBackChannelLogoutElsewhereForgetsIntrospection(t *testing.T) {
	for name, logout := range map[string]oidctest.Claims{"by sid": {"sid": "s1"}, "by sub": {"sid": nil}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := store.NewMemory()
				w := newBubbleWeb(t, func(c *core.Config) { opaque(c); c.Store = lateStore{memory} }, oidctest.WithOpaqueTokens())
				second := &web{t: t, idp: w.idp, cfg: w.cfg}
				second.cfg.Store = memory
				second.serve()
				w.idp.Tamper(oidctest.IntrospectionAnswers, func(answer oidctest.Claims) {
					if answer["sub"] == "alice" {
						answer["sid"] = "s1"
					}
				})
				guard, alice, bob := second.auth.Required(), w.idp.AccessToken("alice"), w.idp.AccessToken("bob")
				mustAdmit(t, guard, alice)
				mustAdmit(t, guard, bob)
				w.idp.Fault(oidctest.Introspection, oidctest.Reply(http.StatusOK, "application/json", `{"active":false}`))
				if answer := w.backChannel(w.idp.LogoutToken("alice", logout)); answer.StatusCode != http.StatusOK {
					t.Fatalf("%d", answer.StatusCode)
				}
				time.Sleep(3 * time.Second) // the list is read every two
				if _, err := admit(t, guard, alice); !errors.Is(err, core.ErrInactive) {
					t.Errorf("%v", err)
				}
				mustAdmit(t, guard, bob)
			})
		})
	}
}

// After a logout that another instance got, an opaque token is exchanged for nothing here.
func TestExchangeOfOpaqueTokenAfterLogoutElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, func(c *core.Config) { opaque(c); c.Broker = &core.BrokerConfig{SigningAlgorithm: "EdDSA"} }, oidctest.WithOpaqueTokens())
		second := &web{t: t, idp: w.idp, cfg: w.cfg}
		second.serve()
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {w.idp.AccessToken("alice")}}
		exchange := func() int {
			return second.browser().do(http.MethodPost, "/auth/v2/token", "Form: "+form.Encode()).StatusCode
		}
		if status := exchange(); status != http.StatusOK {
			t.Fatalf("%d", status)
		}
		w.idp.Fault(oidctest.Introspection, oidctest.Reply(http.StatusOK, "application/json", `{"active":false}`))
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"sid": nil})); answer.StatusCode != http.StatusOK {
			t.Fatalf("%d", answer.StatusCode)
		}
		time.Sleep(3 * time.Second)
		if status := exchange(); status != http.StatusBadRequest {
			t.Errorf("%d", status)
		}
	})
}

// While the store is out of reach, an answer counts for its minute: guards for tokens do not depend on the store.
func TestIntrospectionWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &flawedStore{Store: store.NewMemory()}
		down.down(true)
		w := newBubbleWeb(t, func(c *core.Config) { opaque(c); c.Store = down }, oidctest.WithOpaqueTokens())
		token := w.idp.AccessToken("alice")
		for range 3 {
			mustAdmit(t, w.auth.Required(), token)
			time.Sleep(3 * time.Second)
		}
		if asked := w.idp.Hits(oidctest.Introspection); asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// An opaque subject token is exchanged for an own token if its audience names this service.
func TestExchangeOfOpaqueToken(t *testing.T) {
	f := newFlow(t, brokered(opaque), oidctest.WithOpaqueTokens())
	token := flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil))
	if caller := f.who(token.AccessToken); caller.Subject() != "alice" {
		t.Errorf("%s", caller)
	}
	for what, subject := range map[string]string{"another audience": f.idp.AccessToken("alice", oidctest.Claims{"aud": "another"}), "unknown": "2YotnFZFEjr1zCsicMWpAA"} {
		flowRefused(t, what, f.exchange(subject, nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
	}
	if _, err := f.admit(f.idp.AccessToken("alice")); !errors.Is(err, core.ErrMalformed) {
		t.Errorf("a guard of broker mode: %v", err)
	}
	f.idp.Fault(oidctest.Introspection, oidctest.Status(http.StatusServiceUnavailable))
	if answer := f.exchange(f.idp.AccessToken("bob"), url.Values{}); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("an outage: %d %s", answer.Status, answer.Body)
	}
}

// Of several providers one is asked about opaque tokens, and about none that names another.
func TestIntrospectionWithSeveralProviders(t *testing.T) {
	f, other := newFlows(t, opaque, oidctest.WithOpaqueTokens())
	f.who(f.idp.AccessToken("alice"))
	if caller := f.who(other.AccessToken("alice", oidctest.Claims{"aud": oidctest.ConfidentialClient})); caller.Issuer() != other.Issuer() {
		t.Errorf("%s", caller.Issuer())
	}
	if first, second := f.idp.Hits(oidctest.Introspection), other.Hits(oidctest.Introspection); first != 1 || second != 0 {
		t.Errorf("asked %d and %d times", first, second)
	}
}

// New refuses settings that would send tokens to a stranger, or that cannot work, and names the field.
func TestBadTokenForms(t *testing.T) {
	good := newIDP(t).config()
	for want, change := range map[string]func(*core.Config){
		"Config.Tokens: \"jwe\"":                 func(c *core.Config) { c.Tokens = "jwe" },
		"Config.Introspection: it has no effect": func(c *core.Config) { c.Introspection = &core.IntrospectionConfig{} },
		"Config.Introspection: write both":       func(c *core.Config) { opaque(c); c.Introspection = &core.IntrospectionConfig{ClientID: "api"} },
		"Config.Tokens: introspection needs":     func(c *core.Config) { opaque(c); c.ClientSecret = "" },
		"Config.Introspection.TTL: 2m0s":         func(c *core.Config) { opaque(c); c.Introspection = &core.IntrospectionConfig{TTL: 120e9} },
		"Config.Introspection.Endpoint: \"http://x": func(c *core.Config) {
			opaque(c)
			c.Introspection = &core.IntrospectionConfig{Endpoint: "http://x.example/i"}
		},
		"Config.Introspection.Endpoint: empty":      func(c *core.Config) { opaque(c); c.DiscoveryURL, c.Issuer, c.JWKSURL = "", issuer, issuer+"/jwks" },
		"Config.Tokens: core.GoogleTokenInfo sends": func(c *core.Config) { c.Tokens = core.GoogleTokenInfo },
		"Config.Introspection.ClientID: tokeninfo": func(c *core.Config) {
			c.Tokens, c.Introspection = core.GoogleTokenInfo, &core.IntrospectionConfig{ClientID: "a", ClientSecret: "INTROSPECTION-SECRET", Endpoint: "https://oauth2.googleapis.com/tokeninfo"}
		},
		"Config.Introspection.Signed: tokeninfo": func(c *core.Config) {
			c.Tokens, c.Introspection = core.GoogleTokenInfo, &core.IntrospectionConfig{Signed: true, Endpoint: "https://oauth2.googleapis.com/tokeninfo"}
		},
		"Config.Providers[0].Tokens: the provider idp.example": func(c *core.Config) {
			opaque(c)
			c.Providers = []core.Provider{{DiscoveryURL: "https://two.example/.well-known/openid-configuration", ClientID: "x", ClientSecret: "y", Tokens: core.Either}}
		},
	} {
		config := good
		change(&config)
		_, err := core.New(config)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "INTROSPECTION-SECRET") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// No verb and no handler prints the secret of the endpoint.
func TestIntrospectionConfigIsHidden(t *testing.T) {
	own := core.IntrospectionConfig{ClientID: "api", ClientSecret: "INTROSPECTION-SECRET"}
	config := newIDP(t).config()
	opaque(&config)
	config.Introspection = &own
	config.Providers = []core.Provider{{Introspection: &own}}
	texts := printed(own, &own, config, &config, config.Providers[0], config.Providers)
	wantHidden(t, texts, "INTROSPECTION-SECRET")
}
