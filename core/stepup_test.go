package core_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// stepUpChallenge is WWW-Authenticate for a login that is not enough (RFC 9470 section 3).
func stepUpChallenge(demand string) string {
	return `Bearer realm="oidcauth", error="insufficient_user_authentication", error_description="A stronger or more recent login is needed.", ` + demand
}

// Which acr and auth_time meet a requirement, and which values of a hostile or broken provider do not. Leeway is 30 s.
func TestStepUpRequirements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		auth := idp.auth()
		now := time.Now().Unix()
		raw := func(text string) any { return json.RawMessage(text) }
		gold, recent := core.ACR("silver", "gold"), core.MaxAge(5*time.Minute)
		for name, c := range map[string]struct {
			requirement core.Requirement
			token       claims
			met         bool
		}{
			"acr: one of them":           {gold, claims{"acr": "gold"}, true},
			"acr: escaped":               {gold, claims{"acr": raw(`"\u0067old"`)}, true},
			"acr: a URN":                 {core.ACR("urn:mace:incommon:iap:silver"), claims{"acr": "urn:mace:incommon:iap:silver"}, true},
			"acr: another":               {gold, claims{"acr": "bronze"}, false},
			"acr: another case":          {gold, claims{"acr": "Gold"}, false},
			"acr: absent":                {gold, nil, false},
			"acr: null":                  {gold, claims{"acr": raw("null")}, false},
			"acr: empty":                 {gold, claims{"acr": ""}, false},
			"acr: a list":                {gold, claims{"acr": []string{"gold"}}, false},
			"acr: an object":             {gold, claims{"acr": claims{"gold": "gold"}}, false},
			"acr: a number":              {core.ACR("2"), claims{"acr": 2}, false},
			"acr: both in one text":      {gold, claims{"acr": "silver gold"}, false},
			"acr: under another name":    {gold, claims{"ACR": "gold", "amr": "gold"}, false},
			"age: now":                   {recent, claims{"auth_time": now}, true},
			"age: just in time":          {recent, claims{"auth_time": now - 330}, true},
			"age: too old":               {recent, claims{"auth_time": now - 331}, false},
			"age: with a fraction":       {recent, claims{"auth_time": raw("946684800.5")}, true},
			"age: an exponent":           {recent, claims{"auth_time": raw("9.466848e8")}, true},
			"age: a clock ahead":         {recent, claims{"auth_time": now + 30}, true},
			"age: the future":            {recent, claims{"auth_time": now + 31}, false},
			"age: the far future":        {recent, claims{"auth_time": 253402300799}, false},
			"age: 1e300":                 {recent, claims{"auth_time": raw("1e300")}, false},
			"age: beyond every number":   {recent, claims{"auth_time": raw("1e999")}, false},
			"age: negative":              {core.MaxAge(1<<63 - 1), claims{"auth_time": -1}, false},
			"age: -1e300":                {core.MaxAge(1<<63 - 1), claims{"auth_time": raw("-1e300")}, false},
			"age: zero":                  {core.MaxAge(1<<63 - 1), claims{"auth_time": 0}, false},
			"age: as old as computers":   {core.MaxAge(1<<63 - 1), claims{"auth_time": 1}, true},
			"age: absent":                {recent, claims{"iat": now}, false},
			"age: null":                  {recent, claims{"auth_time": raw("null")}, false},
			"age: a text":                {recent, claims{"auth_time": "946684800"}, false},
			"age: a list":                {recent, claims{"auth_time": []int64{now}}, false},
			"age: true":                  {recent, claims{"auth_time": true}, false},
			"age: 0, within Leeway":      {core.MaxAge(0), claims{"auth_time": now - 30}, true},
			"age: 0, too old":            {core.MaxAge(0), claims{"auth_time": now - 31}, false},
			"age: below a second":        {core.MaxAge(time.Millisecond), claims{"auth_time": now - 30}, true},
			"both: met":                  {core.AllOf(gold, recent), claims{"acr": "gold", "auth_time": now}, true},
			"both: acr alone":            {core.AllOf(gold, recent), claims{"acr": "gold"}, false},
			"both: age alone":            {core.AllOf(gold, recent), claims{"auth_time": now}, false},
			"any of: acr":                {core.AnyOf(gold, recent), claims{"acr": "gold"}, true},
			"any of: age":                {core.AnyOf(gold, recent), claims{"auth_time": now}, true},
			"any of: a role":             {core.AnyOf(gold, core.Roles("admin")), claims{"roles": []string{"admin"}}, true},
			"any of: none":               {core.AnyOf(gold, recent, core.Roles("admin")), nil, false},
			"any of all of: half":        {core.AnyOf(core.AllOf(gold, recent), core.Roles("admin")), claims{"acr": "gold"}, false},
			"any of all of: the other":   {core.AnyOf(core.AllOf(gold, core.Roles("admin")), recent), claims{"auth_time": now}, true},
			"all of any of: met":         {core.AllOf(core.AnyOf(gold, core.Roles("admin")), recent), claims{"acr": "gold", "auth_time": now}, true},
			"two lists that overlap":     {core.AllOf(gold, core.ACR("gold", "platinum")), claims{"acr": "gold"}, true},
			"two lists, one of them met": {core.AllOf(gold, core.ACR("gold", "platinum")), claims{"acr": "silver"}, false},
		} {
			token := idp.token(c.token)
			status := http.StatusUnauthorized
			if c.met {
				status = http.StatusOK
			}
			caller, err := admit(t, auth.Required(c.requirement), token)
			if got := statusOf(t, caller, err); got != status {
				t.Errorf("%s: status %d, want %d (%v)", name, got, status, err)
			}
			if caller, err := admit(t, auth.Optional(c.requirement), token); err != nil || (caller != nil) != c.met {
				t.Errorf("%s, optional: got %v, %v", name, caller, err)
			}
			if caller, err := admit(t, auth.Optional(c.requirement, core.RejectInvalid), token); statusOf(t, caller, err) != status {
				t.Errorf("%s, RejectInvalid: got %v, %v", name, caller, err)
			}
		}
	})
}

