package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const backChannelRoute = "/auth/v2/backchannel-logout"

// The route takes one form with one token, from whoever has it; it looks at no cookie.
func TestBackChannelRequests(t *testing.T) {
	w := newWeb(t, nil)
	b := w.browser()
	post := func(form string, headers ...string) *http.Response {
		return b.do(http.MethodPost, backChannelRoute, append([]string{"Form: " + form}, headers...)...)
	}
	token := func() string { return url.Values{"logout_token": {w.idp.LogoutToken("alice")}}.Encode() }
	b.logIn("alice")
	for what, answer := range map[string]*http.Response{
		"nothing":           post(""),
		"another parameter": post("token=x"),
		"JSON":              b.do(http.MethodPost, backChannelRoute, "Content-Type: application/json"),
		"in the query":      b.do(http.MethodPost, backChannelRoute+"?"+token()),
		"two tokens":        post(token() + "&" + token()),
		"no form":           post("logout_token=%zz"),
	} {
		if text := body(answer); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Cache-Control") != "no-store" || !strings.Contains(text, `"error":"invalid_request"`) {
			t.Errorf("%s: %d %s", what, answer.StatusCode, text)
		}
	}
	if long := post(token() + "&x=" + strings.Repeat("x", core.MaxForm)); long.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", long.StatusCode)
	}
	if get := b.do(http.MethodGet, backChannelRoute+"?"+token()); get.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", get.StatusCode)
	}
	if status := b.status("/page"); status != http.StatusOK {
		t.Fatalf("one of them ended the session: %d", status)
	}
	// A provider is another origin, and may add a parameter.
	if good := post(token()+"&more=x", "Origin: "+w.idp.Issuer(), "Sec-Fetch-Site: cross-site"); good.StatusCode != http.StatusOK || len(good.Cookies()) != 0 {
		t.Errorf("a good one: %d %v", good.StatusCode, good.Cookies())
	}
	if status := b.status("/page"); status != http.StatusUnauthorized {
		t.Errorf("the session lives on: %d", status)
	}
}

// What providers write differently is accepted: the type, no exp, a list of audiences, a clock within Leeway, more events.
func TestGoodLogoutTokens(t *testing.T) {
	w := newWeb(t, nil)
	claims := func(more oidctest.Claims) oidctest.Claims {
		all := oidctest.Claims{"iss": w.idp.Issuer(), "aud": oidctest.ConfidentialClient, "sub": "alice", "iat": time.Now().Unix(), "jti": time.Now().String(), "events": logoutEvents()}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	offline := logoutEvents()
	offline["revoke_offline_access"] = true // of Keycloak
	for what, token := range map[string]string{
		"logout+jwt":                  w.idp.Sign("logout+jwt", claims(nil)),
		"LOGOUT+JWT":                  w.idp.Sign("LOGOUT+JWT", claims(nil)),
		"application/logout+jwt":      w.idp.Sign("application/logout+jwt", claims(nil)),
		"JWT":                         w.idp.Sign("JWT", claims(nil)),
		"no type":                     w.idp.Sign("", claims(nil)),
		"several audiences":           w.idp.Sign("JWT", claims(oidctest.Claims{"aud": []string{"other", oidctest.ConfidentialClient}})),
		"a clock ahead":               w.idp.Sign("JWT", claims(oidctest.Claims{"iat": time.Now().Add(25 * time.Second).Unix()})),
		"more events, a Keycloak one": w.idp.Sign("JWT", claims(oidctest.Claims{"events": offline})),
		"unknown claims":              w.idp.Sign("JWT", claims(oidctest.Claims{"typ": "Logout", "trace_id": "x"})),
	} {
		b := w.browser()
		b.logIn("alice")
		if answer := w.backChannel(token); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", what, answer.StatusCode, body(answer))
		}
		if status := b.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("%s: the session lives on: %d", what, status)
		}
	}
	b := w.browser()
	b.logIn("alice")
	for _, kind := range []string{"at+jwt", "dpop+jwt", "secevent+jwt", "ID", "application/jwt"} {
		if answer := w.backChannel(w.idp.Sign(kind, claims(nil))); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("the type %s: %d", kind, answer.StatusCode)
		}
	}
	if answer := w.backChannel(w.idp.Sign("JWT", claims(oidctest.Claims{"nonce": nil}))); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a nonce that is null: %d", answer.StatusCode)
	}
	if status := b.status("/page"); status != http.StatusOK {
		t.Errorf("one of them ended the session: %d", status)
	}
}

