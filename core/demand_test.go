package core_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// inside returns the context that a handler behind a guard gets.
func inside(t testing.TB, guard *core.Guard, token string) context.Context {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	decision := guard.Admit(t.Context(), core.Credentials{Method: http.MethodPost, Target: "/rpc", Header: header})
	if decision.Refusal != nil {
		t.Fatalf("the guard refuses: %v", decision.Err)
	}
	return decision.Context(t.Context())
}

// demandStatus returns the status of the answer to what Demand returns, 200 for nil.
func demandStatus(t testing.TB, auth *core.Auth, err error) int {
	t.Helper()
	if err == nil {
		return http.StatusOK
	}
	var refusal *core.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("no *Error: %v", err)
	}
	answer := auth.Answer(t.Context(), core.Credentials{}, err)
	if answer.Status != refusal.Status {
		t.Errorf("the answer to %v is %d", err, answer.Status)
	}
	return answer.Status
}

// The contract suite compares Demand with guards. Here is what guards do not have.
func TestDemand(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) { c.Require = []core.Requirement{core.Roles("admin")} })
	none := func(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, nil }
	token := idp.token(claims{"scope": "read"})
	caller, guest := inside(t, auth.Required(core.NoDefaults), token), inside(t, auth.Optional(), "")
	for name, c := range map[string]struct {
		ctx    context.Context
		needs  []core.Requirement
		status int
	}{
		"nothing":                        {caller, nil, 200},
		"a scope":                        {caller, []core.Requirement{core.Scopes("read")}, 200},
		"a scope that is missing":        {caller, []core.Requirement{core.Scopes("read write")}, 403},
		"a bearer token":                 {caller, []core.Requirement{core.BearerOnly}, 200},
		"a session":                      {caller, []core.Requirement{core.SessionOnly}, 403},
		"a session, inside":              {caller, []core.Requirement{core.AllOf(core.SessionOnly, core.Scopes("read"))}, 403},
		"a guest, nothing":               {guest, nil, 401},
		"a guest, a scope":               {guest, []core.Requirement{core.Scopes("read")}, 401},
		"no guard":                       {t.Context(), nil, 401},
		"a caller without a guard":       {core.WithIDToken(t.Context(), core.IDTokenFrom(caller)), []core.Requirement{core.Scopes("read")}, 200},
		"another one without a guard":    {core.WithIDToken(t.Context(), core.IDTokenFrom(caller)), []core.Requirement{core.Scopes("write")}, 403},
		"a check without a guard panics": {core.WithIDToken(t.Context(), core.IDTokenFrom(caller)), []core.Requirement{core.Check("x", func(*core.IDToken) bool { panic("x") })}, 500},
		"the request":                    {caller, []core.Requirement{core.CheckRequest("own", none)}, 500},
		"the request, inside":            {caller, []core.Requirement{core.AnyOf(core.Scopes("read"), core.CheckRequest("own", none))}, 500},
		"an option":                      {caller, []core.Requirement{core.NoDefaults}, 500},
		"another option":                 {caller, []core.Requirement{core.RejectInvalid}, 500},
		"never":                          {caller, []core.Requirement{core.Scopes()}, 500},
		"the zero value":                 {caller, []core.Requirement{{}}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			if got := demandStatus(t, auth, core.Demand(c.ctx, c.needs...)); got != c.status {
				t.Errorf("%d, want %d", got, c.status)
			}
		})
	}
}

// The log names a mistake, and at level debug what was wanted.
func TestDemandIsLogged(t *testing.T) {
	idp := newIDP(t)
	ctx := inside(t, idp.auth().Required(), idp.token())
	_ = core.Demand(ctx, core.CheckRequest("own", func(context.Context, core.Credentials, *core.IDToken) (bool, error) { return true, nil }))
	_ = core.Demand(ctx, core.Scopes("tools:write"))
	for _, want := range []string{"demands what cannot be judged there", "CheckRequest own: there is no request", "want_scopes", "tools:write", "route=Demand"} {
		if !strings.Contains(idp.logs.String(), want) {
			t.Errorf("%q is missing in %s", want, idp.logs.String())
		}
	}
}