// What a program is told: everything that the login has to be like, at once and in the header; and nothing of a login to a caller who lacks
// what no login brings.
func TestStepUpRefusals(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	const (
		weak  = `{"detail":"A stronger or more recent login is needed.","error":"insufficient_user_authentication","error_description":"A stronger or more recent login is needed."}`
		other = `Bearer realm="oidcauth", error="insufficient_scope", error_description="`
	)
	gold, recent := core.ACR("silver", "gold"), core.MaxAge(90*time.Second+999*time.Millisecond)
	lacksClaim, lacksScope := other+`Insufficient permissions based on token claims."`, other+`Token missing required scopes: x", scope="x"`
	for name, c := range map[string]struct {
		requirements []core.Requirement
		token        claims
		challenge    string
	}{
		"acr":                        {[]core.Requirement{gold}, nil, stepUpChallenge(`acr_values="silver gold"`)},
		"age":                        {[]core.Requirement{recent}, nil, stepUpChallenge(`max_age="90"`)},
		"age 0":                      {[]core.Requirement{core.MaxAge(0)}, nil, stepUpChallenge(`max_age="0"`)},
		"both":                       {[]core.Requirement{gold, recent}, nil, stepUpChallenge(`acr_values="silver gold", max_age="90"`)},
		"the met one is kept":        {[]core.Requirement{gold, recent}, claims{"acr": "gold"}, stepUpChallenge(`acr_values="silver gold", max_age="90"`)},
		"the values of both lists":   {[]core.Requirement{gold, core.ACR("platinum", "gold")}, nil, stepUpChallenge(`acr_values="gold"`)},
		"the younger of two":         {[]core.Requirement{recent, core.MaxAge(time.Hour)}, nil, stepUpChallenge(`max_age="90"`)},
		"the younger, second":        {[]core.Requirement{core.MaxAge(time.Hour), recent}, nil, stepUpChallenge(`max_age="90"`)},
		"each value once":            {[]core.Requirement{core.ACR("a", "b", "a")}, nil, stepUpChallenge(`acr_values="a b"`)},
		"any of two":                 {[]core.Requirement{core.AnyOf(gold, recent)}, nil, stepUpChallenge(`acr_values="silver gold"`)},
		"any of, and beside it":      {[]core.Requirement{recent, core.AnyOf(core.Roles("x"), gold)}, nil, stepUpChallenge(`acr_values="silver gold", max_age="90"`)},
		"any of, beside a met one":   {[]core.Requirement{core.AnyOf(core.Roles("x"), recent), gold}, claims{"acr": "gold"}, stepUpChallenge(`acr_values="silver gold", max_age="90"`)},
		"any of two lists":           {[]core.Requirement{core.AnyOf(core.Roles("x"), gold), core.AnyOf(core.Roles("x"), core.ACR("platinum"))}, nil, lacksClaim},
		"a role is missing too":      {[]core.Requirement{gold, core.Roles("x")}, nil, lacksClaim},
		"a scope is missing too":     {[]core.Requirement{gold, core.Scopes("x")}, nil, lacksScope},
		"any of: before scopes":      {[]core.Requirement{core.AnyOf(core.Scopes("x"), gold)}, nil, stepUpChallenge(`acr_values="silver gold"`)},
		"all of, in any of":          {[]core.Requirement{core.AnyOf(core.AllOf(gold, recent), core.Roles("x"))}, nil, stepUpChallenge(`acr_values="silver gold", max_age="90"`)},
		"all of, a scope is missing": {[]core.Requirement{core.AnyOf(core.AllOf(gold, core.Scopes("x")), core.Roles("x"))}, nil, lacksScope},
		"all of, a role is missing":  {[]core.Requirement{core.AnyOf(core.AllOf(gold, core.Roles("x")), core.Roles("y"))}, nil, lacksClaim},
		"all of, the other one":      {[]core.Requirement{core.AnyOf(core.AllOf(gold, core.Roles("x")), recent)}, nil, stepUpChallenge(`max_age="90"`)},
	} {
		_, err := admit(t, auth.Required(c.requirements...), idp.token(c.token))
		answer := auth.Answer(t.Context(), core.Credentials{}, err)
		if got := answer.Header.Get("WWW-Authenticate"); got != c.challenge {
			t.Errorf("%s: got %s\nwant %s", name, got, c.challenge)
		}
		if isWeak := strings.Contains(c.challenge, "insufficient_user"); isWeak != (answer.Status == http.StatusUnauthorized && string(answer.Body) == weak && answer.Header.Get("Cache-Control") == "no-store") {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
}

// Requirements that no login can meet are logged when the guard is made, and refuse everybody without sending them to a login.
func TestImpossibleStepUps(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	token := idp.token(claims{"acr": "gold", "auth_time": time.Now().Unix()})
	for n, requirement := range []core.Requirement{
		core.ACR(), core.ACR(""), core.ACR("gold", ""), core.ACR("gold silver"), core.ACR(`go"ld`), core.ACR(`go\ld`), core.ACR("gøld"), core.ACR("gold\n"), core.ACR(strings.Repeat("x", 513)),
		core.ACR(strings.Repeat("x", 256), strings.Repeat("y", 256)),
		core.MaxAge(-1), core.MaxAge(-1 << 63), core.AnyOf(core.ACR(), core.ACR("gold")), core.AllOf(core.ACR("gold"), core.ACR("silver")),
		core.AnyOf(core.AllOf(core.ACR("gold"), core.MaxAge(time.Minute), core.ACR("silver")), core.ACR("gold")),
	} {
		wantStatus(t, auth.Required(requirement), token, http.StatusForbidden)
		if got := strings.Count(idp.logs.String(), "a guard refuses everybody"); got != n+1 {
			t.Errorf("%d errors in the log after %d guards", got, n+1)
		}
		if _, err := core.New(core.Config{Require: []core.Requirement{requirement}}); err == nil || !strings.Contains(err.Error(), "Config.Require") {
			t.Errorf("%d: New returns %v", n, err)
		}
	}
	logged := strings.Count(idp.logs.String(), "a guard refuses everybody")
	wantStatus(t, auth.Required(core.ACR("gold"), core.ACR("silver")), token, http.StatusForbidden)
	if strings.Count(idp.logs.String(), "a guard refuses everybody") != logged+1 {
		t.Error("two lists without a common value are not logged")
	}
	wantStatus(t, auth.Required(core.ACR(strings.Repeat("x", 255), strings.Repeat("y", 256))), token, http.StatusUnauthorized)
}

// The debug line says what was wanted, and nothing of the token.
func TestStepUpIsLogged(t *testing.T) {
	idp := newIDP(t)
	idp.keepSecret("BRONZE")
	idp.keepSecret("946684801")
	if _, err := admit(t, idp.auth().Required(core.ACR("silver", "gold"), core.MaxAge(time.Minute)), idp.token(claims{"acr": "BRONZE", "auth_time": 946684801})); err == nil {
		t.Fatal("admitted")
	}
	if logs := idp.logs.String(); !strings.Contains(logs, `msg="a token was refused" reason=insufficient want_acr="[silver gold]" want_max_age=1m0s`) {
		t.Errorf("got %s", logs)
	}
}

// Inspect says what the login is and what was wanted.
func TestStepUpInspect(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) {
		c.Require = []core.Requirement{core.ACR("silver", "gold"), core.MaxAge(time.Minute)}
	})
	checks := auth.Inspect(t.Context(), idp.token(claims{"acr": "bronze", "auth_time": 946684801})).Checks
	last := checks[len(checks)-1]
	says, _ := last.Says.(map[string]any)
	if at, _ := says["auth_time"].(time.Time); last.Verdict != core.VerdictRefused || says["acr"] != "bronze" || at.Unix() != 946684801 || last.Want != "silver, gold; 1m0s" {
		t.Errorf("got %+v", last)
	}
}

