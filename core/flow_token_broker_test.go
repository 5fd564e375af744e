package core_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"

// hostile lists values that an attacker may put into a field.
var hostile = map[string]string{
	"operator": `{"$gt":""}`, "SQL": `' OR 1=1 --`, "NUL": "\x00", "path": "../../../etc/passwd", "CR LF": "x\r\nSet-Cookie: a=b", "null": "null",
	"16 KB": strings.Repeat("A", 16<<10), "17 KB": strings.Repeat("A", 17<<10), "not UTF-8": "\xff\xfe\xc3\x28", "spaces": "   ", "dots": "..", "JSON": `["a"]`,
	"64 letters": strings.Repeat("A", 64), "64 and a line end": strings.Repeat("A", 63) + "\n", "star": "*", "percent": "%00%0d%0a", "URL": "https://evil.example/",
}

// A hostile value in any field of the token route is refused with a fixed text, and the provider is not called.
func TestBrokerHostileForms(t *testing.T) {
	f := newFlow(t, brokered())
	subject := f.idp.AccessToken("alice")
	f.who(flowGranted(t, f.exchange(subject, nil)).AccessToken)
	for _, field := range []string{"refresh-token", "subject_token", "subject_token_type", "requested_token_type", "audience", "resource", "actor_token", "actor_token_type", "grant_type"} {
		for name, value := range hostile {
			form := url.Values{field: {value}}
			switch field {
			case "refresh-token":
			case "grant_type":
				form.Set("subject_token", subject)
			case "subject_token":
				form.Set("grant_type", exchangeGrant)
			default:
				form.Set("grant_type", exchangeGrant)
				form.Set("subject_token", subject)
			}
			before := f.traffic.total()
			answer := f.post("token", form)
			fixedRefusal(t, field+" "+name, answer, value)
			if after := f.traffic.total(); after != before {
				t.Errorf("%s %s: the provider was asked", field, name)
			}
		}
	}
}

