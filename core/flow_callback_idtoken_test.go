package core_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const flowBadIDToken = "invalid_grant: the provider's ID token is not valid for this login"

// flowIDTokenClaims lists changes of claims that make an ID token invalid.
func flowIDTokenClaims() map[string]oidctest.Claims {
	now := time.Now().Unix()
	return map[string]oidctest.Claims{
		"iss of another": {"iss": "https://evil.example"}, "iss missing": {"iss": nil}, "iss empty": {"iss": ""}, "iss a list": {"iss": []string{"x"}}, "iss a number": {"iss": 1},
		"aud of another": {"aud": "other"}, "aud missing": {"aud": nil, "azp": nil}, "aud missing, azp there": {"aud": nil}, "aud empty": {"aud": ""}, "aud an empty list": {"aud": []string{}},
		"aud a number": {"aud": 1}, "aud nested": {"aud": [][]string{{"app"}}}, "aud of mixed types": {"aud": []any{"app", 1}}, "aud case": {"aud": "APP"}, "aud prefix": {"aud": "app "},
		"several aud, no azp": {"aud": []string{"app", "other"}, "azp": nil}, "several aud, azp of another": {"aud": []string{"app", "other"}, "azp": "other"},
		"azp of another": {"azp": "other"}, "azp a list": {"azp": []string{"app"}}, "azp a number": {"azp": 1}, "azp alone": {"aud": "other", "azp": "app"},
		"exp missing": {"exp": nil}, "exp past": {"exp": now - 40}, "exp long past": {"exp": 1}, "exp a text": {"exp": "9999999999"}, "exp null in a list": {"exp": []any{nil}}, "exp negative": {"exp": -1}, "exp true": {"exp": true},
		"iat missing": {"iat": nil}, "iat of the future": {"iat": now + 60}, "iat a text": {"iat": "1"}, "nbf of the future": {"nbf": now + 60}, "nbf a text": {"nbf": "1"},
		"sub missing": {"sub": nil}, "sub empty": {"sub": ""}, "sub a number": {"sub": 1}, "sub a list": {"sub": []string{"alice"}},
		"sub of another than the access token": {"sub": "bob"}, "sub case": {"sub": "Alice"},
		"at_hash of another token": {"at_hash": strings.Repeat("A", 22)}, "at_hash empty": {"at_hash": ""}, "at_hash a number": {"at_hash": 1}, "at_hash whole": {"at_hash": strings.Repeat("A", 43)}, "at_hash a list": {"at_hash": []string{"x"}},
		"a second SUB": {"SUB": "bob"}, "a second Nonce": {"Nonce": "x"},
		"payload of a refresh token": {"typ": "Refresh"}, "payload of an access token": {"typ": "Bearer"}, "payload of a logout token": {"typ": "Logout"}, "typ a number": {"typ": 1},
		"events of a logout token": {"events": oidctest.Claims{"http://schemas.openid.net/event/backchannel-logout": oidctest.Claims{}}},
	}
}

