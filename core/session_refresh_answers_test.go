package core_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

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

// What a provider leaves out of its answers costs no session.
func TestBrokerRefreshOfSparseProviders(t *testing.T) {
	month := int64(30 * 24 * 3600)
	for name, c := range map[string]struct {
		options []oidctest.Option
		seconds int64 // the session's
		none    bool  // no refresh token
	}{
		"without rotation":       {[]oidctest.Option{oidctest.WithoutRotation()}, month, false},
		"without scope":          {[]oidctest.Option{oidctest.WithoutScope()}, month, false},
		"without refresh tokens": {[]oidctest.Option{oidctest.WithoutRefreshTokens()}, 3600, true},
		"refresh_expires_in 0":   {[]oidctest.Option{oidctest.WithRefreshExpiresIn(0)}, month, false},
		"refresh_expires_in 90":  {[]oidctest.Option{oidctest.WithRefreshExpiresIn(90)}, 90, false},
		"far away":               {[]oidctest.Option{oidctest.WithRefreshExpiresIn(1 << 40)}, month, false},
		"opaque":                 {[]oidctest.Option{oidctest.WithOpaqueTokens()}, month, false},
		"lower case":             {[]oidctest.Option{oidctest.WithLowerCaseType()}, month, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, brokered(), c.options...)
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

// The answer that comes again within the grace counts expires_in from now: clients by RFC 6749 read nothing else of a
// token's end.
func TestGraceCountsFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t)
		f := b.serve(func(c *core.Config) { c.Broker.RefreshGrace = time.Minute })
		first := f.begun()
		second := flowGranted(t, f.refresh(first.RefreshToken))
		time.Sleep(30 * time.Second)
		again := flowGranted(t, f.refresh(first.RefreshToken))
		if again.AccessToken != second.AccessToken || again.Expires != second.Expires {
			t.Fatal("the grace gave another answer")
		}
		if left := again.Expires - time.Now().Unix(); again.ExpiresIn != left {
			t.Errorf("expires_in %d, %d s before the end", again.ExpiresIn, left)
		}
	})
}