// A change of the argument after the requirement is made has no effect.
func TestStepUpIsACopy(t *testing.T) {
	idp := newIDP(t)
	values := []string{"gold"}
	guard := idp.auth().Required(core.ACR(values...))
	values[0] = "bronze"
	wantStatus(t, guard, idp.token(claims{"acr": "gold"}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"acr": "bronze"}), http.StatusUnauthorized)
}

// An opaque token has acr and auth_time in the introspection answer (RFC 9470 section 6.2).
func TestStepUpOpaque(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { c.Tokens = core.Opaque }, oidctest.WithOpaqueTokens(), oidctest.WithACR("bronze", "gold"))
	token := f.idp.AccessToken("alice", oidctest.Claims{"acr": "gold"})
	if _, err := f.admit(token, core.ACR("gold"), core.MaxAge(time.Minute)); err != nil {
		t.Errorf("gold: %v", err)
	}
	if caller, err := f.admit(f.idp.AccessToken("alice"), core.ACR("gold")); statusOf(t, caller, err) != http.StatusUnauthorized {
		t.Errorf("bronze: %v", err)
	}
}

// Own tokens carry acr and auth_time of the login. A refresh is no login, whatever the provider says then; an exchange has those of its
// subject token, and no token has them from userinfo.
func TestBrokerKeepsTheLogin(t *testing.T) {
	f := newFlow(t, brokered(), oidctest.WithACR("bronze", "gold"))
	f.idp.Tamper(oidctest.UserInfoAnswers, func(body oidctest.Claims) { body["acr"], body["auth_time"] = "platinum", 1 })
	first := f.tokens("alice")
	_, login := unpack(t, first.AccessToken)
	at, _ := login["auth_time"].(float64)
	if login["acr"] != "bronze" || time.Since(time.Unix(int64(at), 0)).Abs() > time.Minute {
		t.Errorf("after the login: acr %v, auth_time %v", login["acr"], login["auth_time"])
	}
	later := func(claims oidctest.Claims) { claims["acr"], claims["auth_time"] = "gold", int64(at)+20 }
	f.idp.Tamper(oidctest.IDTokens, later)
	f.idp.Tamper(oidctest.AccessTokens, later)
	_, refreshed := unpack(t, flowGranted(t, f.refresh(first.RefreshToken)).AccessToken)
	if refreshed["acr"] != "bronze" || refreshed["auth_time"] != at {
		t.Errorf("after the refresh: acr %v, auth_time %v, was %v", refreshed["acr"], refreshed["auth_time"], at)
	}
	f.idp.Tamper(oidctest.AccessTokens, nil)
	for name, c := range map[string]struct {
		subject   oidctest.Claims
		acr, time any
	}{
		"as the subject token":    {oidctest.Claims{"acr": "gold", "auth_time": int64(at) - 5}, "gold", at - 5},
		"none":                    {oidctest.Claims{"acr": nil, "auth_time": nil}, nil, nil},
		"of other types":          {oidctest.Claims{"acr": []string{"gold"}, "auth_time": "1"}, nil, nil},
		"in the future, negative": {oidctest.Claims{"acr": "", "auth_time": int64(at) + 3600}, nil, nil},
		"1e300":                   {oidctest.Claims{"auth_time": json.RawMessage("1e300")}, "bronze", nil},
	} {
		_, payload := unpack(t, flowGranted(t, f.exchange(f.idp.AccessToken("alice", c.subject), nil)).AccessToken)
		if payload["acr"] != c.acr || payload["auth_time"] != c.time {
			t.Errorf("exchange, %s: acr %v, auth_time %v", name, payload["acr"], payload["auth_time"])
		}
	}
}

