package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	wellKnown = "/.well-known/oauth-protected-resource"
	notes     = "https://app.example.org/api/notes"
	tasks     = "https://app.example.org/tasks"
)

// testResources: the metadata of resources at the root of the application, wherever the other routes are; tokens for a resource; and
// refusals that lead a client there. In broker mode there are none.
func testResources(t *testing.T, a setup) {
	resources := []core.Resource{{URL: notes, Name: "Notes & more", Documentation: "https://docs.example.org/notes#tokens"}, {URL: tasks}}
	if a.issues {
		_, err := a.New(core.Config{Resources: resources, Broker: &core.BrokerConfig{}})
		if err == nil || !strings.Contains(err.Error(), "Config.Resources") || !strings.Contains(err.Error(), "broker mode") {
			t.Errorf("broker mode: %v", err)
		}
		withoutResources(t, a)
		return
	}
	s := a.open(t, plan{config: func(cfg *core.Config) { cfg.Resources = resources }, build: func(app App) {
		mount(t, app.Group(group), core.Paths{})
		app.Group(group).Get("/notes", who, Required(core.Scopes("notes:read")))
		app.Handle("/tasks", who, core.Scopes("tasks:write openid"))
		app.HandleOptional("/tasks/open", who, core.AnyOf(core.Roles("admin"), core.Scopes("tasks:read")))
		app.Handle("/elsewhere", who)
		if err := app.MountRoot(); err != nil {
			t.Fatal(err)
		}
	}})
	describes := func(resource, more string) string {
		return whole(http.StatusOK, `{"resource":"`+resource+`","authorization_servers":["`+s.idp.Issuer()+`"],"scopes_supported":["notes:read","openid","tasks:read","tasks:write"],"bearer_methods_supported":["header"]`+more+`}`,
			"Content-Type: application/json", "Cache-Control: public, max-age=300", "Access-Control-Allow-Origin: *")
	}
	people := `,"resource_name":"Notes \u0026 more","resource_documentation":"https://docs.example.org/notes#tokens"`
	for path, want := range map[string]string{
		wellKnown: describes(notes, people), wellKnown + "/api/notes": describes(notes, people), wellKnown + "/tasks": describes(tasks, ""),
	} {
		s.get(path).is(want)
		s.get(path+"?resource=y", "Authorization: Bearer x", "Origin: https://client.example.org", "Cookie: a=b").is(want)
		head, _, _ := strings.Cut(want, "\n\n")
		s.send(http.MethodHead, path, nil).is(head + "\n\n")
		s.send(http.MethodOptions, path, nil, "Origin: https://client.example.org", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization,mcp-protocol-version").is(preflighted())
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			s.send(method, path, nil).hasStatus(a.wrongMethod())
		}
	}
	for _, path := range []string{group + wellKnown, wellKnown + "/api", wellKnown + "/elsewhere", wellKnown + "/tasks/open", "/.well-known/oauth-authorization-server"} {
		s.get(path).hasStatus(http.StatusNotFound)
	}
	s.challenges()
	behind := a.open(t, plan{beside: s, config: func(cfg *core.Config) { cfg.Resources = resources }, build: func(app App) {
		app.Before(http.Header{"Cache-Control": {"no-cache"}, "Access-Control-Allow-Origin": {"https://other.example"}, "Content-Type": {"text/plain"}}) // as a middleware for CORS
		if err := app.MountRoot(); err != nil {
			t.Fatal(err)
		}
	}})
	behind.get(wellKnown + "/tasks").is(strings.Replace(describes(tasks, ""), `"scopes_supported":["notes:read","openid","tasks:read","tasks:write"],`, "", 1))
	withoutResources(t, a)
}

// challenges: what a refused client learns, and which tokens pass.
func (s *site) challenges() {
	s.t.Helper()
	const at = `, resource_metadata="https://app.example.org` + wellKnown
	missing := func(more string) string {
		return refused(http.StatusUnauthorized, "invalid_request", "Not authenticated", challenge+more)
	}
	bad := func(more string) string {
		return refused(http.StatusUnauthorized, "invalid_token", "Invalid token", challenge+`, error="invalid_token", error_description="Invalid token"`+more)
	}
	s.get("/api/notes").is(missing(`, scope="notes:read"` + at + `/api/notes"`))
	s.get("/api/notes?x", "Authorization: Bearer x").is(bad(`, scope="notes:read"` + at + `/api/notes"`))
	s.get("/tasks").is(missing(`, scope="tasks:write openid"` + at + `/tasks"`))
	s.get("/elsewhere").is(missing(""))
	s.get("/tasks/open", "Authorization: Bearer x").is(seen("", 2))
	forNotes := func(aud any, scope string) string {
		return s.bearer("alice", oidctest.Claims{"aud": aud, "scope": scope})
	}
	const detail = "Token missing required scopes: openid, tasks:write"
	s.get("/tasks", forNotes(notes, "profile")).is(refused(http.StatusForbidden, "insufficient_scope", detail,
		challenge+`, error="insufficient_scope", error_description="`+detail+`", scope="tasks:write openid"`+at+`/tasks"`))
	for _, aud := range []any{notes, "HTTPS://App.Example.org/api/notes", tasks, []string{"x", tasks}, oidctest.ConfidentialClient} {
		s.get("/api/notes", forNotes(aud, "notes:read")).is(seen("alice", 1))
	}
	for _, aud := range []any{"https://app.example.org", notes + "/", notes + "/x", "https://other.example.org/tasks", "https://app.example.org/TASKS"} {
		s.get("/api/notes", forNotes(aud, "notes:read")).is(bad(`, scope="notes:read"` + at + `/api/notes"`))
	}
}

// withoutResources: there is nothing to mount, and refusals are as ever.
func withoutResources(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		mount(t, app.Group(group), core.Paths{})
		app.Handle("/me", who, core.Scopes("read"))
		if err := app.MountRoot(); err == nil || !strings.Contains(err.Error(), "Config.Resources") {
			t.Errorf("MountRoot without resources: %v", err)
		}
	}})
	s.get("/me").is(noCredentials())
	s.get("/me", "Authorization: Bearer x").is(badToken())
	s.get(wellKnown).hasStatus(http.StatusNotFound)
}

// preflighted is the answer to every OPTIONS there.
func preflighted() string {
	const methods = "GET, HEAD, OPTIONS"
	return whole(http.StatusNoContent, "", "Allow: "+methods, "Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: "+methods,
		"Access-Control-Allow-Headers: Authorization, MCP-Protocol-Version", "Access-Control-Max-Age: 300")
}