// flowNonces lists wrong nonces: that of another login, or none.
func flowNonces() map[string]oidctest.Claims {
	return map[string]oidctest.Claims{
		"nonce of another login": {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"}, "nonce missing": {"nonce": nil}, "nonce empty": {"nonce": ""}, "nonce a list": {"nonce": []string{"x"}}, "nonce a number": {"nonce": 1},
	}
}

// flowIDTokens makes invalid ID tokens from the valid one.
func flowIDTokens(idp *oidctest.Provider) map[string]func(good string) any {
	payload := func(good string) (claims oidctest.Claims) {
		text, _ := base64.RawURLEncoding.DecodeString(strings.Split(good, ".")[1])
		_ = json.Unmarshal(text, &claims) // it is a good one
		return claims
	}
	header := func(good, text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + strings.Split(good, ".")[1] + "."
	}
	return map[string]func(string) any{
		"missing":          func(string) any { return nil },
		"empty":            func(string) any { return "" },
		"no token":         func(string) any { return "hello" },
		"three points":     func(good string) any { return good + "." },
		"no signature":     func(good string) any { return good[:strings.LastIndexByte(good, '.')+1] },
		"alg none":         func(good string) any { return header(good, `{"alg":"none"}`) },
		"alg None, signed": func(good string) any { return header(good, `{"alg":"None"}`) + strings.Split(good, ".")[2] },
		"a foreign key":    func(good string) any { return idp.SignForeign("JWT", payload(good)) },
		"a signature of another": func(good string) any {
			return good[:strings.LastIndexByte(good, '.')+1] + strings.Split(idp.Sign("JWT", payload(good)), ".")[2][1:] + "A"
		},
		"HS256, the secret": func(good string) any {
			return flowHMAC(header(good, `{"alg":"HS256","typ":"JWT"}`), oidctest.ClientSecret)
		},
		"HS256, empty secret": func(good string) any { return flowHMAC(header(good, `{"alg":"HS256","typ":"JWT"}`), "") },
		"an unknown key": func(good string) any {
			return header(good, `{"alg":"ES256","kid":"unknown"}`) + strings.Split(good, ".")[2]
		},
		"type of access tokens": func(good string) any { return idp.Sign("at+jwt", payload(good)) },
		"type of logout tokens": func(good string) any { return idp.Sign("logout+jwt", payload(good)) },
		"an access token":       func(string) any { return idp.AccessToken("alice") },
		"five parts":            func(good string) any { return good + ".x.y" },
		"longer than any token": func(good string) any {
			claims := payload(good)
			claims["x"] = strings.Repeat("x", 20000)
			return idp.Sign("JWT", claims)
		},
		"nested": func(good string) any {
			return header(good, `{"alg":"ES256","cty":"JWT"}`) + strings.Split(good, ".")[2]
		},
		"the access token's payload": func(good string) any {
			return strings.Split(idp.AccessToken("alice"), ".")[0] + good[strings.IndexByte(good, '.'):]
		},
	}
}

func flowHMAC(signed, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.TrimSuffix(signed, ".")))
	return signed + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// A login with an invalid ID token fails at both routes: 400, no token in the answer, and no call of OnLogin.
func TestLoginNeedsTheIDToken(t *testing.T) {
	var logins atomic.Int32
	f := newFlow(t, func(c *core.Config) {
		c.OnLogin = func(context.Context, *core.Request, *core.Token) *core.Response { logins.Add(1); return nil }
	})
	both := func(t *testing.T, name string) {
		t.Helper()
		query, cookie := f.browser("alice")
		answer := f.get("callback", query, cookie)
		flowRefused(t, name+" (callback)", answer, 400, "invalid_grant", flowBadIDToken)
		flowWantCookieGone(t, answer, cookie)
		flowRefused(t, name+" (token)", f.post("token", f.loopback("alice")), 400, "invalid_grant", flowBadIDToken)
	}
	cases := flowIDTokenClaims()
	for name, change := range flowNonces() {
		cases[name] = change
	}
	for name, change := range cases {
		f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) {
			for claim, value := range change {
				claims[claim] = value
			}
		})
		both(t, name)
	}
	f.idp.Tamper(oidctest.IDTokens, nil)
	for name, change := range flowIDTokens(f.idp) {
		f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { answer["id_token"] = change(answer["id_token"].(string)) })
		both(t, name)
	}
	if logins.Load() != 0 {
		t.Errorf("OnLogin was called %d times", logins.Load())
	}
	f.idp.Tamper(oidctest.TokenAnswers, nil)
	query, cookie := f.browser("alice")
	flowGranted(t, f.get("callback", query, cookie))
	if logins.Load() != 1 {
		t.Error("OnLogin was not called for a good login")
	}
}

// An id_token that is not a string makes the answer unusable.
func TestIDTokenOfAnotherType(t *testing.T) {
	f := newFlow(t, func(c *core.Config) {
		c.OnLogin = func(context.Context, *core.Request, *core.Token) *core.Response {
			t.Error("OnLogin was called")
			return nil
		}
	})
	for name, value := range map[string]any{"a list": []string{"x"}, "a number": 1, "true": true, "an object": oidctest.Claims{}} {
		f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { answer["id_token"] = value })
		query, cookie := f.browser("alice")
		flowRefused(t, name, f.get("callback", query, cookie), 502, "server_error", "The OIDC provider gave an unusable answer.")
	}
}

