package core_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Header, claims and answer of a token that was minted after a login.
func TestBrokerMints(t *testing.T) {
	f := newFlow(t, brokered(byDefault))
	before := time.Now()
	token := f.tokens("alice")
	if token.TokenType != "Bearer" || len(token.RefreshToken) != 64 || token.RefreshToken == token.AccessToken {
		t.Errorf("access token and refresh token are one: %+v", token)
	}
	if left := token.Expires - before.Unix(); left < 3595 || left > 3605 || token.ExpiresIn < 3590 {
		t.Errorf("the token lives for %d s", left)
	}
	if left := token.RefreshExpires - before.Unix(); left < 30*24*3600-5 || left > 30*24*3600+5 {
		t.Errorf("the session lives for %d s", left)
	}
	header, payload := unpack(t, token.AccessToken)
	if header["alg"] != "RS256" || header["typ"] != "JWT" || len(header["kid"].(string)) != 16 || len(header) != 3 {
		t.Errorf("header %v", header)
	}
	caller := f.who(token.AccessToken)
	for name, want := range map[string]any{
		"sub": "alice", "preferred_username": "alice", "iss": brokerIssuer, "aud": brokerIssuer, "scope": token.Scope, "client_id": oidctest.ConfidentialClient,
		"idp_iss": f.idp.Issuer(), "idp_sub": "alice",
	} {
		if payload[name] != want {
			t.Errorf("%s is %v, not %v", name, payload[name], want)
		}
	}
	if len(payload["jti"].(string)) != 36 || len(payload["sid"].(string)) != 43 || strings.Contains(token.RefreshToken, payload["sid"].(string)[:16]) {
		t.Errorf("jti and sid: %v", payload)
	}
	if iat := int64(payload["iat"].(float64)); iat > time.Now().Unix()-4 {
		t.Errorf("iat %d is not back from %d", iat, time.Now().Unix())
	}
	if !slices.Contains(caller.Roles(), "admin") || caller.Name() == "" || caller.Email() == "" {
		t.Errorf("got %v %q %q", caller.Roles(), caller.Name(), caller.Email())
	}
}

func unpack(t testing.TB, token string) (header, payload map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &payload} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
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
		f := newFlow(t, brokered())
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

// Roles and groups are lists, of all that the provider says; a list without entries is one. Roles of other clients are not
// handed on to the services that trust this one, unless RolesOfAllClients says so: neither by a login, a refresh nor an exchange.
func TestBrokerRoles(t *testing.T) {
	f := newFlow(t, brokered())
	f.idp.Tamper(oidctest.IDTokens, func(c oidctest.Claims) { c["roles"] = []string{"from-id"} })
	f.idp.Tamper(oidctest.AccessTokens, func(c oidctest.Claims) {
		c["resource_access"] = oidctest.Claims{"app": oidctest.Claims{"roles": []string{"from-access"}}, "grafana": oidctest.Claims{"roles": []string{"of-grafana"}}}
	})
	f.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["groups"] = []string{"from-userinfo"} })
	caller := f.who(f.tokens("alice").AccessToken)
	for _, role := range []string{"from-id", "from-access", "from-userinfo", "admin"} {
		if !slices.Contains(caller.Roles(), role) {
			t.Errorf("%s is not in %v", role, caller.Roles())
		}
	}
	for all, service := range map[bool]*flowService{false: f, true: flowOver(t, f.idp, brokered(func(c *core.Config) { c.RolesOfAllClients = true }))} {
		login := service.tokens("alice")
		for name, token := range map[string]string{
			"login": login.AccessToken, "refresh": flowGranted(t, service.refresh(login.RefreshToken)).AccessToken,
			"exchange": flowGranted(t, service.exchange(f.idp.AccessToken("alice"), nil)).AccessToken,
		} {
			if got := service.who(token).Roles(); slices.Contains(got, "of-grafana") != all || !slices.Contains(got, "from-access") {
				t.Errorf("%s, all clients %v: %v", name, all, got)
			}
		}
	}
	f.idp.AddUser(oidctest.User{Name: "nobody", Claims: oidctest.Claims{"sub": "nobody"}})
	g := newFlow(t, brokered())
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
		f := newFlow(t, brokered())
		change(f.idp)
		for grant, token := range map[string]core.Token{"login": f.tokens("alice"), "exchange": flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil))} {
			if caller := f.who(token.AccessToken); caller.Subject() != "alice" || slices.Contains(caller.Roles(), "evil") {
				t.Errorf("%s, %s: %s %v", grant, name, caller, caller.Roles())
			}
		}
	}
}

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
		f := newFlow(t, brokered(func(config *core.Config) { config.Broker.SubjectClaim = c.claim }))
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
		f := newFlow(t, brokered(func(c *core.Config) { c.Broker.SubjectClaim = "upn" }))
		f.idp.AddUser(oidctest.User{Name: "dora", Claims: oidctest.Claims{"sub": "dora", "upn": "root"}})
		f.idp.Tamper(oidctest.IDTokens, func(c oidctest.Claims) { c["upn"] = value })
		flowRefused(t, name, f.post("token", f.loopback("dora")), http.StatusForbidden, "access_denied", whoIsIt)
	}
}

