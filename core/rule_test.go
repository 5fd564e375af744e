package core_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// ruleAuth makes an Auth that needs no provider: guards are made, and nobody is admitted.
func ruleAuth(t *testing.T, change func(*core.Config)) *core.Auth {
	t.Helper()
	cfg := core.Config{DiscoveryURL: issuer + "/.well-known/openid-configuration", ClientID: clientID, PublicURL: webURL, SecretKeys: []string{strings.Repeat("guess-me", 4) + "0123456789"}}
	if change != nil {
		change(&cfg)
	}
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func asWeb(c *core.Config) { c.Sessions, c.Store = &core.SessionConfig{}, store.NewMemory() }

func anybody(*core.IDToken) bool { return true }

func anyRequest(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, nil }

// What each guard says, as text and as JSON.
func TestRule(t *testing.T) {
	bearers, browsers := ruleAuth(t, nil), ruleAuth(t, asWeb)
	strict := ruleAuth(t, func(c *core.Config) {
		c.Require = []core.Requirement{core.Scopes("app"), core.Roles("staff")}
	})
	for _, c := range []struct {
		guard      *core.Guard
		text, data string
	}{
		{bearers.Required(), "bearer token", `{"bearer":true}`},
		{bearers.Required(core.Scopes("read"), core.AnyRole("admin", "editor")), "Scopes read; AnyRole admin, editor; bearer token",
			`{"bearer":true,"scopes":["read"],"conditions":[{"kind":"any_role","values":["admin","editor"]}]}`},
		{bearers.Required(core.Roles("a"), core.Scopes("x y", "x"), core.Scopes("z")), "Scopes x, y, z; Roles a; bearer token",
			`{"bearer":true,"scopes":["x","y","z"],"conditions":[{"kind":"roles","values":["a"]}]}`},
		{bearers.Required(core.ClientRoles("billing", "clerk"), core.Claim("org.unit", "1", "true")), "ClientRoles billing: clerk; Claim org.unit: 1, true; bearer token",
			`{"bearer":true,"conditions":[{"kind":"client_roles","name":"billing","values":["clerk"]},{"kind":"claim","name":"org.unit","values":["1","true"]}]}`},
		{bearers.Required(core.Check("colleague", anybody), core.CheckRequest("owner of the order", anyRequest)), "Check colleague; CheckRequest owner of the order; bearer token",
			`{"bearer":true,"conditions":[{"kind":"check","name":"colleague"},{"kind":"check_request","name":"owner of the order"}]}`},
		{bearers.Required(core.AnyOf(core.Roles("admin"), core.AllOf(core.Scopes("r"), core.Claim("v", "true")))), "AnyOf (Roles admin; AllOf (Scopes r; Claim v: true)); bearer token",
			`{"bearer":true,"conditions":[{"kind":"any_of","parts":[{"kind":"roles","values":["admin"]},` +
				`{"kind":"all_of","parts":[{"kind":"scopes","values":["r"]},{"kind":"claim","name":"v","values":["true"]}]}]}]}`},
		{bearers.Required(core.AllOf(core.Scopes("r"), core.Roles("a"))), "Scopes r; Roles a; bearer token", // as the guard has it
			`{"bearer":true,"scopes":["r"],"conditions":[{"kind":"roles","values":["a"]}]}`},
		{bearers.Required(core.MaxAge(5*time.Minute), core.ACR("gold", "silver"), core.AnyOf(core.Roles("a"), core.MaxAge(time.Hour), core.ACR("bronze"))),
			"AnyOf (Roles a; MaxAge 1h0m0s; ACR bronze); ACR gold, silver; MaxAge 5m0s; bearer token", // the login is judged last
			`{"bearer":true,"conditions":[{"kind":"any_of","parts":[{"kind":"roles","values":["a"]},{"kind":"max_age","name":"1h0m0s"},{"kind":"acr","values":["bronze"]}]},` +
				`{"kind":"acr","values":["gold","silver"]},{"kind":"max_age","name":"5m0s"}]}`},
		{bearers.Required(core.Scopes()), `nobody, because "Scopes: an empty list never matches: name at least one value"; bearer token`,
			`{"bearer":true,"conditions":[{"kind":"never","name":"Scopes: an empty list never matches: name at least one value"}]}`},
		{bearers.Optional(), "guests too; bearer token", `{"optional":true,"bearer":true}`},
		{bearers.Optional(core.Scopes("x"), core.RejectInvalid), "guests too, with invalid credentials refused; Scopes x; bearer token",
			`{"optional":true,"reject_invalid":true,"bearer":true,"scopes":["x"]}`},
		{bearers.Required(core.RejectInvalid, core.NoRedirect), "bearer token", `{"bearer":true}`}, // no effect, so not said
		{bearers.Required(core.SessionOnly), "nobody, because no credentials are accepted", `{}`},

		{browsers.Required(), "bearer token or session", `{"bearer":true,"session":true}`},
		{browsers.Required(core.BearerOnly), "bearer token", `{"bearer":true}`},
		{browsers.Required(core.SessionOnly, core.NoRedirect), "session; no redirect to the login", `{"session":true,"no_redirect":true}`},
		{browsers.Optional(core.Roles("a")), "guests too; Roles a; bearer token or session",
			`{"optional":true,"bearer":true,"session":true,"conditions":[{"kind":"roles","values":["a"]}]}`},
		{browsers.Required(core.AnyOf(core.SessionOnly, core.Scopes("x"))), "AnyOf (session; Scopes x); bearer token or session",
			`{"bearer":true,"session":true,"conditions":[{"kind":"any_of","parts":[{"kind":"session"},{"kind":"scopes","values":["x"]}]}]}`},
		{browsers.Required(core.AnyOf(core.BearerOnly, core.Roles("x"))), "AnyOf (bearer token; Roles x); bearer token or session",
			`{"bearer":true,"session":true,"conditions":[{"kind":"any_of","parts":[{"kind":"bearer"},{"kind":"roles","values":["x"]}]}]}`},

		{strict.Required(core.Scopes("read")), "Scopes app, read; Roles staff; bearer token", // Config.Require comes first
			`{"bearer":true,"scopes":["app","read"],"conditions":[{"kind":"roles","values":["staff"]}]}`},
		{strict.Required(core.NoDefaults, core.Scopes("read")), "Scopes read; bearer token", `{"bearer":true,"scopes":["read"]}`},
		{strict.Optional(), "guests too; Scopes app; Roles staff; bearer token",
			`{"optional":true,"bearer":true,"scopes":["app"],"conditions":[{"kind":"roles","values":["staff"]}]}`},
	} {
		rule := c.guard.Rule()
		if rule.String() != c.text {
			t.Errorf("text %q, want %q", rule, c.text)
		}
		data, err := json.Marshal(rule)
		if err != nil || string(data) != c.data {
			t.Errorf("%s: %s %v, want %s", c.text, data, err, c.data)
		}
		var back core.Rule
		if err := json.Unmarshal(data, &back); err != nil || !back.Equal(rule) || !reflect.DeepEqual(back, rule) {
			t.Errorf("%s: %+v %v after JSON", c.text, back, err)
		}
	}
	if text := (core.Rule{}).String(); !strings.HasPrefix(text, "nobody") {
		t.Errorf("the zero value: %q", text)
	}
}

// Different rules have different texts, whatever words the application uses, and each text is one line.
func TestRuleTextsDiffer(t *testing.T) {
	auth := ruleAuth(t, asWeb)
	hard := []string{"a", "b", "a, b", "a; b", "a: b", `"a"`, `a\`, "(a)", " a", "a ", "a\nb", "a\u2028b", "a\u202eb", "a\ufffd", "a\xff", "ä", "a)", "bearer token", "Roles a", "a; bearer token"}
	var guards []*core.Guard
	for _, x := range hard {
		guards = append(guards, auth.Required(core.Roles(x)), auth.Required(core.AnyRole(x)), auth.Required(core.Claim(x, "v")), auth.Required(core.Claim("v", x)),
			auth.Required(core.Check(x, anybody)), auth.Required(core.CheckRequest(x, anyRequest)), auth.Required(core.ClientRoles(x, "v")), auth.Required(core.ClientRoles("v", x)),
			auth.Optional(core.Roles(x)), auth.Required(core.AnyOf(core.Roles(x))), auth.Required(core.Check(x, nil)), auth.Required(core.AnyOf(core.AnyOf(core.Roles(x)))))
		for _, y := range hard {
			guards = append(guards, auth.Required(core.Roles(x, y)), auth.Required(core.Roles(x), core.Roles(y)), auth.Required(core.Claim(x, y, "w")),
				auth.Required(core.AnyOf(core.Roles(x), core.Roles(y))), auth.Required(core.AnyOf(core.Roles(x), core.AllOf(core.Roles(y), core.Check(x, anybody)))))
		}
	}
	texts := make(map[string]core.Rule)
	for _, guard := range guards {
		rule := guard.Rule()
		text := rule.String()
		if strings.ContainsAny(text, "\n\r\u2028\u202e") || strings.Contains(text, " ;") {
			t.Errorf("%q is not one line of visible text", text)
		}
		other, known := texts[text]
		if known && !other.Equal(rule) {
			t.Errorf("%q is the text of %+v and of %+v", text, rule, other)
		}
		texts[text] = rule
	}
}

// A rule is a copy: whoever changes it changes no guard.
func TestRuleIsACopy(t *testing.T) {
	auth := ruleAuth(t, nil)
	roles := []string{"admin"}
	guard := auth.Required(core.Scopes("x"), core.AnyOf(core.Roles(roles...)))
	roles[0] = "changed"
	for _, rule := range append(auth.Rules(), guard.Rule()) {
		rule.Scopes[0], rule.Conditions[0].Parts[0].Values[0] = "changed", "changed"
	}
	const want = "Scopes x; AnyOf (Roles admin); bearer token"
	if got := guard.Rule().String(); got != want {
		t.Error("the guard:", got)
	}
	if got := auth.Rules()[0].String(); got != want {
		t.Error("the list:", got)
	}
}
