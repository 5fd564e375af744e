package contract

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// badProviderTokens returns the bad tokens of passthrough mode.
func badProviderTokens(_ setup, s *site) map[string]string { return BadTokens(s.idp) }

// badOwnTokens returns the bad tokens of broker mode. Other services make most of them, with the keys of this one.
func badOwnTokens(a setup, s *site) map[string]string {
	staff := oidctest.Claims{"scope": "openid staff"}
	from := func(config func(*core.Config), claims ...oidctest.Claims) string {
		return a.open(s.t, plan{beside: s, config: config}).token("alice", append(claims, staff)...)
	}
	good, ended := s.token("alice", staff), s.token("alice", staff)
	s.get(issuing+"/auth/v2/logout", "Authorization: Bearer "+ended).hasStatus(http.StatusFound)
	other := a.open(s.t, plan{beside: s})
	login := other.tokens(other.codeForm("alice"))
	past := oidctest.Claims{"exp": time.Now().Add(-2 * time.Minute).Unix()}
	return map[string]string{
		"changed":         changed(good),
		"foreign key":     forged(s, good, "RS256"),
		"other algorithm": forged(s, good, "ES256"),
		"expired":         from(func(cfg *core.Config) { cfg.Leeway = 5 * time.Minute }, past),
		"another service": from(func(cfg *core.Config) { cfg.Broker.Audience = "x" }),
		"another issuer": from(func(cfg *core.Config) {
			cfg.PublicURL, cfg.Broker.Audience = "https://other.example.org/api", publicURL
		}),
		"ended session":     ended,
		"refresh token":     login.RefreshToken,
		"the provider's":    s.idp.AccessToken("alice", staff),
		"ID token":          anIDToken(s.idp),
		"refreshed":         s.idp.IDToken("alice"),
		"provider's forged": s.idp.Sign("at+jwt", claimsOf(s, good)),
	}
}

// anIDToken returns an ID token of the provider for this client, as from a login.
func anIDToken(idp *oidctest.Provider) string {
	return idp.Sign("JWT", oidctest.Claims{"iss": idp.Issuer(), "aud": "app", "sub": "alice", "exp": int64(1 << 40), "nonce": "x"})
}

// changed returns a token with another signature.
func changed(raw string) string {
	at := strings.LastIndex(raw, ".") + 1
	first := "A"
	if raw[at] == 'A' {
		first = "B"
	}
	return raw[:at] + first + raw[at+1:]
}

// forged returns a token with the claims and the kid of a valid one, signed with another key.
func forged(s *site, good, algorithm string) string {
	s.t.Helper()
	token, err := jose.Parse(good)
	if err != nil {
		s.t.Fatal(err)
	}
	somebody, err := jose.NewSigner(token.KeyID, algorithm)
	if err != nil {
		s.t.Fatal(err)
	}
	raw, err := somebody.Sign("JWT", claimsOf(s, good))
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// claimsOf reads the claims of a token.
func claimsOf(s *site, raw string) oidctest.Claims {
	s.t.Helper()
	parts := strings.Split(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[len(parts)-2])
	if err != nil {
		s.t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var claims oidctest.Claims
	if err := decoder.Decode(&claims); err != nil {
		s.t.Fatal(err)
	}
	return claims
}