// An address is a name only where the same document says that it is verified.
func TestBrokerSubjectClaimEmail(t *testing.T) {
	const address = "boss@example.org"
	for name, c := range map[string]struct {
		user, idToken oidctest.Claims
		good          bool
	}{
		"verified":                      {oidctest.Claims{"email_verified": true}, nil, true},
		"not verified":                  {oidctest.Claims{"email_verified": false}, nil, false},
		"verified as a text":            {oidctest.Claims{"email_verified": "true"}, nil, false},
		"nothing said":                  {nil, nil, false},
		"verified in another document":  {oidctest.Claims{"email_verified": true}, oidctest.Claims{"email_verified": nil}, false},
		"another one, verified, behind": {oidctest.Claims{"email_verified": true}, oidctest.Claims{"email": "other@example.org", "email_verified": false}, false},
	} {
		f := newFlow(t, brokered(func(config *core.Config) { config.Broker.SubjectClaim = "email" }))
		user := oidctest.Claims{"sub": "dora", "email": address}
		maps.Copy(user, c.user)
		f.idp.AddUser(oidctest.User{Name: "dora", Claims: user})
		f.idp.Tamper(oidctest.IDTokens, func(token oidctest.Claims) { maps.Copy(token, c.idToken) })
		answers := map[string]*core.Response{"login": f.post("token", f.loopback("dora"))}
		if c.idToken == nil {
			answers["exchange"] = f.exchange(f.idp.AccessToken("dora"), nil)
		}
		for grant, answer := range answers {
			if !c.good {
				flowRefused(t, name+", "+grant, answer, http.StatusForbidden, "access_denied", whoIsIt)
				continue
			}
			if _, payload := unpack(t, flowGranted(t, answer).AccessToken); payload["sub"] != address {
				t.Errorf("%s, %s: sub is %v", name, grant, payload["sub"])
			}
		}
	}
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
	f := newFlow(t, brokered(), oidctest.WithOpaqueTokens())
	f.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["groups"] = groups })
	const tooMuch = "The OIDC provider says more about this user than a token can hold."
	flowRefused(t, "login", f.post("token", f.loopback("alice")), 502, "server_error", tooMuch)
	if f.idp.Hits(oidctest.Revocation) != 1 {
		t.Error("the provider's refresh token lives on")
	}
	g := newFlow(t, brokered())
	g.idp.Tamper(oidctest.UserInfoAnswers, func(c oidctest.Claims) { c["name"] = strings.Repeat("x", 20<<10) })
	flowRefused(t, "exchange", g.exchange(g.idp.AccessToken("alice"), nil), 502, "server_error", tooMuch)
}
