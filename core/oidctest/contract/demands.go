package contract

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// demands are requirements inside a handler, each beside a guard with the same ones.
var demands = map[string][]core.Requirement{
	"/scope":  {core.Scopes("staff")},
	"/two":    {core.Scopes("staff"), core.Scopes("write")},
	"/role":   {core.Roles("admin")},
	"/any":    {core.AnyOf(core.Roles("nobody"), core.Scopes("staff"))},
	"/both":   {core.Scopes("staff"), core.Roles("admin")},
	"/never":  {core.Check("never", func(*core.IDToken) bool { return false })},
	"/panics": {core.Check("panics", func(*core.IDToken) bool { panic("in a check") })},
}

// demanding adds the handlers of demands: below /guard behind a guard, below /demand with Demand behind a guard that asks for nothing
// more than a caller, and below /guest with Demand behind one that takes guests.
func demanding(router Router) {
	for path, requirements := range demands {
		check := func(ctx context.Context) error { return core.Demand(ctx, requirements...) }
		router.Demand("/guard"+path, func(context.Context) error { return nil }, Required(requirements...))
		router.Demand("/demand"+path, check, Required())
		router.Demand("/guest"+path, check, Optional())
	}
}

// testDemands: Demand and Refuse give the answer of a guard with the same requirements, the whole of it.
func testDemands(t *testing.T, a setup) {
	s := a.open(t, plan{
		config: func(cfg *core.Config) {
			cfg.ScopeImplies = func(granted, wanted string) bool { return granted == "root" && wanted != "other" }
		},
		build: func(app App) { demanding(app.Group("/in")) },
	})
	for name, line := range map[string]string{
		"nobody":     "",
		"malformed":  "Authorization: Bearer x.y.z",
		"alice":      s.bearer("alice"),
		"alice's":    s.bearer("alice", oidctest.Claims{"scope": "openid staff"}),
		"alice's in": s.bearer("alice", oidctest.Claims{"scope": "openid staff write"}),
		"bob's":      s.bearer("bob", oidctest.Claims{"scope": "staff"}),
		"root":       s.bearer("bob", oidctest.Claims{"scope": "root"}),
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			var headers []string
			if line != "" {
				headers = []string{line}
			}
			for path := range demands {
				want := s.get("/in/guard"+path, headers...).text()
				s.get("/in/demand"+path, headers...).is(want)
				if name != "malformed" { // that is a guest there
					s.get("/in/guest"+path, headers...).is(want)
				}
			}
		})
	}
	passes := whole(http.StatusOK, "{}", "Content-Type: application/json")
	s.get("/in/demand/both", s.bearer("alice", oidctest.Claims{"scope": "staff"})).is(passes)
	s.get("/in/demand/scope").is(noCredentials())
	s.get("/in/demand/scope", s.bearer("alice")).is(lacksScopes("staff", "staff"))
	s.get("/in/demand/two", s.bearer("alice", oidctest.Claims{"scope": "root"})).is(passes)
	s.get("/in/guard/two", s.bearer("alice", oidctest.Claims{"scope": "root"})).is(passes)
}

// testWebDemands: the same for a browser with and without a session.
func testWebDemands(t *testing.T, a setup) {
	w := a.openWeb(t, plan{}, func(w *web, app App) {
		w.pages(t, app)
		demanding(app.Group(group))
	})
	member := w.browser()
	member.logIn("alice")
	for who, b := range map[string]*browser{"a session": member, "none": w.browser()} {
		for kind, headers := range map[string][]string{"a page": visiting, "a script": scripted} {
			t.Run(who+", "+kind, func(t *testing.T) {
				b := b.in(t)
				for path := range demands {
					want := b.do(http.MethodGet, group+"/guard"+path, headers...).text()
					for _, place := range []string{"/demand", "/guest"} {
						got := b.do(http.MethodGet, group+place+path, headers...)
						if withoutVary(got.text()) != withoutVary(strings.ReplaceAll(want, escaped("/guard"+path), escaped(place+path))) {
							t.Errorf("%s\n--- got\n%s\n--- a guard's\n%s", got.what, got.text(), want)
						}
					}
				}
			})
		}
	}
}

// withoutVary leaves out what the guard has added that admitted the browser: a refusal by a guard alone has it only where it depends on the
// session.
func withoutVary(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, varies+"\n", ""), "Vary: Cookie\n", "")
}

func escaped(path string) string { return strings.ReplaceAll(path, "/", "%2F") }