// Valid ID tokens with unusual contents are accepted.
func TestLoginAcceptsUnusualIDTokens(t *testing.T) {
	f := newFlow(t, nil)
	now := time.Now().Unix()
	for name, change := range map[string]oidctest.Claims{
		"a list with azp": {"aud": []string{"other", "app"}, "azp": "app"}, "a list of one": {"aud": []string{"app"}, "azp": nil}, "no azp": {"azp": nil},
		"exp within the leeway": {"exp": now - 15}, "iat within the leeway": {"iat": now + 15}, "exp with a fraction": {"exp": float64(now) + 100.5},
		"no at_hash": {"at_hash": nil}, "typ of Keycloak": {"typ": "ID"}, "nbf": {"nbf": now},
	} {
		f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) {
			for claim, value := range change {
				claims[claim] = value
			}
		})
		query, cookie := f.browser("alice")
		if answer := f.get("callback", query, cookie); answer.Status != 200 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
}

// at_hash is checked for every algorithm.
func TestLoginWithEveryAlgorithm(t *testing.T) {
	for _, alg := range []string{"RS256", "PS384", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, nil, oidctest.WithAlgorithm(alg))
			query, cookie := f.browser("alice")
			flowGranted(t, f.get("callback", query, cookie))
			f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["at_hash"] = claims["at_hash"].(string)[1:] + "A" })
			query, cookie = f.browser("alice")
			flowRefused(t, "at_hash", f.get("callback", query, cookie), 400, "invalid_grant", flowBadIDToken)
		})
	}
}

// A login directly after a key rotation of the provider.
func TestLoginAfterKeyRotation(t *testing.T) {
	f := newFlow(t, nil)
	f.tokens("alice")
	if err := f.idp.RotateKey(""); err != nil {
		t.Fatal(err)
	}
	f.idp.DropOldKeys()
	f.tokens("bob")
}

// A browser login fails if the provider does not grant openid: OnLogin would get a login without a caller.
func TestBrowserLoginWithoutOpenID(t *testing.T) {
	f := newFlow(t, func(c *core.Config) {
		c.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
			if token.Caller() == nil {
				t.Error("OnLogin is told of a login of nobody")
			}
			return nil
		}
	})
	f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { answer["scope"] = "profile"; delete(answer, "id_token") })
	query, cookie := f.browser("alice")
	flowRefused(t, "callback", f.get("callback", query, cookie), 400, "invalid_grant", flowBadIDToken)
}

// Opaque access tokens and those for another service have no subject to compare: the caller comes from the ID token alone.
func TestLoginWithOpaqueTokens(t *testing.T) {
	var who atomic.Value
	f := newFlow(t, func(c *core.Config) {
		c.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
			who.Store(token.Caller().Subject())
			return nil
		}
	}, oidctest.WithOpaqueTokens())
	query, cookie := f.browser("bob")
	token := flowGranted(t, f.get("callback", query, cookie))
	if who.Load() != "bob" || strings.Contains(token.AccessToken, ".") {
		t.Errorf("%v logged in", who.Load())
	}
}

// redeem posts a code to the token route, with the client's own verifier; the provider answers with reply.
func redeem(t *testing.T, idp *memoryIDP, reply claims) *core.Response {
	t.Helper()
	idp.Fault(oidctest.Token, oidctest.Reply(http.StatusOK, "application/json", toJSON(reply)))
	routes, err := idp.auth().Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"code": {"c"}, "redirect_uri": {"http://127.0.0.1:5000/callback"}, "code_verifier": {strings.Repeat("v", 43)}}
	for _, route := range routes {
		if route.Name == "token" {
			header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
			return route.Serve(t.Context(), core.ParseRequest(http.MethodPost, "", "", header, strings.NewReader(form.Encode())))
		}
	}
	t.Fatal("no token route")
	return nil
}

