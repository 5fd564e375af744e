package core_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// flowNobody removes all names from a user's claims.
func flowNobody(claims oidctest.Claims) oidctest.Claims {
	all := oidctest.Claims{"preferred_username": nil, "email": nil, "name": nil, "given_name": nil, "family_name": nil}
	for name, value := range claims {
		all[name] = value
	}
	return all
}

func (f *flowService) userInfo(authorization string) *core.Response {
	f.t.Helper()
	return f.get("userinfo", nil, "Authorization: "+authorization)
}

// The mapping of claims: values are not truncated, only strings count, and the provider is not called.
func TestUserInfoMapping(t *testing.T) {
	f := newFlow(t, nil)
	for name, c := range map[string]struct {
		claims oidctest.Claims
		want   core.UserInfo
	}{
		"username alone":         {oidctest.Claims{"preferred_username": "u"}, core.UserInfo{Username: "u"}},
		"usual":                  {oidctest.Claims{"preferred_username": "u", "email": "e", "given_name": "Jane", "family_name": "Doe", "name": "Jane Doe"}, core.UserInfo{Username: "u", Email: "e", FirstName: "Jane", LastName: "Doe"}},
		"order of usernames":     {oidctest.Claims{"username": "4", "uid": "3", "user_name": "2", "preferred_username": "1"}, core.UserInfo{Username: "1"}},
		"user_name":              {oidctest.Claims{"username": "4", "uid": "3", "user_name": "2"}, core.UserInfo{Username: "2"}},
		"uid":                    {oidctest.Claims{"username": "4", "uid": "3"}, core.UserInfo{Username: "3"}},
		"hyphens first":          {oidctest.Claims{"preferred_username": "b", "preferred-username": "a", "first_name": "d", "first-name": "c", "last_name": "f", "last-name": "e"}, core.UserInfo{Username: "a", FirstName: "c", LastName: "e"}},
		"empty ones are skipped": {oidctest.Claims{"preferred_username": "", "uid": "u", "mail": "", "email": "e"}, core.UserInfo{Username: "u", Email: "e"}},
		"mail before email":      {oidctest.Claims{"uid": "u", "email": "b", "mail": "a"}, core.UserInfo{Username: "u", Email: "a"}},
		"any case":               {oidctest.Claims{"Preferred_Username": "u", "EMAIL": "e", "First-Name": "F"}, core.UserInfo{Username: "u", Email: "e", FirstName: "F"}},
		"surname":                {oidctest.Claims{"uid": "u", "surname": "S", "first_name": "F"}, core.UserInfo{Username: "u", FirstName: "F", LastName: "S"}},
		"first_name first":       {oidctest.Claims{"uid": "u", "given_name": "G", "first_name": "F"}, core.UserInfo{Username: "u", FirstName: "F"}},
		"several words":          {oidctest.Claims{"uid": "u", "given_name": "Mary Ann", "family_name": "van der Berg"}, core.UserInfo{Username: "u", FirstName: "Mary Ann", LastName: "van der Berg"}},
		"from the name":          {oidctest.Claims{"uid": "u", "given_name": "Mary Ann", "name": "Mary Ann van der Berg"}, core.UserInfo{Username: "u", FirstName: "Mary Ann", LastName: "van der Berg"}},
		"the name alone":         {oidctest.Claims{"uid": "u", "name": "Jane Doe"}, core.UserInfo{Username: "u", LastName: "Jane Doe"}},
		"a list":                 {oidctest.Claims{"preferred_username": []string{"root"}, "uid": "u", "name": []string{"x"}, "given_name": 7}, core.UserInfo{Username: "u"}},
		"nested":                 {oidctest.Claims{"attrs": oidctest.Claims{"preferred_username": "root", "email": "root@x"}, "username": "u"}, core.UserInfo{Username: "u"}},
		"no ASCII, and HTML":     {oidctest.Claims{"uid": "Zoë <b>", "email": "é@x"}, core.UserInfo{Username: "Zoë <b>", Email: "é@x"}},
	} {
		c.want.PwName = c.want.Username
		answer := f.userInfo(f.idp.Bearer("alice", flowNobody(c.claims)))
		var got core.UserInfo
		if err := json.Unmarshal(answer.Body, &got); err != nil || answer.Status != 200 || got != c.want {
			t.Errorf("%s: got %d %s, want %+v", name, answer.Status, answer.Body, c.want)
		}
		flowNoStore(t, answer)
	}
	want := `{"username":"alice","last_name":"Adams","first_name":"Alice","pw_name":"alice","email":"alice@example.org"}`
	if answer := f.userInfo(f.idp.Bearer("alice")); string(answer.Body) != want {
		t.Errorf("got %s, want %s", answer.Body, want)
	}
	if f.idp.Hits(oidctest.UserInfo) != 0 {
		t.Error("the provider was asked although the token names a user")
	}
}

