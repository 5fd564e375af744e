package contract

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// refusals are the answers to a request with a bearer token, by its outcome; "" if it passes.
var refusals = map[Outcome]string{
	Admitted: "", NoCredentials: noCredentials(), BadToken: badToken(), LacksScope: lacksScopes("staff", "staff"), LacksClaim: lacksClaims(),
}

func testGuards(t *testing.T, a setup) {
	var runs atomic.Int64
	counted := func(ctx context.Context, given ...*core.IDToken) []byte {
		runs.Add(1)
		return who(ctx, given...)
	}
	needs := Needs()
	s := a.open(t, plan{build: func(app App) {
		app.Get("/free", counted)
		app.Get("/required/route", counted, Required(needs...))
		app.Group("/required/group", Required(needs...)).Get("/x", counted)
		app.Handle("/required/handle", counted, needs...)
		app.Get("/optional/route", counted, Optional(needs...))
		app.Group("/optional/group", Optional(needs...)).Get("/x", counted)
		app.HandleOptional("/optional/handle", counted, needs...)
		app.HandleOptional("/strict/handle", counted, append(needs, core.RejectInvalid)...)
	}})
	times := map[string]int{"/route": 1, "/group/x": 1, "/handle": 2}
	for name, test := range Credentials(s.token, a.badTokens(a, s)) {
		t.Run(name, func(t *testing.T) {
			s, refusal := s.in(t), refusals[test.Outcome]
			var headers []string
			if test.Authorization != "" {
				headers = []string{"Authorization: " + test.Authorization}
			}
			s.get("/free", headers...).is(seen("", 1))
			for place, given := range times {
				before := runs.Load()
				required := s.get("/required"+place, headers...)
				if refusal == "" {
					required.is(seen("alice", given))
					s.get("/optional"+place, headers...).is(seen("alice", given))
					continue
				}
				required.is(refusal)
				if runs.Load() != before {
					t.Error("a refused handler ran")
				}
				s.get("/optional"+place, headers...).is(seen("", given))
			}
			strict := s.get("/strict/handle", headers...)
			switch refusal {
			case "":
				strict.is(seen("alice", 2))
			case noCredentials():
				strict.is(seen("", 2))
			default:
				strict.is(refusal)
			}
		})
	}
	t.Run("defaults of the configuration", func(t *testing.T) { guardDefaults(t, a) })
	t.Run("outage", func(t *testing.T) {
		first := a.open(t, plan{})
		line := first.bearer("alice")
		s := a.open(t, plan{beside: first})
		s.idp.Fault(oidctest.JWKS, oidctest.Refused())
		s.get("/me").is(noCredentials()) // a missing token is never an outage
		s.get("/me", line).is(s.withoutKeys)
	})
}

func guardDefaults(t *testing.T, a setup) {
	lenient := a.open(t, plan{}) // without these requirements: it issues a token to everybody
	s := a.open(t, plan{
		beside: lenient,
		config: func(cfg *core.Config) { cfg.Require = []core.Requirement{core.Roles("admin")} },
		build: func(app App) {
			mount(t, app.Group(group), core.Paths{})
			app.Get("/admins", who, Required())
			app.Get("/all", who, Required(core.NoDefaults))
			app.Get("/none", who, Required(core.Scopes()))
		},
	})
	s.get("/admins", lenient.bearer("alice")).is(seen("alice", 1))
	s.get("/admins", lenient.bearer("bob")).is(lacksClaims())
	s.get("/all", lenient.bearer("bob")).is(seen("bob", 1))
	s.get("/none", lenient.bearer("alice")).is(lacksClaims())
	s.get(userInfo, lenient.bearer("bob")).is(lacksClaims())
}

// testNested: the caller is that of the innermost guard, and every guard must admit the request.
func testNested(t *testing.T, a setup) {
	x, y := core.Scopes("x"), core.Scopes("y")
	s := a.open(t, plan{build: func(app App) {
		required, optional := app.Group("/required", Required(x)), app.Group("/optional", Optional(x))
		for _, outer := range []Router{required, optional} {
			outer.Get("/optional", who, Optional(y))
			outer.Get("/required", who, Required(y))
			outer.Handle("/handle", who, y)
			outer.HandleOptional("/handleoptional", who, y)
			inner := outer.Group("/group", Required(y), Optional(x))
			inner.Get("/x", who)
			inner.Handle("/y", who, x, y)
		}
		app.Get("/two", who, Required(x), Required(y))
	}})
	scope := func(words string) string { return s.bearer("alice", oidctest.Claims{"scope": words}) }
	for _, test := range []struct{ path, none, x, both string }{
		{"/required/optional", noCredentials(), seen("", 1), seen("alice", 1)},
		{"/required/required", noCredentials(), lacksScopes("y", "y"), seen("alice", 1)},
		{"/required/handle", noCredentials(), lacksScopes("y", "y"), seen("alice", 2)},
		{"/required/handleoptional", noCredentials(), seen("", 2), seen("alice", 2)},
		{"/required/group/x", noCredentials(), lacksScopes("y", "y"), seen("alice", 1)},
		{"/required/group/y", noCredentials(), lacksScopes("y", "y"), seen("alice", 2)},
		{"/optional/optional", seen("", 1), seen("", 1), seen("alice", 1)},
		{"/optional/required", noCredentials(), lacksScopes("y", "y"), seen("alice", 1)},
		{"/optional/handle", noCredentials(), lacksScopes("y", "y"), seen("alice", 2)},
		{"/optional/handleoptional", seen("", 2), seen("", 2), seen("alice", 2)},
		{"/optional/group/x", noCredentials(), lacksScopes("y", "y"), seen("alice", 1)},
		{"/two", noCredentials(), lacksScopes("y", "y"), seen("alice", 1)},
	} {
		t.Run(test.path, func(t *testing.T) {
			s := s.in(t)
			s.get(test.path).is(test.none)
			s.get(test.path, scope("x")).is(test.x)
			s.get(test.path, scope("y x")).is(test.both)
		})
	}
	s.get("/required/required", scope("y")).is(lacksScopes("x", "x"))
}
