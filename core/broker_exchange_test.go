package core_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// imported makes a broker without a new key, which takes time.
func imported(changes ...func(*core.Config)) func(*core.Config) {
	return brokered(append([]func(*core.Config){func(c *core.Config) { c.Broker.ImportKey = sharedPEM() }}, changes...)...)
}

// Types and targets of RFC 8693.
func TestBrokerExchangeFields(t *testing.T) {
	f := newFlow(t, imported())
	subject := f.idp.AccessToken("alice")
	const access = "urn:ietf:params:oauth:token-type:access_token"
	for name, c := range map[string]struct {
		fields url.Values
		code   string
	}{
		"all said":           {url.Values{"subject_token_type": {access}, "requested_token_type": {access}, "audience": {brokerIssuer}, "resource": {brokerIssuer}}, ""},
		"ID token":           {url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}, "invalid_request"},
		"refresh token":      {url.Values{"requested_token_type": {"urn:ietf:params:oauth:token-type:refresh_token"}}, "invalid_request"},
		"jwt":                {url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}}, "invalid_request"},
		"actor":              {url.Values{"actor_token": {subject}, "actor_token_type": {access}}, "invalid_request"},
		"actor type alone":   {url.Values{"actor_token_type": {access}}, "invalid_request"},
		"another audience":   {url.Values{"audience": {"https://other.example"}}, "invalid_target"},
		"audience, slash":    {url.Values{"audience": {brokerIssuer + "/"}}, "invalid_target"},
		"another resource":   {url.Values{"resource": {"https://other.example"}}, "invalid_target"},
		"client as audience": {url.Values{"audience": {oidctest.ConfidentialClient}}, "invalid_target"},
	} {
		answer := f.exchange(subject, c.fields)
		if c.code == "" {
			flowGranted(t, answer)
		} else if answer.Status != 400 || !strings.Contains(string(answer.Body), `"error":"`+c.code+`"`) {
			t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
		}
	}
}

// The life is that of the subject, and no longer than TokenTTL.
func TestBrokerExchangeLife(t *testing.T) {
	f := newFlow(t, imported(func(c *core.Config) { c.Broker.TokenTTL = 10 * time.Minute }))
	for _, c := range []struct{ life, most int64 }{{60, 60}, {599, 599}, {3600, 600}, {1 << 40, 600}} {
		subject := f.idp.AccessToken("alice", oidctest.Claims{"exp": time.Now().Unix() + c.life})
		token := flowGranted(t, f.exchange(subject, nil))
		_, payload := unpack(t, token.AccessToken)
		left := token.Expires - time.Now().Unix()
		if left > c.most || left < c.most-5 || int64(payload["exp"].(float64)) != token.Expires || token.RefreshExpires != token.Expires || token.RefreshToken != "" {
			t.Errorf("%d s: %d left, %+v", c.life, left, payload)
		}
	}
}

// What becomes of the provider's claims.
func TestBrokerMintedClaims(t *testing.T) {
	for name, c := range map[string]struct {
		claims oidctest.Claims
		want   claims
	}{
		"as they are":        {nil, claims{"sub": "dora", "preferred_username": "dora", "email": nil}},
		"nested name":        {oidctest.Claims{"attrs": oidctest.Claims{"preferred_username": "root"}}, claims{"preferred_username": "dora"}},
		"name as a list":     {oidctest.Claims{"preferred_username": []string{"root"}, "name": []string{"R"}, "given_name": 7}, claims{"preferred_username": "dora", "name": nil, "given_name": nil}},
		"name of many words": {oidctest.Claims{"family_name": "van der Berg", "name": "Dora van der Berg"}, claims{"family_name": "van der Berg", "name": "Dora van der Berg"}},
		"email as a number":  {oidctest.Claims{"email": 7}, claims{"email": nil, "email_verified": nil}},
		"email not verified": {oidctest.Claims{"email": "d@example.org", "email_verified": "true"}, claims{"email": "d@example.org", "email_verified": nil}},
		"email verified":     {oidctest.Claims{"email": "d@example.org", "email_verified": true}, claims{"email": "d@example.org", "email_verified": true}},
		"claims of ours":     {oidctest.Claims{"sid": "x", "idp_sub": "root", "idp_iss": "https://evil.example", "exp2": 1}, claims{"idp_sub": "dora"}},
		"groups as a text":   {oidctest.Claims{"groups": "admin"}, claims{"groups": nil}},
	} {
		f := newFlow(t, imported())
		user := oidctest.Claims{"sub": "dora"}
		for claim, value := range c.claims {
			user[claim] = value
		}
		f.idp.AddUser(oidctest.User{Name: "dora", Claims: user})
		for grant, token := range map[string]core.Token{"login": f.tokens("dora"), "exchange": flowGranted(t, f.exchange(f.idp.AccessToken("dora"), nil))} {
			_, payload := unpack(t, token.AccessToken)
			for claim, want := range c.want {
				if payload[claim] != want {
					t.Errorf("%s, %s: %s is %v, not %v", grant, name, claim, payload[claim], want)
				}
			}
			if payload["sid"] == "x" || payload["idp_iss"] != f.idp.Issuer() {
				t.Errorf("%s, %s: the provider's claims took the place of ours", grant, name)
			}
		}
	}
}

