package core_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const flowBadIDToken = "invalid_grant: the provider's ID token is not valid for this login"

// flowIDTokenClaims are changes of an ID token's claims that make it good for nobody.
func flowIDTokenClaims() map[string]oidctest.Claims {
	now := time.Now().Unix()
	return map[string]oidctest.Claims{
		"C4 iss of another": {"iss": "https://evil.example"}, "C4 iss missing": {"iss": nil}, "C4 iss empty": {"iss": ""}, "C4 iss a list": {"iss": []string{"x"}}, "C4 iss a number": {"iss": 1},
		"C4 aud of another": {"aud": "other"}, "C4 aud missing": {"aud": nil, "azp": nil}, "C4 aud missing, azp there": {"aud": nil}, "C4 aud empty": {"aud": ""}, "C4 aud an empty list": {"aud": []string{}},
		"C4 aud a number": {"aud": 1}, "C4 aud nested": {"aud": [][]string{{"app"}}}, "C4 aud of mixed types": {"aud": []any{"app", 1}}, "C4 aud case": {"aud": "APP"}, "C4 aud prefix": {"aud": "app "},
		"C4 several aud, no azp": {"aud": []string{"app", "other"}, "azp": nil}, "C4 several aud, azp of another": {"aud": []string{"app", "other"}, "azp": "other"},
		"C4 azp of another": {"azp": "other"}, "C4 azp a list": {"azp": []string{"app"}}, "C4 azp a number": {"azp": 1}, "C4 azp alone": {"aud": "other", "azp": "app"},
		"C5 exp missing": {"exp": nil}, "C5 exp past": {"exp": now - 40}, "C5 exp long past": {"exp": 1}, "C5 exp a text": {"exp": "9999999999"}, "C5 exp null in a list": {"exp": []any{nil}}, "C5 exp negative": {"exp": -1}, "C5 exp true": {"exp": true},
		"C5 iat missing": {"iat": nil}, "C5 iat of the future": {"iat": now + 60}, "C5 iat a text": {"iat": "1"}, "nbf of the future": {"nbf": now + 60}, "nbf a text": {"nbf": "1"},
		"C5 sub missing": {"sub": nil}, "C5 sub empty": {"sub": ""}, "C5 sub a number": {"sub": 1}, "C5 sub a list": {"sub": []string{"alice"}},
		"TRUST 0.4 sub of another than the access token": {"sub": "bob"}, "sub case": {"sub": "Alice"},
		"C6 at_hash of another token": {"at_hash": strings.Repeat("A", 22)}, "C6 at_hash empty": {"at_hash": ""}, "C6 at_hash a number": {"at_hash": 1}, "C6 at_hash whole": {"at_hash": strings.Repeat("A", 43)}, "C6 at_hash a list": {"at_hash": []string{"x"}},
		"J13 a second SUB": {"SUB": "bob"}, "J13 a second Nonce": {"Nonce": "x"},
		"J21 payload of a refresh token": {"typ": "Refresh"}, "J21 payload of an access token": {"typ": "Bearer"}, "J21 payload of a logout token": {"typ": "Logout"}, "J21 typ a number": {"typ": 1},
		"J21 events of a logout token": {"events": oidctest.Claims{"http://schemas.openid.net/event/backchannel-logout": oidctest.Claims{}}},
	}
}

// flowNonces are those of another login, or none.
func flowNonces() map[string]oidctest.Claims {
	return map[string]oidctest.Claims{
		"C1 nonce of another login": {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"}, "C1 nonce missing": {"nonce": nil}, "C1 nonce empty": {"nonce": ""}, "C1 nonce a list": {"nonce": []string{"x"}}, "C1 nonce a number": {"nonce": 1},
	}
}

// flowIDTokens are whole ID tokens that make nobody logged in, made of the good one.
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
		"C2 missing":          func(string) any { return nil },
		"C2 empty":            func(string) any { return "" },
		"no token":            func(string) any { return "hello" },
		"three points":        func(good string) any { return good + "." },
		"C3 no signature":     func(good string) any { return good[:strings.LastIndexByte(good, '.')+1] },
		"C3 alg none":         func(good string) any { return header(good, `{"alg":"none"}`) },
		"C3 alg None, signed": func(good string) any { return header(good, `{"alg":"None"}`) + strings.Split(good, ".")[2] },
		"C3 a foreign key":    func(good string) any { return idp.SignForeign("JWT", payload(good)) },
		"C3 a signature of another": func(good string) any {
			return good[:strings.LastIndexByte(good, '.')+1] + strings.Split(idp.Sign("JWT", payload(good)), ".")[2][1:] + "A"
		},
		"C3 HS256, the secret": func(good string) any {
			return flowHMAC(header(good, `{"alg":"HS256","typ":"JWT"}`), oidctest.ClientSecret)
		},
		"C3 HS256, empty secret": func(good string) any { return flowHMAC(header(good, `{"alg":"HS256","typ":"JWT"}`), "") },
		"C12 an unknown key": func(good string) any {
			return header(good, `{"alg":"ES256","kid":"unknown"}`) + strings.Split(good, ".")[2]
		},
		"J20 type of access tokens": func(good string) any { return idp.Sign("at+jwt", payload(good)) },
		"J20 type of logout tokens": func(good string) any { return idp.Sign("logout+jwt", payload(good)) },
		"J21 an access token":       func(string) any { return idp.AccessToken("alice") },
		"J22 five parts":            func(good string) any { return good + ".x.y" },
		"J23 longer than any token": func(good string) any {
			claims := payload(good)
			claims["x"] = strings.Repeat("x", 20000)
			return idp.Sign("JWT", claims)
		},
		"J25 nested": func(good string) any {
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

// TRUST 0.4, D-3: an ID token that is wrong in any member logs nobody in, at neither route: 400, no token in the
// answer, and the application is not told.
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

// D-21: an ID token of another JSON type is an answer that nobody can use.
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

// C4, C5, C6: what is good although it is not usual.
func TestLoginTakesGoodIDTokens(t *testing.T) {
	f := newFlow(t, nil)
	now := time.Now().Unix()
	for name, change := range map[string]oidctest.Claims{
		"C4 a list with azp": {"aud": []string{"other", "app"}, "azp": "app"}, "C4 a list of one": {"aud": []string{"app"}, "azp": nil}, "C4 no azp": {"azp": nil},
		"C5 exp within the leeway": {"exp": now - 15}, "C5 iat within the leeway": {"iat": now + 15}, "C5 exp with a fraction": {"exp": float64(now) + 100.5},
		"C6 no at_hash": {"at_hash": nil}, "typ of Keycloak": {"typ": "ID"}, "nbf": {"nbf": now},
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

// C3, C6: at_hash by every algorithm that a provider may have.
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

// C12: a login right after the provider changed its key.
func TestLoginAfterKeyRotation(t *testing.T) {
	f := newFlow(t, nil)
	f.tokens("alice")
	if err := f.idp.RotateKey(""); err != nil {
		t.Fatal(err)
	}
	f.idp.DropOldKeys()
	f.tokens("bob")
}

// TRUST 0.4, C2: openid was asked for, so a provider that grants less logs nobody in through a browser: the application
// would be told of a login without a caller.
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

// Opaque access tokens and those for another service have no subject to compare: the ID token alone says who it is.
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