// The ID token says how the person logged in; the access token counts only where there is no ID token.
func TestBrokerTakesTheLoginFrom(t *testing.T) {
	for name, c := range map[string]struct {
		id, access, want any
		withoutIDToken   bool
	}{
		"the ID token":     {"bronze", "gold", "bronze", false},
		"nowhere":          {nil, "gold", nil, false},
		"a list":           {[]string{"gold"}, "gold", nil, false},
		"the access token": {nil, "gold", "gold", true},
		"neither":          {nil, nil, nil, true},
	} {
		f := newFlow(t, brokered())
		f.idp.Tamper(oidctest.IDTokens, func(claims oidctest.Claims) { claims["acr"] = c.id })
		f.idp.Tamper(oidctest.AccessTokens, func(claims oidctest.Claims) { claims["acr"] = c.access })
		login := func() core.Token { return f.tokens("alice") }
		if c.withoutIDToken {
			f.idp.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { delete(answer, "id_token") })
			login = func() core.Token { return f.byDevice("alice") }
		}
		if _, payload := unpack(t, login().AccessToken); payload["acr"] != c.want {
			t.Errorf("%s: acr is %v, not %v", name, payload["acr"], c.want)
		}
	}
}

// byDevice logs a user in with the device flow.
func (f *flowService) byDevice(user string) core.Token {
	f.t.Helper()
	var form struct {
		Device string `json:"device_code"`
		User   string `json:"user_code"`
	}
	if err := json.Unmarshal(f.post("device", nil).Body, &form); err != nil {
		f.t.Fatal(err)
	}
	if err := f.idp.ApproveDevice(form.User, user); err != nil {
		f.t.Fatal(err)
	}
	return flowGranted(f.t, f.post("token", url.Values{"device-code": {form.Device}}))
}