// If the token has no username, the provider is called with that token; its answer must have the token's subject.
func TestUserInfoOfTheProvider(t *testing.T) {
	f := newFlow(t, nil)
	bearer := f.idp.Bearer("alice", flowNobody(nil))
	profile := oidctest.Claims{"preferred_username": "alice", "email": "alice@example.org", "given_name": "Alice", "family_name": "Adams"}
	f.idp.Tamper(oidctest.UserInfoAnswers, func(answer oidctest.Claims) { maps.Copy(answer, profile) })
	want := `{"username":"alice","last_name":"Adams","first_name":"Alice","pw_name":"alice","email":"alice@example.org"}`
	if answer := f.userInfo(bearer); answer.Status != 200 || string(answer.Body) != want {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	if asked := f.idp.Last(oidctest.UserInfo); asked.Header.Get("Authorization") != bearer || len(asked.Query) > 0 || asked.Method != "GET" {
		t.Errorf("the provider got %v", asked)
	}
	tamper := func(change oidctest.Claims) *core.Response {
		f.idp.Tamper(oidctest.UserInfoAnswers, func(answer oidctest.Claims) {
			maps.Copy(answer, profile)
			for name, value := range change {
				if answer[name] = value; value == nil {
					delete(answer, name)
				}
			}
		})
		return f.userInfo(bearer)
	}
	for name, change := range map[string]oidctest.Claims{
		"of another": {"sub": "bob"}, "absent": {"sub": nil}, "empty": {"sub": ""}, "a list": {"sub": []string{"alice"}}, "a number": {"sub": 1}, "case": {"sub": "Alice"}, "another name": {"sub": nil, "Sub": "alice"},
	} {
		flowRefused(t, "sub "+name, tamper(change), 502, "server_error", flowUnusable)
	}
	flowRefused(t, "no username", tamper(oidctest.Claims{"preferred_username": nil}), 404, "", "")
	flowRefused(t, "no text", tamper(oidctest.Claims{"preferred_username": []string{"alice"}}), 404, "", "")
	f.idp.Tamper(oidctest.UserInfoAnswers, nil)
	for name, c := range map[string]struct {
		fault        oidctest.Fault
		status       int
		code, detail string
	}{
		"401": {oidctest.ErrorCode(401, "invalid_token"), 401, "invalid_token", "Invalid token"}, "403": {oidctest.ErrorCode(403, "insufficient_scope"), 401, "invalid_token", "Invalid token"},
		"400": {oidctest.ErrorCode(400, "upstream-secret"), 502, "server_error", "The OIDC provider refused this service's request."}, "404": {oidctest.HTML(404), 502, "server_error", "The OIDC provider refused this service's request."},
		"500": {oidctest.Status(500), 503, "", "The OIDC provider cannot be reached."}, "a JWT": {oidctest.Reply(200, "application/jwt", f.idp.Sign("JWT", oidctest.Claims{"sub": "alice", "username": "root"})), 502, "server_error", flowUnusable},
		"a list": {oidctest.Reply(200, "application/json", `[{"sub":"alice"}]`), 502, "server_error", flowUnusable}, "empty": {oidctest.Reply(200, "application/json", ``), 502, "server_error", flowUnusable},
		"twice sub": {oidctest.Reply(200, "application/json", `{"sub":"bob","sub":"alice","uid":"x"}`), 502, "server_error", flowUnusable}, "302": {oidctest.Redirect(302), 502, "server_error", flowUnusable},
	} {
		f.idp.Fault(oidctest.UserInfo, c.fault)
		flowRefused(t, name, f.userInfo(bearer), c.status, c.code, c.detail)
	}
	without := newFlow(t, nil, oidctest.WithoutUserInfo())
	answer := without.userInfo(without.idp.Bearer("alice", flowNobody(nil)))
	flowRefused(t, "no endpoint", answer, 404, "", "")
	if string(answer.Body) != `{"detail":""}` {
		t.Errorf("got %s", answer.Body)
	}
}

// The same check as Required with the defaults; without a token the provider is not called.
func TestUserInfoIsGuarded(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} })
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"none": {nil, 401}, "garbage": {[]string{"Authorization: Bearer x.y.z"}, 401}, "basic": {[]string{"Authorization: Basic YTpi"}, 401},
		"two":     {[]string{"Authorization: " + f.idp.Bearer("alice"), "Authorization: " + f.idp.Bearer("alice")}, 400},
		"expired": {[]string{"Authorization: " + f.idp.Bearer("alice", oidctest.Claims{"exp": 1})}, 401}, "lacks a role": {[]string{"Authorization: " + f.idp.Bearer("bob")}, 403},
		"has it": {[]string{"Authorization: " + f.idp.Bearer("alice")}, 200}, "lower case": {[]string{"Authorization: bearer " + f.idp.AccessToken("alice")}, 200},
	} {
		answer := f.get("userinfo", nil, c.headers...)
		if answer.Status != c.status || (answer.Header.Get("WWW-Authenticate") != "") != (c.status != 200) {
			t.Errorf("%s: %d %s %v", name, answer.Status, answer.Body, answer.Header)
		}
	}
	query := url.Values{"access_token": {f.idp.AccessToken("alice")}}
	if answer := f.get("userinfo", query, "Cookie: access_token="+query.Get("access_token")); answer.Status != 401 {
		t.Errorf("a token in the query: %d %s", answer.Status, answer.Body)
	}
	if f.idp.Hits(oidctest.UserInfo) != 0 {
		t.Error("the provider was asked")
	}
}

// Userinfo in broker mode comes from the claims of the own token, without a call to the provider.
func TestBrokerUserInfoRoute(t *testing.T) {
	f := newFlow(t, brokered())
	token := f.tokens("alice")
	calls := f.traffic.total()
	answer := f.get("userinfo", nil, "Authorization: Bearer "+token.AccessToken)
	if answer.Status != http.StatusOK || f.traffic.total() != calls {
		t.Errorf("%d %s, %d calls", answer.Status, answer.Body, f.traffic.total()-calls)
	}
	if answer = f.get("userinfo", nil, "Authorization: "+f.idp.Bearer("alice")); answer.Status != http.StatusUnauthorized {
		t.Errorf("the provider's token: %d", answer.Status)
	}
}
