package core_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Tokens that meet a requirement and tokens that do not.
func TestRequirements(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	roles := claims{
		"realm_access": claims{"roles": []string{"realm"}},
		"resource_access": claims{
			"app": claims{"roles": []string{"client"}}, "other.app": claims{"roles": []string{"dotted"}}, "odd": 1, "odd2": claims{"roles": "text"},
			clientID: claims{"roles": []string{"own"}}, "grafana": claims{"roles": []string{"admin"}}, strings.ToUpper(clientID): claims{"roles": []string{"shouted"}}, "": claims{"roles": []string{"nameless"}},
		},
		"groups": []string{"/team/a"},
		"roles":  []string{"top"},
	}
	for name, c := range map[string]struct {
		requirement core.Requirement
		token       claims
		met         bool
	}{
		"one word":                {core.Scopes("read"), claims{"scope": "write read"}, true},
		"all words":               {core.Scopes("read", "write"), claims{"scope": "write read"}, true},
		"words in one element":    {core.Scopes("read  write"), claims{"scope": "write read"}, true},
		"one is missing":          {core.Scopes("read", "admin"), claims{"scope": "write read"}, false},
		"a part of a word":        {core.Scopes("read"), claims{"scope": "reader read:all"}, false},
		"another case":            {core.Scopes("read"), claims{"scope": "Read READ"}, false},
		"a tab is no separator":   {core.Scopes("read"), claims{"scope": "x\tread"}, false},
		"a comma is no separator": {core.Scopes("read"), claims{"scope": "x,read"}, false},
		"a non-breaking space":    {core.Scopes("read"), claims{"scope": "x\u00a0read"}, false},
		"spaces around":           {core.Scopes("read"), claims{"scope": "  x  read "}, true},
		"no scope claim":          {core.Scopes("read"), nil, false},
		"scp is a text":           {core.Scopes("read"), claims{"scp": "x read"}, true},
		"scp is a list":           {core.Scopes("read"), claims{"scp": []string{"x", "read"}}, true},
		"scope wins over scp":     {core.Scopes("read"), claims{"scope": "x", "scp": "read"}, false},
		"empty scope wins too":    {core.Scopes("read"), claims{"scope": "", "scp": "read"}, false},
		"null scope is none":      {core.Scopes("read"), claims{"scope": json.RawMessage("null"), "scp": "read"}, true},

		"roles of the realm":            {core.Roles("realm"), roles, true},
		"roles of the own client":       {core.Roles("own"), roles, true},
		"roles of another client":       {core.Roles("admin"), roles, false},
		"roles of another, any":         {core.AnyRole("admin", "client", "dotted"), roles, false},
		"roles of a client in capitals": {core.Roles("shouted"), roles, false},
		"roles of no client":            {core.Roles("nameless"), roles, false},
		"roles of another, by name":     {core.ClientRoles("grafana", "admin"), roles, true},
		"roles of another, as a claim":  {core.Claim("resource_access.grafana.roles", "admin"), roles, true},
		"roles: a group":                {core.Roles("/team/a"), roles, true},
		"roles at the top":              {core.Roles("top"), roles, true},
		"all of them":                   {core.Roles("realm", "own", "/team/a", "top"), roles, true},
		"roles: one is missing":         {core.Roles("realm", "admin"), roles, false},
		"group without its slash":       {core.Roles("team/a"), roles, false},
		"roles: another case":           {core.Roles("Realm"), roles, false},
		"a text is no list":             {core.Roles("text"), roles, false},
		"roles is a text":               {core.Roles("admin"), claims{"roles": "admin"}, false},
		"a list with a number":          {core.Roles("admin"), claims{"roles": []any{"admin", 1}}, false},
		"roles is an object":            {core.Roles("admin"), claims{"roles": claims{"admin": true}}, false},
		"roles under another claim":     {core.Roles("admin"), claims{"permissions": []string{"admin"}}, false},
		"the sub is no role":            {core.Roles("alice"), nil, false},

		"claim: in a list":         {core.Claim("groups", "x", "/team/a"), roles, true},
		"claim: none of them":      {core.Claim("groups", "x", "y"), roles, false},
		"claim: a role is no":      {core.Claim("groups", "top"), roles, false},
		"claim: dotted":            {core.Claim("realm_access.roles", "realm"), roles, true},
		"claim: dots in the name":  {core.Claim("resource_access.other.app.roles", "dotted"), roles, true},
		"claim: address as name":   {core.Claim("https://app.example/roles", "x"), claims{"https://app.example/roles": []string{"x"}}, true},
		"claim: a text":            {core.Claim("dept", "hr"), claims{"dept": "hr"}, true},
		"claim: a part of it":      {core.Claim("dept", "hr"), claims{"dept": "hr2"}, false},
		"claim: words of a text":   {core.Claim("dept", "hr"), claims{"dept": "hr it"}, false},
		"claim: an empty text":     {core.Claim("dept", ""), claims{"dept": ""}, true},
		"claim: absent":            {core.Claim("dept", ""), nil, false},
		"claim: null":              {core.Claim("dept", "null", ""), claims{"dept": json.RawMessage("null")}, false},
		"claim: a boolean":         {core.Claim("email_verified", "true"), claims{"email_verified": true}, true},
		"claim: false":             {core.Claim("email_verified", "true"), claims{"email_verified": false}, false},
		"claim: a number":          {core.Claim("level", "3"), claims{"level": 3}, true},
		"claim: number in a list":  {core.Claim("level", "3"), claims{"level": []any{"x", 3}}, true},
		"claim: null in a list":    {core.Claim("level", "null"), claims{"level": []any{nil}}, false},
		"claim: a list in a list":  {core.Claim("level", "x"), claims{"level": [][]string{{"x"}}}, false},
		"claim: an object":         {core.Claim("level", "x", "{}"), claims{"level": claims{"x": "x"}}, false},
		"claim: an empty list":     {core.Claim("level", ""), claims{"level": []string{}}, false},
		"claim: another case":      {core.Claim("Dept", "hr"), claims{"dept": "hr"}, false},
		"claim: escaped":           {core.Claim("dept", "hr"), claims{"dept": json.RawMessage(`"\u0068r"`)}, true},
		"claim: path through text": {core.Claim("dept.x", "hr"), claims{"dept": "hr"}, false},

		"check, met":     {core.Check("sub", func(c *core.IDToken) bool { return c.Subject() == "alice" }), nil, true},
		"check, not met": {core.Check("sub", func(c *core.IDToken) bool { return c.Subject() == "bob" }), nil, false},

		"any role: one of them":           {core.AnyRole("admin", "top"), roles, true},
		"any role: none of them":          {core.AnyRole("admin", "Top"), roles, false},
		"any role: no roles":              {core.AnyRole("admin"), nil, false},
		"client roles: all":               {core.ClientRoles("app", "client"), roles, true},
		"client roles: a dot in the name": {core.ClientRoles("other.app", "dotted"), roles, true},
		"client roles: one is missing":    {core.ClientRoles("app", "client", "admin"), roles, false},
		"client roles: another client's":  {core.ClientRoles("app", "dotted"), roles, false},
		"client roles: of the realm":      {core.ClientRoles("app", "realm"), roles, false},
		"client roles: another case":      {core.ClientRoles("App", "client"), roles, false},
		"client roles: no such client":    {core.ClientRoles("none", "client"), roles, false},
		"client roles: no claim":          {core.ClientRoles("app", "client"), nil, false},
		"client roles: of another type":   {core.ClientRoles("odd", "x"), roles, false},
		"client roles: a text":            {core.ClientRoles("odd2", "text"), roles, false},

		"all of: met":               {core.AllOf(core.Roles("realm"), core.Roles("top")), roles, true},
		"all of: one is not":        {core.AllOf(core.Roles("realm"), core.Roles("admin")), roles, false},
		"any of: the first":         {core.AnyOf(core.Roles("realm"), core.Roles("admin")), roles, true},
		"any of: the last":          {core.AnyOf(core.Roles("admin"), core.Scopes("read"), core.Roles("realm")), roles, true},
		"any of: none":              {core.AnyOf(core.Roles("admin"), core.Scopes("read")), roles, false},
		"any of: a scope":           {core.AnyOf(core.Roles("admin"), core.Scopes("read")), claims{"scope": "read"}, true},
		"any of all of: met":        {core.AnyOf(core.Roles("admin"), core.AllOf(core.Roles("realm"), core.Roles("top"))), roles, true},
		"any of all of: half":       {core.AnyOf(core.Roles("admin"), core.AllOf(core.Roles("realm"), core.Scopes("read"))), roles, false},
		"any of all of: other half": {core.AnyOf(core.Roles("admin"), core.AllOf(core.Scopes("read"), core.Roles("realm"))), claims{"scope": "read"}, false},
		"all of any of: met":        {core.AllOf(core.AnyOf(core.Roles("admin"), core.Roles("top")), core.Roles("realm")), roles, true},
		"all of any of: not met":    {core.AllOf(core.AnyOf(core.Roles("admin"), core.Roles("other")), core.Roles("realm")), roles, false},
		"BearerOnly alone":          {core.BearerOnly, nil, true},

		"empty: any role":            {core.AnyRole(), roles, false},
		"empty: any role, a word":    {core.AnyRole("realm", ""), claims{"roles": []string{"", "realm"}}, false},
		"empty: client roles":        {core.ClientRoles("app"), roles, false},
		"empty: no client":           {core.ClientRoles("", "client"), roles, false},
		"empty: all of":              {core.AllOf(), roles, false},
		"empty: any of":              {core.AnyOf(), roles, false},
		"empty: any of, in it":       {core.AnyOf(core.Roles("realm"), core.Roles()), roles, false},
		"empty: any of, zero in it":  {core.AnyOf(core.Roles("realm"), core.Requirement{}), roles, false},
		"empty: all of, deep":        {core.AllOf(core.Roles("realm"), core.AnyOf(core.AllOf())), roles, false},
		"an option in any of":        {core.AnyOf(core.Roles("realm"), core.NoDefaults), roles, false},
		"an option in all of":        {core.AllOf(core.Roles("realm"), core.RejectInvalid), roles, false},
		"an option of answers":       {core.AnyOf(core.Roles("realm"), core.NoRedirect), roles, false},
		"the same in all of":         {core.AllOf(core.Roles("realm"), core.NoRedirect), roles, false},
		"any of: BearerOnly":         {core.AnyOf(core.Roles("admin"), core.BearerOnly), roles, true},
		"any of: SessionOnly":        {core.AnyOf(core.Roles("admin"), core.SessionOnly), roles, false},
		"all of: BearerOnly":         {core.AllOf(core.Roles("realm"), core.BearerOnly), roles, true},
		"empty: no request function": {core.CheckRequest("nil", nil), roles, false},

		"empty: no scope":      {core.Scopes(), roles, false},
		"empty: white space":   {core.Scopes(" ", "\t"), claims{"scope": " "}, false},
		"empty: no role":       {core.Roles(), roles, false},
		"empty: an empty role": {core.Roles(""), claims{"roles": []string{""}}, false},
		"empty: no value":      {core.Claim("groups"), roles, false},
		"empty: no path":       {core.Claim("", "x"), claims{"": "x"}, false},
		"empty: no function":   {core.Check("nil", nil), roles, false},
		"empty: zero":          {core.Requirement{}, roles, false},
		"no scope of RFC 6749": {core.Scopes(`re"ad`), claims{"scope": `re"ad`}, false},
		"no scope, beyond it":  {core.Scopes("é"), claims{"scope": "é"}, false},
		"RejectInvalid alone":  {core.RejectInvalid, nil, true},
		"NoDefaults alone":     {core.NoDefaults, nil, true},
		"realm_access a 1":     {core.Roles("x"), claims{"realm_access": 1, "resource_access": []int{}, "groups": "x"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			status := http.StatusForbidden
			if c.met {
				status = http.StatusOK
			}
			token := idp.token(c.token)
			wantStatus(t, auth.Required(c.requirement), token, status)
			if caller, err := admit(t, auth.Optional(c.requirement), token); err != nil || (caller != nil) != c.met {
				t.Errorf("optional: got %v, %v", caller, err)
			}
		})
	}
}

