package core_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// If no part of an AnyOf is met, the refusal names the scopes of the first part that lacks only scopes, if there is one.
func TestRefusalOfAnyOf(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	for name, c := range map[string]struct {
		requirements   []core.Requirement
		missing, scope string // "": the refusal of a claim
	}{
		"a scope":                   {[]core.Requirement{core.AnyOf(core.Roles("admin"), core.Scopes("write"))}, "write", "write"},
		"the first one's":           {[]core.Requirement{core.AnyOf(core.Scopes("b"), core.Scopes("a"))}, "b", "b"},
		"beside the guard's":        {[]core.Requirement{core.AnyOf(core.Scopes("b"), core.Scopes("a")), core.Scopes("read")}, "b", "read b"},
		"the guard's first":         {[]core.Requirement{core.AnyOf(core.Scopes("b")), core.Scopes("x")}, "x", "x"},
		"with a role":               {[]core.Requirement{core.AnyOf(core.AllOf(core.Scopes("b"), core.Roles("admin")), core.Scopes("c"))}, "c", "c"},
		"with a role that is there": {[]core.Requirement{core.AnyOf(core.AllOf(core.Scopes("b"), core.Roles("staff"), core.Scopes("a")))}, "a, b", "b a"},
		"no way by scopes":          {[]core.Requirement{core.AnyOf(core.AllOf(core.Scopes("b"), core.Roles("admin")), core.Roles("other"))}, "", ""},
		"roles alone":               {[]core.Requirement{core.AnyOf(core.Roles("admin"), core.AnyRole("other"))}, "", ""},
		"within all of":             {[]core.Requirement{core.AllOf(core.Scopes("b"), core.AllOf(core.Scopes("a")))}, "a, b", "b a"},
	} {
		t.Run(name, func(t *testing.T) {
			refused := auth.Required(c.requirements...).Admit(t.Context(), bearerOf(idp.token(claims{"scope": "read", "roles": []string{"staff"}}))).Refusal
			detail, scope := "Insufficient permissions based on token claims.", ""
			if c.missing != "" {
				detail, scope = "Token missing required scopes: "+c.missing, `, scope="`+c.scope+`"`
			}
			want := plainChallenge + `, error="insufficient_scope", error_description="` + detail + `"` + scope
			if refused == nil || refused.Status != http.StatusForbidden || refused.Header.Get("WWW-Authenticate") != want {
				t.Errorf("got %+v, want %s", refused, want)
			}
		})
	}
}

// A CheckRequest gets the caller and a copy of the request, which it may keep.
func TestCheckRequest(t *testing.T) {
	idp := newIDP(t)
	var kept []core.Credentials
	owner := core.CheckRequest("owner", func(_ context.Context, request core.Credentials, caller *core.IDToken) (bool, error) {
		kept = append(kept, request)
		header := request.Header.Clone()
		header.Set("X-Tenant", "changed")
		return request.Method == http.MethodPut && request.Target == "/users/"+caller.Subject() && strings.Join(request.Header.Values("X-Tenant"), "") == "a", nil
	})
	guard := idp.auth().Required(owner, owner)
	header := http.Header{"Authorization": {"Bearer " + idp.token()}, "X-Tenant": {"a"}}
	credentials := core.Credentials{Method: http.MethodPut, Target: "/users/alice", Header: header}
	if decision := guard.Admit(t.Context(), credentials); decision.Caller.Subject() != "alice" {
		t.Errorf("refused: %v", decision.Err)
	}
	header["X-Tenant"][0] = "b"
	if len(kept) != 2 || kept[0].Header.Values("X-Tenant")[0] != "a" || kept[1].Target != "/users/alice" {
		t.Errorf("got %+v", kept)
	}
	if decision := guard.Admit(t.Context(), credentials); decision.Err == nil || decision.Err.Status != http.StatusForbidden {
		t.Errorf("got %v", decision.Err)
	}
	kept = nil
	if decision := guard.Admit(t.Context(), bearerOf("nonsense")); decision.Err.Status != http.StatusUnauthorized || len(kept) != 0 {
		t.Errorf("who it is comes first: %v, asked %d times", decision.Err, len(kept))
	}
}

// An error of a CheckRequest is an outage and never admits the caller; in an AnyOf another part may still be met.
func TestCheckRequestFails(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	down := core.CheckRequest("down", func(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, errCause })
	token := bearerOf(idp.token(claims{"scope": "read", "roles": []string{"staff"}}))
	for name, c := range map[string]struct {
		guard  *core.Guard
		status int
	}{
		"alone":                   {auth.Required(down), 503},
		"beside one that is met":  {auth.Required(core.Roles("staff"), down), 503},
		"any of, another is met":  {auth.Required(core.AnyOf(down, core.Roles("staff"))), 200},
		"any of, none is met":     {auth.Required(core.AnyOf(down, core.Scopes("admin"))), 503},
		"all of":                  {auth.Required(core.AnyOf(core.AllOf(core.Roles("staff"), down))), 503},
		"optional":                {auth.Optional(down), 200},
		"optional, RejectInvalid": {auth.Optional(down, core.RejectInvalid), 503},
		"a scope is missing":      {auth.Required(down, core.Scopes("admin")), 403},
	} {
		decision := c.guard.Admit(t.Context(), token)
		status := http.StatusOK
		if decision.Refusal != nil {
			status = decision.Refusal.Status
		}
		if status != c.status || strings.HasPrefix(name, "optional") && decision.Caller != nil {
			t.Errorf("%s: got %d for %v, %v", name, status, decision.Caller, decision.Err)
		}
		if status == http.StatusServiceUnavailable && (!errors.Is(decision.Err, errCause) || decision.Refusal.Header.Get("Retry-After") != "10" ||
			strings.Contains(string(decision.Refusal.Body), poison)) {
			t.Errorf("%s: got %+v, %v", name, decision.Refusal, errors.Unwrap(decision.Err))
		}
	}
}