func leftHalf(token string) string {
	sum := sha512.Sum512([]byte(token)) // what Ed25519 hashes with
	return base64.RawURLEncoding.EncodeToString(sum[:32])
}

// The ID token of a login is verified completely.
func TestIDTokenOfALogin(t *testing.T) {
	now := time.Now().Unix()
	const header = `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`
	for name, c := range map[string]struct {
		header, kid string
		change      claims
		good        bool
	}{
		"good":                      {header, "k1", nil, true},
		"no typ":                    {`{"alg":"EdDSA","kid":"k1"}`, "k1", nil, true},
		"another key":               {header, "evil", nil, false},
		"none":                      {`{"alg":"none"}`, "k1", nil, false},
		"HMAC":                      {`{"alg":"HS256","kid":"k1"}`, "k1", nil, false},
		"unknown key":               {`{"alg":"EdDSA","kid":"evil"}`, "evil", nil, false},
		"an access token":           {goodHeader, "k1", nil, false},
		"a logout token":            {`{"alg":"EdDSA","kid":"k1","typ":"logout+jwt"}`, "k1", nil, false},
		"typ Bearer":                {header, "k1", claims{"typ": "Bearer"}, false},
		"typ Refresh":               {header, "k1", claims{"typ": "Refresh"}, false},
		"typ ID":                    {header, "k1", claims{"typ": "ID"}, true},
		"another issuer":            {header, "k1", claims{"iss": issuer + "/"}, false},
		"another audience":          {header, "k1", claims{"aud": "x"}, false},
		"no audience":               {header, "k1", claims{"aud": nil, "azp": clientID}, false},
		"several audiences":         {header, "k1", claims{"aud": []string{clientID, "x"}}, false},
		"several audiences and azp": {header, "k1", claims{"aud": []string{clientID, "x"}, "azp": clientID}, true},
		"azp is another":            {header, "k1", claims{"azp": "x"}, false},
		"azp is ours alone":         {header, "k1", claims{"azp": clientID}, true},
		"azp of another type":       {header, "k1", claims{"azp": []string{clientID}}, false},
		"no exp":                    {header, "k1", claims{"exp": nil}, false},
		"expired":                   {header, "k1", claims{"exp": now - 60}, false},
		"no iat":                    {header, "k1", claims{"iat": nil}, false},
		"iat in the future":         {header, "k1", claims{"iat": now + 90}, false},
		"no sub":                    {header, "k1", claims{"sub": nil}, false},
		"at_hash fits":              {header, "k1", claims{"at_hash": leftHalf("opaque")}, true},
		"at_hash of another token":  {header, "k1", claims{"at_hash": leftHalf("another")}, false},
		"at_hash is empty":          {header, "k1", claims{"at_hash": ""}, false},
		"at_hash of another type":   {header, "k1", claims{"at_hash": []string{leftHalf("opaque")}}, false},
		"at_hash of another hash":   {header, "k1", claims{"at_hash": leftHalf("opaque")[:22]}, false},
		"at_hash with padding":      {header, "k1", claims{"at_hash": leftHalf("opaque") + "="}, false},
		"at_hash null is absent":    {header, "k1", claims{"at_hash": json.RawMessage("null")}, true},
		"AT_HASH":                   {header, "k1", claims{"AT_HASH": "x"}, false},
		"a logout token of events":  {header, "k1", claims{"events": claims{"x": claims{}}}, false},
		"a token bound to a device": {header, "k1", claims{"sub": strings.Repeat("s", 300)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idToken := idp.sign(c.kid, c.header, toJSON(goodClaims(c.change)))
			answer := redeem(t, idp, claims{"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": idToken, "scope": "openid"})
			if c.good != (answer.Status == http.StatusOK) || answer.Status >= 500 && answer.Status != http.StatusBadGateway {
				t.Errorf("got %d %s", answer.Status, answer.Body)
			}
			if !c.good && (strings.Contains(string(answer.Body), "opaque") || strings.Contains(string(answer.Body), idToken)) {
				t.Errorf("the answer holds a token: %s", answer.Body)
			}
		})
	}
}
