package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// exchangeAnswer is the answer to a successful token exchange: without a refresh token, with the type of the token.
func exchangeAnswer(scope string) string {
	return jsonWith(http.StatusOK, `{"access_token":"…","token_type":"Bearer","expires":…,"expires_in":…,"refresh_expires":…,`+
		`"scope":"`+scope+`","issued_token_type":"`+accessTokenType+`"}`)
}

// testExchange: a token of the provider is exchanged for one of this service, with no more scopes and no longer life (RFC 8693).
func testExchange(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		standard(t, app)
		app.Get("/email", who, Required(core.Scopes("email")))
	}})
	subject := s.idp.AccessToken("alice")
	for name, test := range map[string]struct {
		form  url.Values
		scope string
	}{
		"alone":       {exchangeOf(subject), "openid profile email"},
		"spelled out": {exchangeOf(subject, "subject_token_type", accessTokenType, "requested_token_type", accessTokenType), "openid profile email"},
		"for us":      {exchangeOf(subject, "audience", publicURL, "resource", publicURL), "openid profile email"},
		"less":        {exchangeOf(subject, "scope", "email openid"), "openid email"},
		"not more":    {exchangeOf(subject, "scope", "email admin"), "email"},
		"client":      {exchangeOf(subject, "client_id", "app", "anything", "at all"), "openid profile email"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			got := s.post(token, test.form)
			got.is(exchangeAnswer(test.scope))
			var tokens core.Token
			if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
				t.Fatal(err)
			}
			s.get("/me", "Authorization: Bearer "+tokens.AccessToken).is(seen("alice", 2))
			s.get("/email", "Authorization: Bearer "+tokens.AccessToken).is(seen("alice", 1))
			if tokens.Expires > time.Now().Add(6*time.Minute).Unix() {
				t.Errorf("it outlives its subject: %d", tokens.Expires)
			}
		})
	}
	body, kind := multipartBody(t, exchangeOf(subject), false)
	s.send(http.MethodPost, token, strings.NewReader(string(body)), "Content-Type: "+kind).is(exchangeAnswer("openid profile email"))

	got := s.post(token, exchangeOf(subject, "scope", "openid"))
	var tokens core.Token
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
		t.Fatal(err)
	}
	s.get("/email", "Authorization: Bearer "+tokens.AccessToken).is(lacksScopes("email", "email"))
}

func testExchangeRefusals(t *testing.T, a setup) {
	s := a.open(t, plan{})
	good := s.idp.AccessToken("alice")
	kind := invalid("Only access tokens are exchanged, for access tokens.")
	target := badRequest("invalid_target", "tokens are issued for this service alone")
	actor := invalid("An actor_token is not accepted.")
	for name, test := range map[string]struct {
		form url.Values
		want string
	}{
		"ID token type":      {exchangeOf(good, "subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), kind},
		"refresh token type": {exchangeOf(good, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), kind},
		"another audience":   {exchangeOf(good, "audience", "https://other.example.org/api"), target},
		"another resource":   {exchangeOf(good, "resource", "https://other.example.org/api"), target},
		"almost":             {exchangeOf(good, "resource", publicURL+"/"), target},
		"actor":              {exchangeOf(good, "actor_token", good), actor},
		"type of an actor":   {exchangeOf(good, "actor_token_type", accessTokenType), actor},
		"two subjects":       {exchangeOf(good, "subject_token", good), invalid("Parameter subject_token is given more than once.")},
		"two audiences":      {exchangeOf(good, "audience", publicURL, "audience", "x"), invalid("Parameter audience is given more than once.")},
		"two grants":         {exchangeOf(good, "code", "x"), invalid("More than one grant is given.")},
		"too long":           {exchangeOf(strings.Repeat("x", 16<<10+1)), invalid("Parameter subject_token is too long.")},
		"own token":          {exchangeOf(s.token("alice")), s.badSubject},
		"refresh token":      {exchangeOf(s.tokens(s.codeForm("alice")).RefreshToken), s.badSubject},
		"ID token":           {exchangeOf(anIDToken(s.idp)), s.badSubject},
		"refreshed ID token": {exchangeOf(s.idp.IDToken("alice")), s.badSubject},
		"unmarked":           {exchangeOf(s.idp.UnmarkedAccessToken("alice")), s.badSubject},
		"changed":            {exchangeOf(changed(good)), s.badSubject},
		"expired":            {exchangeOf(s.idp.AccessToken("alice", oidctest.Claims{"exp": int64(1)})), s.badSubject},
		"issued to us":       {exchangeOf(s.idp.AccessToken("alice", oidctest.Claims{"aud": "x"})), s.badSubject},
		"without audience":   {exchangeOf(s.idp.AccessToken("alice", oidctest.Claims{"aud": nil})), s.badSubject},
		"another service's":  {exchangeOf(s.idp.AccessToken("alice", oidctest.Claims{"aud": "x", "azp": "x", "client_id": "x"})), s.badSubject},
	} {
		t.Run(name, func(t *testing.T) { s.in(t).post(token, test.form).is(test.want) })
	}
	t.Run("not a member", func(t *testing.T) {
		s := a.open(t, plan{beside: s, config: func(cfg *core.Config) { cfg.Require = []core.Requirement{core.Roles("admin")} }})
		s.post(token, exchangeOf(s.idp.AccessToken("bob"))).is(lacksClaims())
		s.post(token, exchangeOf(good)).is(exchangeAnswer("openid profile email"))
	})
	t.Run("any audience", func(t *testing.T) {
		s := a.open(t, plan{beside: s, config: func(cfg *core.Config) { cfg.Audience = []string{core.AnyAudience} }})
		s.post(token, exchangeOf(good)).is(badRequest("unsupported_grant_type", "this grant_type is not offered"))
	})
	t.Run("outage", func(t *testing.T) {
		s := a.open(t, plan{beside: s})
		s.idp.Fault(oidctest.JWKS, oidctest.Refused())
		s.post(token, exchangeOf(good)).is(outage(http.StatusServiceUnavailable, "OIDC server unavailable, cannot validate token."))
	})
}