// Roles and groups are lists, of all that the provider says; a list without entries is one.
func TestBrokerRoles(t *testing.T) {
	f := newFlow(t, imported())
	f.idp.Tamper(oidctest.IDTokens, func(c oidctest.Claims) { c["roles"] = []string{"from-id"} })
	f.idp.Tamper(oidctest.AccessTokens, func(c oidctest.Claims) {
		c["resource_access"] = oidctest.Claims{"x": oidctest.Claims{"roles": []string{"from-access"}}}
	})
	f.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["groups"] = []string{"from-userinfo"} })
	caller := f.who(f.tokens("alice").AccessToken)
	for _, role := range []string{"from-id", "from-access", "from-userinfo", "admin"} {
		if !slices.Contains(caller.Roles(), role) {
			t.Errorf("%s is not in %v", role, caller.Roles())
		}
	}
	f.idp.AddUser(oidctest.User{Name: "nobody", Claims: oidctest.Claims{"sub": "nobody"}})
	g := newFlow(t, imported())
	g.idp.AddUser(oidctest.User{Name: "nobody", Claims: oidctest.Claims{"sub": "nobody"}})
	_, payload := unpack(t, g.tokens("nobody").AccessToken)
	if roles, ok := payload["roles"].([]any); !ok || len(roles) != 0 {
		t.Errorf("the roles of nobody are %v, not []", payload["roles"])
	}
}

// Userinfo about somebody else is not believed, and one that fails costs nothing.
func TestBrokerUserInfoOfAnother(t *testing.T) {
	for name, change := range map[string]func(*oidctest.Provider){
		"another sub": func(p *oidctest.Provider) {
			p.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["sub"], c["roles"] = "root", []string{"evil"} })
		},
		"no sub": func(p *oidctest.Provider) {
			p.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { delete(c, "sub"); c["roles"] = []string{"evil"} })
		},
		"40 KB": func(p *oidctest.Provider) {
			p.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["x"], c["roles"] = strings.Repeat("x", 40<<10), []string{"evil"} })
		},
		"down": func(p *oidctest.Provider) { p.Fault(oidctest.UserInfo, oidctest.Refused()) },
		"HTML": func(p *oidctest.Provider) { p.Fault(oidctest.UserInfo, oidctest.HTML(200)) },
	} {
		f := newFlow(t, imported())
		change(f.idp)
		for grant, token := range map[string]core.Token{"login": f.tokens("alice"), "exchange": flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil))} {
			if caller := f.who(token.AccessToken); caller.Subject() != "alice" || slices.Contains(caller.Roles(), "evil") {
				t.Errorf("%s, %s: %s %v", grant, name, caller, caller.Roles())
			}
		}
	}
}

const whoIsIt = "The provider does not say who this user is."

// sub by another claim: that claim and no other.
func TestBrokerSubjectClaim(t *testing.T) {
	for name, c := range map[string]struct {
		claim string
		value any
		want  string
	}{
		"sub":        {"", "dora", "dora"},
		"name":       {"preferred_username", "dd", "dd"},
		"missing":    {"upn", nil, ""},
		"empty":      {"upn", "", ""},
		"a number":   {"upn", 7, ""},
		"a list":     {"upn", []string{"dd"}, ""},
		"an object":  {"upn", oidctest.Claims{"a": "dd"}, ""},
		"other case": {"UPN", nil, ""},
		"a path":     {"realm_access.roles", nil, ""},
	} {
		f := newFlow(t, imported(func(config *core.Config) { config.Broker.SubjectClaim = c.claim }))
		user := oidctest.Claims{"sub": "dora", "upn": "x", "preferred_username": "y"}
		if name := c.claim; name != "" && name != "UPN" && !strings.Contains(name, ".") {
			user[name] = c.value
		}
		if c.value == nil && c.claim == "upn" {
			delete(user, "upn")
		}
		f.idp.AddUser(oidctest.User{Name: "dora", Claims: user})
		login, exchange := f.post("token", f.loopback("dora")), f.exchange(f.idp.AccessToken("dora"), nil)
		if c.want == "" {
			flowRefused(t, name, login, http.StatusForbidden, "access_denied", whoIsIt)
			flowRefused(t, name, exchange, http.StatusForbidden, "access_denied", whoIsIt)
			if f.idp.Hits(oidctest.Revocation) != 1 {
				t.Errorf("%s: the provider's refresh token lives on", name)
			}
			continue
		}
		for _, answer := range []*core.Response{login, exchange} {
			_, payload := unpack(t, flowGranted(t, answer).AccessToken)
			if payload["sub"] != c.want || payload["idp_sub"] != "dora" {
				t.Errorf("%s: sub is %v", name, payload["sub"])
			}
		}
	}
}