// fixedRefusal checks a 4xx that repeats nothing of the request.
func fixedRefusal(t testing.TB, what string, answer *core.Response, sent string) {
	t.Helper()
	var body struct {
		Detail string `json:"detail"`
		Error  string `json:"error"`
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil || answer.Status < 400 || answer.Status > 499 || body.Detail == "" || body.Error == "" {
		t.Errorf("%s: got %d %.200s", what, answer.Status, answer.Body)
	}
	if len(sent) > 4 && sent != "null" && strings.Contains(string(answer.Body), sent) {
		t.Errorf("%s: the answer repeats it: %.200s", what, answer.Body)
	}
	flowNoStore(t, answer)
}

// A hostile scope leads neither to a wider token nor to a 5xx.
func TestBrokerHostileScope(t *testing.T) {
	f := newFlow(t, brokered())
	subject := f.idp.AccessToken("alice", oidctest.Claims{"scope": "openid email"})
	for name, c := range map[string]struct{ asked, granted string }{
		"nothing": {"", "openid email"}, "the same": {"email openid", "openid email"}, "less": {"email", "email"}, "more": {"openid email admin", "openid email"},
		"another": {"admin", ""}, "twice": {"email email", "email"}, "tabs": {"email\tadmin", "email"}, "prefix": {"emai", ""}, "case": {"EMAIL", ""},
	} {
		token := flowGranted(t, f.exchange(subject, url.Values{"scope": {c.asked}}))
		_, payload := unpack(t, token.AccessToken)
		if token.Scope != c.granted || payload["scope"] != c.granted {
			t.Errorf("%s: got %q and %q, want %q", name, token.Scope, payload["scope"], c.granted)
		}
	}
	for name, value := range hostile {
		answer := f.exchange(subject, url.Values{"scope": {value}})
		if answer.Status >= 500 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
		if answer.Status == 200 {
			if scope := flowGranted(t, answer).Scope; scope != "" && scope != "openid email" {
				t.Errorf("%s: scope %q", name, scope)
			}
		}
	}
}

// One grant at a time, each field once.
func TestBrokerOneGrant(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	subject := f.idp.AccessToken("alice")
	before := f.hits()
	for name, form := range map[string]url.Values{
		"exchange and refresh":     {"grant_type": {exchangeGrant}, "subject_token": {subject}, "refresh-token": {token.RefreshToken}},
		"exchange and device":      {"grant_type": {exchangeGrant}, "subject_token": {subject}, "device-code": {"x"}},
		"exchange and code":        {"grant_type": {exchangeGrant}, "subject_token": {subject}, "code": {"x"}},
		"refresh and device":       {"refresh-token": {token.RefreshToken}, "device-code": {"x"}},
		"two subjects":             {"grant_type": {exchangeGrant}, "subject_token": {subject, subject}},
		"two audiences":            {"grant_type": {exchangeGrant}, "subject_token": {subject}, "audience": {brokerIssuer, brokerIssuer}},
		"two refresh tokens":       {"refresh-token": {token.RefreshToken}, "refresh_token": {token.RefreshToken}},
		"no subject":               {"grant_type": {exchangeGrant}},
		"empty subject":            {"grant_type": {exchangeGrant}, "subject_token": {""}},
		"subject without grant":    {"subject_token": {subject}},
		"refresh named exchange":   {"grant_type": {exchangeGrant}, "refresh-token": {token.RefreshToken}},
		"subject named refresh":    {"grant_type": {"refresh_token"}, "subject_token": {subject}},
		"JWT bearer grant":         {"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {subject}},
		"client credentials":       {"grant_type": {"client_credentials"}},
		"password":                 {"grant_type": {"password"}, "username": {"alice"}, "password": {"x"}},
		"empty refresh token":      {"refresh-token": {""}},
		"exchange in another case": {"grant_type": {strings.ToUpper(exchangeGrant)}, "subject_token": {subject}},
	} {
		fixedRefusal(t, name, f.post("token", form), subject)
	}
	if f.hits() != before {
		t.Error("the provider was asked")
	}
	flowGranted(t, f.refresh(token.RefreshToken))
}

// Each kind of token in each wrong place.
func TestBrokerTokensInWrongPlaces(t *testing.T) {
	f := newFlow(t, brokered(importing))
	var id, refresh string
	f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) {
		id, refresh = answer["id_token"].(string), answer["refresh_token"].(string)
	})
	mine := f.tokens("alice")
	access := f.idp.AccessToken("alice")
	python := rsaToken(t, sharedKey(), kidOf(sharedKey()), pythonClaims(brokerIssuer, brokerIssuer))
	forged := f.idp.SignForeign("at+jwt", f.idp.AccessClaims("alice"))
	expired := f.idp.AccessToken("alice", oidctest.Claims{"exp": int64(1)})
	foreign := f.idp.AccessToken("alice", oidctest.Claims{"aud": "x", "azp": "x", "client_id": "x"})
	tokens := map[string]string{
		"ID token": id, "provider's refresh token": refresh, "provider's access token": access, "own access token": mine.AccessToken,
		"own refresh token": mine.RefreshToken, "Python token": python, "forged": forged, "expired": expired, "foreign": foreign, "cut": access[:len(access)-2], "own, cut": mine.AccessToken[:len(mine.AccessToken)-2],
	}
	allowed := map[string]string{"own access token": "bearer", "Python token": "bearer", "provider's access token": "subject", "own refresh token": "refresh"}
	for name, token := range tokens {
		if token == "" {
			t.Fatalf("no %s", name)
		}
		if status := f.status(token); (status == 200) != (allowed[name] == "bearer") || status != 200 && status != 401 {
			t.Errorf("%s as bearer: %d", name, status)
		}
		if allowed[name] != "subject" {
			flowRefused(t, name+" as subject", f.exchange(token, nil), 400, "invalid_grant", "Invalid token")
		}
		if allowed[name] != "refresh" {
			flowRefused(t, name+" as refresh token", f.refresh(token), 401, "invalid_grant", sessionGone)
		}
	}
	if hits := f.idp.Hits(oidctest.Token); hits != 1 {
		t.Errorf("the provider's token endpoint was asked %d times", hits)
	}
	flowGranted(t, f.refresh(mine.RefreshToken))
}

// Neither the handle nor the secret of a refresh token can be derived from public data.
func TestBrokerForgedRefreshTokens(t *testing.T) {
	f := newFlow(t, brokered())
	mine := f.tokens("alice")
	_, payload := unpack(t, mine.AccessToken)
	sid := payload["sid"].(string)
	for name, token := range map[string]string{
		"sid": sid, "sid and more": sid + strings.Repeat("A", 21), "handle alone": mine.RefreshToken[:21], "padded": mine.RefreshToken + "=", "a space more": mine.RefreshToken + " ",
		"lower case": strings.ToLower(mine.RefreshToken), "one more": mine.RefreshToken + "A", "one less": mine.RefreshToken[1:],
	} {
		flowRefused(t, name, f.refresh(token), 401, "invalid_grant", sessionGone)
	}
	flowGranted(t, f.refresh(mine.RefreshToken))
	other := f.tokens("bob")
	mixed := other.RefreshToken[:22] + mine.RefreshToken[22:]
	flowRefused(t, "two mixed", f.refresh(mixed), 401, "invalid_grant", sessionGone)
}