func logoutEvents() oidctest.Claims {
	return oidctest.Claims{"http://schemas.openid.net/event/backchannel-logout": oidctest.Claims{}}
}

// Whom a logout token means: its sid is looked up as a sid alone, its sub names all that a person has, and who is unknown is a success.
func TestWhomLogoutTokensMean(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		first, second, one := w.twice("alice")
		for what, claims := range map[string]oidctest.Claims{
			"an unknown sid":            {"sid": "unknown"},
			"the sid in jti":            {"sid": "unknown", "jti": one},
			"a sub in sid":              {"sid": "alice"},
			"the session's own ID":      {"sid": strings.TrimPrefix(body(first.do(http.MethodGet, "/page", script...)), "alice ")},
			"somebody who is not known": {"sub": "nobody"},
			"another case":              {"sub": "ALICE"},
		} {
			if answer := w.backChannel(w.idp.LogoutToken("alice", claims)); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", what, answer.StatusCode, body(answer))
			}
			if a, b := first.status("/page"), second.status("/page"); a != 200 || b != 200 {
				t.Errorf("%s: afterwards %d and %d", what, a, b)
			}
		}
		if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"sid": one, "sub": nil})); answer.StatusCode != http.StatusOK {
			t.Errorf("a sid alone: %d", answer.StatusCode)
		}
		if a, b := first.status("/page"), second.status("/page"); a != 401 || b != 200 {
			t.Errorf("after a sid alone: %d and %d", a, b)
		}
	})
}

// Another provider may have a session with the same sid: a provider without sid is understood by sub.
func TestLogoutTokensOfProviderWithoutSID(t *testing.T) {
	w := newWeb(t, nil)
	w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["sid"] = nil })
	b := w.browser()
	b.logIn("alice")
	if answer := w.backChannel(w.idp.LogoutToken("alice", oidctest.Claims{"sid": "x"})); answer.StatusCode != http.StatusOK || b.status("/page") != http.StatusOK {
		t.Errorf("a sid that no login had: %d, then %d", answer.StatusCode, b.status("/page"))
	}
	if answer := w.backChannel(w.idp.LogoutToken("alice")); answer.StatusCode != http.StatusOK || b.status("/page") != http.StatusUnauthorized {
		t.Errorf("by sub: %d, then %d", answer.StatusCode, b.status("/page"))
	}
}

// In broker mode a logout token ends the own tokens of programs too, by sid and by sub.
func TestLogoutTokensEndOwnTokens(t *testing.T) {
	for what, claims := range map[string]func(sid string) oidctest.Claims{
		"sid": func(sid string) oidctest.Claims { return oidctest.Claims{"sid": sid} },
		"sub": func(string) oidctest.Claims { return nil },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWeb(t, func(c *core.Config) { c.Broker = &core.BrokerConfig{SigningAlgorithm: "EdDSA"} })
			var sid string
			w.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { sid, _ = claims["sid"].(string) })
			bob := "Authorization: " + w.idp.BrokerBearer(w.auth, "bob")
			alice := "Authorization: " + w.idp.BrokerBearer(w.auth, "alice")
			b := w.browser()
			if a, b := b.status("/api", alice), b.status("/api", bob); a != 200 || b != 200 {
				t.Fatalf("before: %d and %d", a, b)
			}
			if answer := w.backChannel(w.idp.LogoutToken("alice", claims(sid))); answer.StatusCode != http.StatusOK {
				t.Errorf("%d %s", answer.StatusCode, body(answer))
			}
			if a, b := b.status("/api", alice), b.status("/api", bob); a != 401 || b != 200 {
				t.Errorf("afterwards: %d and %d", a, b)
			}
		})
	}
}