// With RolesOfAllClients an administrator of grafana is an administrator here, as with the Python library.
func TestRolesOfAllClients(t *testing.T) {
	token := claims{"resource_access": claims{"grafana": claims{"roles": []string{"admin"}}, clientID: claims{"roles": []string{"own"}}}}
	for all, status := range map[bool]int{true: http.StatusOK, false: http.StatusForbidden} {
		idp := newIDP(t)
		auth := idp.auth(func(c *core.Config) { c.RolesOfAllClients = all })
		wantStatus(t, auth.Required(core.Roles("admin")), idp.token(token), status)
		wantStatus(t, auth.Required(core.AnyRole("x", "admin")), idp.token(token), status)
		wantStatus(t, auth.Required(core.Roles("own"), core.ClientRoles("grafana", "admin")), idp.token(token), http.StatusOK)
		if got := mustAdmit(t, auth.Required(), idp.token(token)).Roles(); len(got) != map[bool]int{true: 2, false: 1}[all] {
			t.Errorf("all clients %v: %v", all, got)
		}
	}
	idp := newIDP(t) // guards alone have no client
	auth := idp.auth(func(c *core.Config) {
		c.DiscoveryURL, c.ClientID, c.Issuer, c.JWKSURL, c.Audience = "", "", issuer, idp.URL(oidctest.JWKS), []string{clientID}
	})
	wantStatus(t, auth.Required(core.Roles("x")), idp.token(claims{"resource_access": claims{"": claims{"roles": []string{"x"}}}}), http.StatusForbidden)
}

