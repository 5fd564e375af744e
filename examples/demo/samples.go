package main

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// sample makes a token for the inspector.
type sample struct {
	Name, Text string
	make       func(*oidctest.Provider) string
}

// samples are tokens with one fault each.
var samples = []sample{
	{"good", "a good one", func(p *oidctest.Provider) string { return p.AccessToken("alice") }},
	{"signature", "signed by somebody else", func(p *oidctest.Provider) string { return p.SignForeign("at+jwt", p.AccessClaims("alice")) }},
	{"key", "signed with a key that nobody publishes", func(p *oidctest.Provider) string { return withKey(p.AccessToken("alice"), "nobody-publishes-this") }},
	{"issuer", "from another issuer", func(p *oidctest.Provider) string {
		return p.AccessToken("alice", oidctest.Claims{"iss": "https://idp.example.net"})
	}},
	{"audience", "for another service", func(p *oidctest.Provider) string { return p.AccessToken("alice", oidctest.Claims{"aud": "warehouse"}) }},
	{"expired", "expired", func(p *oidctest.Provider) string {
		return p.AccessToken("alice", oidctest.Claims{"exp": time.Now().Add(-time.Hour).Unix()})
	}},
	{"future", "not yet valid", func(p *oidctest.Provider) string {
		return p.AccessToken("alice", oidctest.Claims{"nbf": time.Now().Add(time.Hour).Unix()})
	}},
	{"kind", "an ID token", func(p *oidctest.Provider) string { return p.IDToken("alice") }},
	{"claims", "without a subject", func(p *oidctest.Provider) string {
		claims := p.AccessClaims("alice")
		delete(claims, "sub")
		return p.Sign("at+jwt", claims)
	}},
	{"form", "cut in half", func(p *oidctest.Provider) string {
		token := p.AccessToken("alice")
		return token[:strings.LastIndex(token, ".")]
	}},
}

// withKey names another key in the header of a token.
func withKey(token, kid string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"at+jwt","kid":"`+kid+`"}`)) + "." + rest
}

// chosen returns the token that the inspector is to judge: pasted, of a sample, or the one that the session in ctx holds.
func (d *demo) chosen(ctx context.Context, at *service, name, pasted string) (string, error) {
	if name == "pasted" {
		return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(pasted), "Bearer ")), nil
	}
	for _, s := range samples {
		if s.Name == name {
			return s.make(d.provider), nil
		}
	}
	if core.IDTokenFrom(ctx).IsGuest() {
		return "", errNobody
	}
	return at.auth.AccessToken(ctx)
}