// A granted scope may include others, for guards and Demand alike.
func TestScopeImplies(t *testing.T) {
	idp := newIDP(t)
	var asked []string
	auth := idp.auth(func(c *core.Config) {
		c.ScopeImplies = func(granted, wanted string) bool {
			asked = append(asked, granted+" "+wanted)
			if granted == "broken" {
				panic("in a hierarchy")
			}
			return strings.HasPrefix(wanted, granted+":")
		}
	})
	for name, c := range map[string]struct {
		scope  string
		needs  core.Requirement
		status int
	}{
		"equal":             {"files", core.Scopes("files"), 200},
		"included":          {"mail files", core.Scopes("files:read"), 200},
		"two of them":       {"mail files", core.Scopes("files:read", "mail:send"), 200},
		"one is not":        {"files", core.Scopes("files:read", "mail:send"), 403},
		"not upwards":       {"files:read", core.Scopes("files"), 403},
		"inside AnyOf":      {"files", core.AnyOf(core.Roles("x"), core.Scopes("files:read")), 200},
		"none":              {"", core.Scopes("files"), 403},
		"it panics":         {"broken", core.Scopes("files"), 500},
		"it panics, inside": {"broken", core.AnyOf(core.Scopes("files"), core.Check("all", func(*core.IDToken) bool { return true })), 500},
	} {
		t.Run(name, func(t *testing.T) {
			token := idp.token(claims{"scope": c.scope})
			wantStatus(t, auth.Required(c.needs), token, c.status)
			if got := demandStatus(t, auth, core.Demand(inside(t, auth.Required(), token), c.needs)); got != c.status {
				t.Errorf("Demand: %d, want %d", got, c.status)
			}
		})
	}
	asked = nil
	wantStatus(t, auth.Required(core.Scopes("files")), idp.token(claims{"scope": "files mail"}), 200)
	if len(asked) > 0 {
		t.Errorf("asked about equal scopes: %v", asked)
	}
	header := auth.Required(core.Scopes("files:read", "mail:send")).Admit(t.Context(), core.Credentials{
		Header: http.Header{"Authorization": {"Bearer " + idp.token(claims{"scope": "files"})}},
	}).Refusal.Header
	if want := `error_description="Token missing required scopes: mail:send", scope="files:read mail:send"`; !strings.Contains(header.Get("WWW-Authenticate"), want) {
		t.Errorf("%s, want %s", header.Get("WWW-Authenticate"), want)
	}
}

// The caller of one request may be judged from several goroutines at once.
func TestDemandAtOnce(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	handler := auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done := make(chan error)
		for range 8 {
			go func() {
				done <- core.Demand(r.Context(), core.Scopes("read"), core.Check("own", func(t *core.IDToken) bool { return t.Subject() != "" }))
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}))
	r := httptest.NewRequest(http.MethodPost, "/rpc", nil)
	r.Header.Set("Authorization", "Bearer "+idp.token(claims{"scope": "read"}))
	handler.ServeHTTP(httptest.NewRecorder(), r)
}

// With Config.Resources a guest learns which scopes the operation needs, and a caller whose login is not enough what to do.
func TestDemandChallenges(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) { c.Resources = []core.Resource{{URL: "https://mcp.example.org/mcp"}} })
	if _, err := auth.RootRoutes(); err != nil {
		t.Fatal(err)
	}
	guest, caller := inside(t, auth.Optional(), ""), inside(t, auth.Required(), idp.token())
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a guest": {core.Demand(guest, core.Scopes("read write")),
			`Bearer realm="oidcauth", scope="read write", resource_metadata="https://mcp.example.org/.well-known/oauth-protected-resource/mcp"`},
		"an old login": {core.Demand(caller, core.MaxAge(time.Minute), core.ACR("gold")), `acr_values="gold", max_age="60"`},
	} {
		if got := auth.Answer(t.Context(), core.Credentials{Target: "/mcp"}, c.err).Header.Get("WWW-Authenticate"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