// A requirement that can never be met is logged when the guard is made.
func TestUnmeetableRequirementIsLogged(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	auth.Required(core.Scopes("x"), core.Roles("y"))
	if strings.Contains(idp.logs.String(), "refuses everybody") {
		t.Error("a valid guard was logged")
	}
	for n, requirement := range []core.Requirement{core.Scopes(), core.Roles(), core.Claim("a"), core.Check("mine", nil), {},
		core.AnyRole(), core.ClientRoles("", "a"), core.AllOf(), core.AnyOf(core.Roles("a"), core.Scopes()), core.AnyOf(core.NoDefaults), core.AnyOf(core.NoRedirect, core.Roles("a")), core.CheckRequest("mine", nil),
	} {
		auth.Required(requirement)
		auth.Optional(core.AllOf(requirement))
		if got := strings.Count(idp.logs.String(), "level=ERROR"); got != 2*(n+1) {
			t.Errorf("%d errors in the log after %d guards", got, 2*(n+1))
		}
	}
}

// Config.Require applies to every guard without NoDefaults.
func TestConfiguredRequirements(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("read"), core.Roles("staff")} })
	both, one := claims{"scope": "read", "roles": []string{"staff"}}, claims{"scope": "read write"}
	for name, c := range map[string]struct {
		guard  *core.Guard
		token  claims
		status int
	}{
		"met":                        {auth.Required(), both, 200},
		"not met":                    {auth.Required(), one, 403},
		"joined":                     {auth.Required(core.Scopes("write")), both, 403},
		"left out":                   {auth.Required(core.NoDefaults), one, 200},
		"left out, last":             {auth.Required(core.Scopes("write"), core.NoDefaults), one, 200},
		"left out, own one not met":  {auth.Required(core.NoDefaults, core.Scopes("admin")), one, 403},
		"optional with RejectInvald": {auth.Optional(core.RejectInvalid), one, 403},
		"optional, left out":         {auth.Optional(core.RejectInvalid, core.NoDefaults), one, 200},
	} {
		t.Run(name, func(t *testing.T) { wantStatus(t, c.guard, idp.token(c.token), c.status) })
	}
	if caller, err := admit(t, auth.Optional(), idp.token(one)); caller != nil || err != nil {
		t.Errorf("optional: got %v, %v", caller, err)
	}
}

// Changes of the arguments after a requirement is made have no effect.
func TestRequirementsAreCopies(t *testing.T) {
	idp := newIDP(t)
	roles, values, scopes := []string{"staff"}, []string{"hr"}, []string{"read"}
	requirements := []core.Requirement{core.Roles(roles...), core.Claim("dept", values...), core.Scopes(scopes...)}
	guard := idp.auth().Required(requirements...)
	roles[0], values[0], scopes[0] = "x", "x", "x"
	requirements[0] = core.Requirement{}
	wantStatus(t, guard, idp.token(claims{"roles": []string{"staff"}, "dept": "hr", "scope": "read"}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"roles": []string{"x"}, "dept": "x", "scope": "x"}), http.StatusForbidden)
}
