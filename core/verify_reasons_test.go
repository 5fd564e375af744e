package core_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	reasons "github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// causes lists all reasons for a refused token.
var causes = []error{
	core.ErrMalformed, core.ErrTokenKind, core.ErrIssuer, core.ErrUnknownKey, core.ErrSignature,
	core.ErrExpired, core.ErrNotYetValid, core.ErrClaims, core.ErrAudience, core.ErrInactive, core.ErrRevoked,
}

// wantCause checks that a token is refused for exactly one reason, and that the answer does not show it.
func wantCause(t *testing.T, name string, guard *core.Guard, token string, want error) {
	t.Helper()
	decision := guard.Admit(t.Context(), bearerOf(token))
	for _, cause := range causes {
		if errors.Is(decision.Err, cause) != (cause == want) {
			t.Errorf("%s: refused for %v, want %v", name, errors.Unwrap(decision.Err), want)
			return
		}
	}
	if refused := decision.Refusal; refused == nil || refused.Status != http.StatusUnauthorized || !strings.Contains(string(refused.Body), `"detail":"Invalid token"`) {
		t.Errorf("%s: the client sees %+v", name, refused)
	}
}

func TestReasonsOfTheProvidersTokens(t *testing.T) {
	idp := newIDP(t)
	guard, now := idp.auth().Required(), time.Now().Unix()
	mustAdmit(t, guard, idp.token())
	body, plain := toJSON(goodClaims(claims{"scope": "openid"})), `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"no token":                 {"2YotnFZFEjr1zCsicMWpAA", core.ErrMalformed},
		"a header of another":      {idp.sign("k1", `{"alg":"EdDSA","crit":["x"]}`, body), core.ErrMalformed},
		"a payload that is a list": {idp.sign("k1", goodHeader, `[1]`), core.ErrMalformed},
		"a name twice":             {idp.sign("k1", goodHeader, rawClaims("sub", `"alice","sub":"bob"`)), core.ErrMalformed},
		"too long":                 {idp.token(claims{"x": strings.Repeat("x", 13000)}), core.ErrMalformed},

		"an ID token":          {idp.sign("k1", plain, toJSON(goodClaims())), core.ErrTokenKind},
		"one with a nonce":     {idp.sign("k1", plain, toJSON(goodClaims(claims{"scope": "openid", "nonce": "n"}))), core.ErrTokenKind},
		"a logout token":       {idp.sign("k1", `{"alg":"EdDSA","kid":"k1","typ":"logout+jwt"}`, body), core.ErrTokenKind},
		"a refresh token":      {idp.token(claims{"typ": "Refresh"}), core.ErrTokenKind},
		"bound to a key":       {idp.token(claims{"cnf": claims{"jkt": "x"}}), core.ErrTokenKind},
		"another issuer":       {idp.token(claims{"iss": "https://evil.example"}), core.ErrIssuer},
		"no issuer":            {idp.token(claims{"iss": nil}), core.ErrIssuer},
		"an empty issuer":      {idp.token(claims{"iss": ""}), core.ErrIssuer},
		"an unknown key":       {idp.tokenOf("stranger"), core.ErrUnknownKey},
		"another key":          {idp.sign("evil", goodHeader, body), core.ErrSignature},
		"alg none":             {idp.sign("k1", `{"alg":"none","kid":"k1"}`, body), core.ErrSignature},
		"HMAC":                 {hmacToken([]byte("SECRET-OF-THE-CLIENT"), body), core.ErrSignature},
		"expired":              {idp.token(claims{"exp": now - 60}), core.ErrExpired},
		"expired, for another": {idp.token(claims{"exp": now - 60, "aud": "payments"}), core.ErrExpired},
		"nbf ahead":            {idp.token(claims{"nbf": now + 60}), core.ErrNotYetValid},
		"iat ahead":            {idp.token(claims{"iat": now + 60}), core.ErrNotYetValid},
		"no exp":               {idp.token(claims{"exp": nil}), core.ErrClaims},
		"exp is a text":        {idp.token(claims{"exp": "1"}), core.ErrClaims},
		"no sub":               {idp.token(claims{"sub": nil}), core.ErrClaims},
		"iss is a list":        {idp.token(claims{"iss": []string{issuer}}), core.ErrClaims},
		"Iss beside iss":       {idp.token(claims{"Iss": "https://evil.example"}), core.ErrClaims},
		"Sub beside sub":       {idp.token(claims{"Sub": "admin"}), core.ErrClaims},
		"aud is a number":      {idp.token(claims{"aud": 1}), core.ErrClaims},
		"for another":          {idp.token(claims{"aud": "payments"}), core.ErrAudience},
		"for nobody":           {idp.token(claims{"aud": nil}), core.ErrAudience},
	} {
		wantCause(t, name, guard, c.token, c.want)
	}
}

func TestReasonsOfOwnTokensAndPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		p, f := federated(t)
		guard, now := f.auth.Required(), time.Now().Unix()
		ended := f.begun()
		f.leave(ended.AccessToken)
		wantCause(t, "own: ended", guard, ended.AccessToken, core.ErrRevoked)
		fetches := p.fetches()
		own := kidOf(sharedKey())
		for whose, c := range map[string]struct {
			key    func(payload claims) string
			other  func(payload claims) string
			header func(header claims) string
			issuer string
		}{
			"own": {
				func(payload claims) string { return rsaToken(t, sharedKey(), own, payload) },
				func(payload claims) string { return rsaToken(t, keys[0], own, payload) },
				func(header claims) string {
					return rsaSigned(t, sharedKey(), header, pythonClaims(bubbleIssuer, shared))
				}, bubbleIssuer,
			},
			"a peer's": {
				func(payload claims) string { return rsaToken(t, keys[0], "a", payload) },
				func(payload claims) string { return rsaToken(t, keys[1], "a", payload) },
				func(header claims) string { return rsaSigned(t, keys[0], header, pythonClaims(peerA, shared)) }, peerA,
			},
		} {
			kid := map[string]string{"own": own, "a peer's": "a"}[whose]
			good := func(changes ...claims) claims { return pythonClaims(c.issuer, shared, changes...) }
			if status := f.status(c.key(good())); status != http.StatusOK {
				t.Fatalf("%s: %d", whose, status)
			}
			parts := strings.Split(c.key(good()), ".")
			for name, row := range map[string]struct {
				token string
				want  error
			}{
				"no JSON":             {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("x")) + "." + parts[2], core.ErrMalformed},
				"two parts":           {parts[0] + "." + parts[1], core.ErrMalformed},
				"typ Refresh":         {c.key(good(claims{"typ": "Refresh"})), core.ErrTokenKind},
				"with a nonce":        {c.key(good(claims{"nonce": "x"})), core.ErrTokenKind},
				"token_use id":        {c.key(good(claims{"token_use": "id"})), core.ErrTokenKind},
				"bound to a key":      {c.key(good(claims{"cnf": claims{"jkt": "x"}})), core.ErrTokenKind},
				"a logout token":      {c.header(claims{"alg": "RS256", "kid": kid, "typ": "logout+jwt"}), core.ErrTokenKind},
				"another issuer":      {c.key(good(claims{"iss": "https://c.example"})), core.ErrIssuer},
				"the provider":        {c.key(good(claims{"iss": issuer})), core.ErrIssuer},
				"no issuer":           {c.key(good(claims{"iss": nil})), core.ErrIssuer},
				"without kid":         {c.header(claims{"alg": "RS256", "typ": "JWT"}), core.ErrUnknownKey},
				"another's key":       {c.other(good()), core.ErrSignature},
				"another algorithm":   {c.header(claims{"alg": "RS512", "kid": kid}), core.ErrSignature},
				"an algorithm of EC":  {c.header(claims{"alg": "ES256", "kid": kid}), core.ErrSignature},
				"expired":             {c.key(good(claims{"exp": now - 60})), core.ErrExpired},
				"iat ahead":           {c.key(good(claims{"iat": now + 60})), core.ErrNotYetValid},
				"no exp":              {c.key(good(claims{"exp": nil})), core.ErrClaims},
				"no sub":              {c.key(good(claims{"sub": nil})), core.ErrClaims},
				"iss is a number":     {c.key(good(claims{"iss": 7})), core.ErrClaims},
				"for another":         {c.key(good(claims{"aud": "other"})), core.ErrAudience},
				"issued to us, for c": {c.key(good(claims{"aud": "other", "azp": clientID, "client_id": clientID})), core.ErrAudience},
			} {
				wantCause(t, whose+": "+name, guard, row.token, row.want)
			}
			wantCause(t, whose+": a key that nobody has", guard, c.header(claims{"alg": "RS256", "kid": "stranger"}), core.ErrUnknownKey)
		}
		if n := p.fetches() - fetches; n > 2 { // A's keys, and once more for the unknown kid
			t.Errorf("%d fetches", n)
		}
	})
}

// The log line for a token of another issuer lists some accepted issuers and contains no part of the token. The same holds for
// a token exchange. No key is fetched.
func TestRefusalNamesTheIssuers(t *testing.T) {
	says := func(err error) string {
		refusal := reasons.Find(err)
		if refusal == nil || len(refusal.Want) != 1 {
			return fmt.Sprint(err)
		}
		return refusal.Want[0].String()
	}
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		_, err := admit(t, idp.auth().Required(), idp.token(claims{"iss": "https://evil.example"}))
		if got := says(err); got != "want_issuer=["+issuer+"]" {
			t.Errorf("the provider's: %s", got)
		}
		p, f := federated(t)
		_, err = f.admit(idp.token(claims{"iss": "https://evil.example"}))
		if got := says(err); got != "want_issuer=["+peerA+" "+bubbleIssuer+" "+peerB+"]" {
			t.Errorf("broker mode: %s", got)
		}
		many := p.service(func(c *core.Config) {
			for i := range 100 {
				c.Broker.TrustedIssuers = append(c.Broker.TrustedIssuers, fmt.Sprintf("https://x%d.example", i))
			}
		})
		if _, err = many.admit(idp.token()); len(says(err)) > 200 || !strings.HasPrefix(says(err), "want_issuer=[") {
			t.Errorf("many: %s", says(err))
		}
		var refused []error
		exchanging := p.service(func(c *core.Config) {
			c.OnError = func(_ context.Context, _ *core.Request, err *core.Error) *core.Response {
				refused = append(refused, err)
				return nil
			}
		})
		own := exchanging.begun().AccessToken
		before := p.Hits(oidctest.JWKS)
		exchanging.exchange(own, nil)
		if len(refused) != 1 || !errors.Is(refused[0], core.ErrIssuer) || p.Hits(oidctest.JWKS) != before {
			t.Errorf("an own token as subject: %v, %d fetches", refused, p.Hits(oidctest.JWKS)-before)
		}
	})
}

// The cause of a refused login is the fault of its ID token.
func TestReasonsOfIDTokens(t *testing.T) {
	var refused error
	f := newFlow(t, func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, err *core.Error) *core.Response {
			refused = err
			return nil
		}
	})
	for name, c := range map[string]struct {
		change claims
		want   error
	}{
		"for another":      {claims{"aud": "payments"}, core.ErrAudience},
		"issued to others": {claims{"azp": "payments"}, core.ErrAudience},
		"another nonce":    {claims{"nonce": "x"}, core.ErrClaims},
		"another hash":     {claims{"at_hash": "x"}, core.ErrClaims},
		"no iat":           {claims{"iat": nil}, core.ErrClaims},
		"expired":          {claims{"exp": 1}, core.ErrExpired},
		"another issuer":   {claims{"iss": "https://evil.example"}, core.ErrIssuer},
		"a logout token":   {claims{"events": claims{}}, core.ErrTokenKind},
		"an access token":  {claims{"typ": "Bearer"}, core.ErrTokenKind},
	} {
		refused = nil
		f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { maps.Copy(claims, c.change) })
		query, cookie := f.browser("alice")
		if answer := f.get("callback", query, cookie); answer.Status != http.StatusBadRequest || !errors.Is(refused, c.want) {
			t.Errorf("%s: %d, %v", name, answer.Status, errors.Unwrap(refused))
		}
	}
}