// Config.Require has no request to check, so New refuses a CheckRequest there at any depth.
func TestCheckRequestInConfig(t *testing.T) {
	config := newIDP(t).config()
	never := core.CheckRequest("x", func(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, nil })
	for _, requirement := range []core.Requirement{never, core.AllOf(never), core.AnyOf(core.Roles("a"), core.AllOf(never)), core.AnyOf(), core.RejectInvalid} {
		config.Require = []core.Requirement{requirement}
		if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), "Require: entry 0") {
			t.Errorf("got %v", err)
		}
	}
	config.Require = []core.Requirement{core.AnyOf(core.Roles("a"), core.Scopes("b")), core.BearerOnly}
	if _, err := core.New(config); err != nil {
		t.Error(err)
	}
}

// Requirements run on every request: they do not allocate for a caller who meets them.
func TestRequirementsMakeNothing(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	token := bearerOf(idp.token(claims{"scope": "a b", "roles": []string{"admin"}}))
	for name, requirement := range map[string]core.Requirement{
		"any of":   core.AnyOf(core.Scopes("x"), core.AnyRole("y"), core.AllOf(core.Scopes("a"), core.Roles("admin"))),
		"a check":  core.Check("yes", func(caller *core.IDToken) bool { return caller.Subject() == "alice" }),
		"any role": core.AnyRole("other", "admin"),
	} {
		guard := auth.Required(requirement)
		if decision := guard.Admit(t.Context(), token); decision.Err != nil {
			t.Fatalf("%s: %v", name, decision.Err)
		}
		ctx := t.Context()
		if n := testing.AllocsPerRun(100, func() { guard.Admit(ctx, token) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Inside AnyOf, SessionOnly and BearerOnly are conditions: how the caller came.
func TestHowTheCallerCame(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w := newWeb(t, mode)
		who := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		for path, requirement := range map[string]core.Requirement{
			"/session-or-role":   core.AnyOf(core.SessionOnly, core.Roles("admin")),
			"/bearer-or-role":    core.AnyOf(core.BearerOnly, core.Roles("admin")),
			"/both-in-parts":     core.AnyOf(core.AllOf(core.SessionOnly, core.Roles("admin")), core.AllOf(core.BearerOnly, core.Scopes("openid"))),
			"/session-with-role": core.AllOf(core.SessionOnly, core.Roles("admin")),
			"/session-or-scope":  core.AnyOf(core.SessionOnly, core.Scopes("write")),
		} {
			w.mux.Handle(path, w.auth.Required(requirement).Middleware(who))
		}
		admin, person, nobody := w.browser(), w.browser(), w.browser()
		admin.logIn("alice")
		person.logIn("bob")
		bearer := func(user string) string {
			if w.cfg.Broker != nil {
				return "Authorization: " + w.idp.BrokerBearer(w.auth, user)
			}
			return "Authorization: " + w.idp.Bearer(user)
		}
		for path, want := range map[string][4]int{ // sessions of alice, who is admin, and of bob; their bearer tokens
			"/session-or-role": {200, 200, 200, 403}, "/bearer-or-role": {200, 403, 200, 200}, "/both-in-parts": {200, 403, 200, 200},
			"/session-with-role": {200, 403, 401, 401}, "/session-or-scope": {200, 200, 403, 403},
		} {
			got := [4]int{admin.status(path), person.status(path), nobody.status(path, bearer("alice")), nobody.status(path, bearer("bob"))}
			if got != want {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
			if answer := nobody.do(http.MethodGet, path, navigation...); answer.StatusCode != http.StatusFound {
				t.Errorf("%s: nobody gets %d", path, answer.StatusCode)
			}
		}
		refused := nobody.do(http.MethodGet, "/session-or-scope", bearer("alice"))
		if challenge := refused.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="write"`) {
			t.Errorf("the challenge: %s", challenge)
		}
	})
}

// When a token is issued nobody came with anything, so New refuses such a condition in Config.Require.
func TestHowTheCallerCameInConfig(t *testing.T) {
	for _, requirement := range []core.Requirement{
		core.AnyOf(core.SessionOnly, core.Scopes("x")), core.AllOf(core.Roles("x"), core.AnyOf(core.Scopes("x"), core.AllOf(core.BearerOnly))),
	} {
		config := newIDP(t).config()
		config.Require = []core.Requirement{requirement}
		if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), "Config.Require: entry 0: BearerOnly and SessionOnly inside AnyOf") {
			t.Errorf("%v", err)
		}
	}
}
