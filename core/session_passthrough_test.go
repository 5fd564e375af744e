package core_test

import (
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// OpenID Connect Core section 12.2: a refreshed token of another person is not handed on, where this process has seen whose
// the refresh token is.
func TestPassthroughRefreshOfAnother(t *testing.T) {
	for name, c := range map[string]struct {
		options []oidctest.Option
		target  oidctest.Target
	}{
		"ID token":                   {[]oidctest.Option{oidctest.WithOpaqueTokens()}, oidctest.IDTokens},
		"ID token, without rotation": {[]oidctest.Option{oidctest.WithOpaqueTokens(), oidctest.WithoutRotation()}, oidctest.IDTokens},
		"access token":               {nil, oidctest.AccessTokens},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, nil, c.options...)
			token := f.tokens("alice")
			token = flowGranted(t, f.refresh(token.RefreshToken)) // as the login, so a refresh is remembered
			if c.target == oidctest.AccessTokens {
				f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { delete(answer, "id_token") })
			}
			token = flowGranted(t, f.refresh(token.RefreshToken)) // also one that names nobody
			f.idp.Tamper(c.target, func(claims oidctest.Claims) { claims["sub"] = "bob" })
			flowRefused(t, name, f.refresh(token.RefreshToken), 502, "server_error", "The OIDC provider gave an unusable answer.")
		})
	}
}

// Everybody's own refresh goes on beside others', and what another instance has handed out is believed.
func TestPassthroughRefreshOfUnknown(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	here, there := flowOver(t, idp, nil), flowOver(t, idp, nil)
	alice, bob := here.tokens("alice"), here.tokens("bob")
	for range 2 {
		for _, token := range []*core.Token{&alice, &bob} {
			*token = flowGranted(t, here.refresh(token.RefreshToken))
			*token = flowGranted(t, there.refresh(token.RefreshToken))
		}
	}
	here.post("logout", url.Values{"refresh_token": {alice.RefreshToken}})
	flowRefused(t, "after the logout", here.refresh(alice.RefreshToken), 400, "invalid_grant", "invalid_grant: the code or token is not valid, was used, or has expired")
}