// The first document that has the claim decides; what it says there cannot be used, and no other is asked.
func TestBrokerSubjectClaimOfFirstDocument(t *testing.T) {
	for name, value := range map[string]any{"a number": 7, "empty": "", "a list": []string{"root"}} {
		f := newFlow(t, imported(func(c *core.Config) { c.Broker.SubjectClaim = "upn" }))
		f.idp.AddUser(oidctest.User{Name: "dora", Claims: oidctest.Claims{"sub": "dora", "upn": "root"}})
		f.idp.Tamper(oidctest.IDTokens, func(c oidctest.Claims) { c["upn"] = value })
		flowRefused(t, name, f.post("token", f.loopback("dora")), http.StatusForbidden, "access_denied", whoIsIt)
	}
}

// Config.Require decides at login, refresh and exchange: 403, and nothing lives on at the provider.
func TestBrokerRequireAtMint(t *testing.T) {
	f := newFlow(t, imported(func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} }))
	for what, answer := range map[string]*core.Response{"login": f.post("token", f.loopback("bob")), "exchange": f.exchange(f.idp.AccessToken("bob"), nil)} {
		if answer.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
		}
	}
	if f.idp.Hits(oidctest.Revocation) != 1 || f.idp.Last(oidctest.Revocation).Form.Get("token_type_hint") != "refresh_token" {
		t.Error("the provider's refresh token lives on")
	}
	alice := f.tokens("alice")
	f.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice"}}) // no admin any more
	if answer := f.refresh(alice.RefreshToken); answer.Status != http.StatusForbidden {
		t.Errorf("refresh: %d %s", answer.Status, answer.Body)
	}
	f.idp.AddUser(oidctest.User{Name: "alice", Claims: oidctest.Claims{"sub": "alice", "roles": []string{"admin"}}})
	f.who(flowGranted(t, f.refresh(alice.RefreshToken)).AccessToken)

	scoped := newFlow(t, imported(func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("staff")} }))
	if answer := scoped.exchange(scoped.idp.AccessToken("alice"), nil); answer.Status != http.StatusForbidden {
		t.Errorf("without the scope: %d %s", answer.Status, answer.Body)
	}
	staff := scoped.idp.AccessToken("alice", oidctest.Claims{"scope": "openid staff"})
	if answer := scoped.exchange(staff, url.Values{"scope": {"openid"}}); answer.Status != http.StatusForbidden {
		t.Errorf("narrowed: %d %s", answer.Status, answer.Body)
	}
	scoped.who(flowGranted(t, scoped.exchange(staff, nil)).AccessToken)
}

// A person about whom the provider says more than a token holds is refused, and nothing lives on at the provider.
func TestBrokerTokenTooLarge(t *testing.T) {
	groups := make([]string, 600)
	for i := range groups {
		groups[i] = "/a/group/with/a/long/name/" + strings.Repeat("x", i%7)
	}
	for i := range groups {
		groups[i] += string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	f := newFlow(t, imported(), oidctest.WithOpaqueTokens())
	f.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["groups"] = groups })
	const tooMuch = "The OIDC provider says more about this user than a token can hold."
	flowRefused(t, "login", f.post("token", f.loopback("alice")), 502, "server_error", tooMuch)
	if f.idp.Hits(oidctest.Revocation) != 1 {
		t.Error("the provider's refresh token lives on")
	}
	g := newFlow(t, imported())
	g.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["groups"] = groups })
	flowRefused(t, "exchange", g.exchange(g.idp.AccessToken("alice"), nil), 502, "server_error", tooMuch)
}

// Provider down at an exchange: 503 before its keys are known, and no need of it afterwards.
func TestBrokerExchangeOutage(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	f := flowOver(t, idp, imported())
	if answer := f.exchange(idp.AccessToken("alice"), nil); answer.Status != 503 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	idp.Heal()
	g := flowOver(t, idp, imported())
	flowGranted(t, g.exchange(idp.AccessToken("alice"), nil))
	for _, endpoint := range []oidctest.Endpoint{oidctest.JWKS, oidctest.Discovery, oidctest.UserInfo, oidctest.Token} {
		idp.Fault(endpoint, oidctest.Refused())
	}
	flowGranted(t, g.exchange(idp.AccessToken("alice"), nil))
}