// FuzzStepUp: no acr and no auth_time is a panic or a 500, and none that is not plainly right is accepted.
func FuzzStepUp(f *testing.F) {
	for _, text := range []string{`"gold"`, `["gold"]`, `1e300`, `-1`, `"946684800"`, `null`, `{}`, `"\u0067old"`, `946684800`, `0`, `1e999`, `-0`, `true`, `[]`, `1.5`} {
		f.Add(text, text)
	}
	idp := newIDP(f)
	guard := idp.auth().Required(core.AllOf(core.ACR("gold"), core.MaxAge(time.Hour)))
	f.Fuzz(func(t *testing.T, acr, authTime string) {
		if !json.Valid([]byte(acr)) || !json.Valid([]byte(authTime)) {
			return
		}
		caller, err := admit(t, guard, idp.token(claims{"acr": json.RawMessage(acr), "auth_time": json.RawMessage(authTime)}))
		switch status := statusOf(t, caller, err); status {
		case http.StatusUnauthorized:
		case http.StatusOK:
			var level string
			var at float64
			if json.Unmarshal([]byte(acr), &level) != nil || level != "gold" || json.Unmarshal([]byte(authTime), &at) != nil || time.Since(time.Unix(int64(at), 0)).Abs() > 2*time.Hour {
				t.Errorf("acr %s and auth_time %s pass", acr, authTime)
			}
		default:
			t.Errorf("status %d for acr %s and auth_time %s", status, acr, authTime)
		}
	})
}