// Passthrough mode offers none of this.
func TestPassthroughHasNoBroker(t *testing.T) {
	f := newFlow(t, nil)
	if _, ok := f.routes["jwks"]; ok {
		t.Error("a jwks route")
	}
	answer := f.exchange(f.idp.AccessToken("alice"), nil)
	flowRefused(t, "exchange", answer, 400, "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered")
	if err := f.auth.RotateKey(t.Context()); err == nil {
		t.Error("RotateKey")
	}
	f.who(f.idp.AccessToken("alice"))
	g := newFlow(t, brokered(func(c *core.Config) { c.Audience = []string{core.AnyAudience} }))
	answer = g.exchange(g.idp.AccessToken("alice"), nil)
	flowRefused(t, "under AnyAudience", answer, 400, "unsupported_grant_type", "unsupported_grant_type: this grant_type is not offered")
	if _, err := g.auth.Routes(core.Paths{Token: core.Off}); err == nil {
		t.Error("broker mode without its token route")
	}
}

// No refusal and no log line contains a secret of the service.
func TestBrokerTellsNoSecret(t *testing.T) {
	db := &flawedStore{Store: store.NewMemory()}
	f := newFlow(t, brokered(func(c *core.Config) {
		importing(c)
		c.Store = db
	}))
	f.traffic.keep(f.idp.Config().SecretKeys...)
	for _, line := range strings.Split(string(sharedPEM()), "\n") {
		if !strings.HasPrefix(line, "---") {
			f.traffic.keep(line)
		}
	}
	mine := f.tokens("alice")
	next := flowGranted(t, f.refresh(mine.RefreshToken))
	exchanged := flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil))
	f.traffic.keep(mine.RefreshToken, mine.AccessToken, next.RefreshToken, next.AccessToken, exchanged.AccessToken)
	third := flowGranted(t, f.refresh(next.RefreshToken))
	f.traffic.keep(third.RefreshToken)
	f.refresh(mine.RefreshToken)
	f.refresh(third.RefreshToken)
	f.exchange(exchanged.AccessToken, nil)
	f.status(mine.AccessToken + "x")
	db.down(true)
	f.refresh(third.RefreshToken)
	f.leave(exchanged.AccessToken)
	f.post("token", f.loopback("alice"))
	_ = f.auth.RotateKey(t.Context())
	if err := f.auth.Ready(t.Context()); err != nil {
		f.traffic.clean(t, "Ready", err.Error())
	}
}

// A request with a grant_type gets the status of RFC 6749 section 5.2 and no challenge, because standard clients read a
// challenge instead of the error. A request without one comes from the Python client and gets the 401 of the Python library.
func TestEndedSessionStatus(t *testing.T) {
	f := newFlow(t, brokered())
	for name, c := range map[string]struct {
		form   url.Values
		status int
	}{
		"named":             {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, http.StatusBadRequest},
		"hyphens, named":    {url.Values{"grant-type": {"refresh_token"}, "refresh-token": {"x"}}, http.StatusBadRequest},
		"not named":         {url.Values{"refresh_token": {"x"}}, http.StatusUnauthorized},
		"the Python client": {url.Values{"refresh-token": {"x"}}, http.StatusUnauthorized},
	} {
		answer := f.post("token", c.form)
		flowRefused(t, name, answer, c.status, "invalid_grant", sessionGone)
		if challenge := answer.Header.Get("WWW-Authenticate"); (challenge != "") != (c.status == http.StatusUnauthorized) {
			t.Errorf("%s: %d with challenge %q", name, c.status, challenge)
		}
	}
	flowRefused(t, "exchange", f.exchange("x", nil), http.StatusBadRequest, "invalid_grant", "Invalid token")
}

// An answer without a refresh token has no member refresh_token, because clients refuse an empty one.
func TestNoEmptyRefreshToken(t *testing.T) {
	without := oidctest.WithoutRefreshTokens()
	answers := map[string][]byte{}
	f := newFlow(t, nil, without)
	answers["passthrough"] = f.post("token", f.loopback("alice")).Body
	b := newFlow(t, brokered(), without)
	answers["broker"] = b.post("token", b.loopback("alice")).Body
	answers["exchange"] = b.exchange(b.idp.AccessToken("alice"), nil).Body
	for name, body := range answers {
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatal(err)
		}
		_, there := members["refresh_token"]
		if there || members["access_token"] == nil || members["refresh_expires"] != members["expires"] {
			t.Errorf("%s: %s", name, body)
		}
	}
}