// A token that was used at one instance is refused at another.
func TestLogoutTokenElsewhere(t *testing.T) {
	w := newWeb(t, nil)
	elsewhere := &web{t: t, idp: w.idp, cfg: w.cfg}
	elsewhere.serve()
	token := w.idp.LogoutToken("alice")
	if answer := w.backChannel(token); answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", answer.StatusCode, body(answer))
	}
	b := elsewhere.browser()
	b.logIn("alice")
	if answer := elsewhere.backChannel(token); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the same token elsewhere: %d", answer.StatusCode)
	}
	if status := b.status("/page"); status != http.StatusOK {
		t.Errorf("it ended a session: %d", status)
	}
}

// The keys are at hand: a provider that answers nothing while it waits for the logout is answered. A key that is not there is
// fetched: if the provider has none, the token is bad; while it cannot be asked, it is to try again.
func TestKeysOfLogoutTokens(t *testing.T) {
	w := newWeb(t, func(c *core.Config) { c.Timeout = time.Second })
	b := w.browser()
	b.logIn("alice")
	fetched := w.idp.Hits(oidctest.JWKS)
	w.idp.Fault(oidctest.JWKS, oidctest.Hang())
	w.idp.Fault(oidctest.Discovery, oidctest.Hang())
	if answer := w.backChannel(w.idp.LogoutToken("alice")); answer.StatusCode != http.StatusOK || w.idp.Hits(oidctest.JWKS) != fetched {
		t.Errorf("with known keys: %d, %d fetches", answer.StatusCode, w.idp.Hits(oidctest.JWKS)-fetched)
	}
	w.idp.Heal()
	if err := w.idp.RotateKey(""); err != nil {
		t.Fatal(err)
	}
	fresh := w.idp.LogoutToken("alice")
	w.idp.Fault(oidctest.JWKS, oidctest.Refused())
	away := w.backChannel(fresh)
	if away.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new key that cannot be fetched: %d %s", away.StatusCode, body(away))
	}
}

// After an outage of the keys the same token counts, as the provider repeats it.
func TestLogoutTokenAfterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBubbleWeb(t, nil)
		b := w.browser()
		b.logIn("alice")
		if err := w.idp.RotateKey(""); err != nil {
			t.Fatal(err)
		}
		token, foreign := w.idp.LogoutToken("alice"), w.idp.SignForeign("logout+jwt", oidctest.Claims{
			"iss": w.idp.Issuer(), "aud": oidctest.ConfidentialClient, "sub": "alice", "iat": time.Now().Unix(), "jti": "foreign", "events": logoutEvents(),
		})
		w.idp.Fault(oidctest.JWKS, oidctest.Refused())
		if answer := w.backChannel(token); answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("in the outage: %d", answer.StatusCode)
		}
		if status := b.status("/page"); status != http.StatusOK {
			t.Errorf("in the outage the session: %d", status)
		}
		w.idp.Heal()
		time.Sleep(time.Minute)
		if answer := w.backChannel(token); answer.StatusCode != http.StatusOK {
			t.Errorf("after it: %d %s", answer.StatusCode, body(answer))
		}
		if status := b.status("/page"); status != http.StatusUnauthorized {
			t.Errorf("after it the session: %d", status)
		}
		time.Sleep(time.Minute)
		if answer := w.backChannel(foreign); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a key that the provider does not have: %d", answer.StatusCode)
		}
		_ = w.auth.Close()
	})
}
