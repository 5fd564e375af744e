package grpcauth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
)

// The rule of a method counts before that of its service, and this before Default. Without any, a call is refused.
func TestRules(t *testing.T) {
	idp := newProvider(t)
	auth := newAuth(t, idp.Config())
	staff, admin := auth.Required(core.Scopes("staff")), auth.Required(core.Roles("admin"))
	services := []*grpc.ServiceDesc{
		serviceOf("test.Orders", []string{"List", "Delete", "Ping"}, map[string]func(grpc.ServerStream) error{"Watch": sayWho, "Follow": sayWho}),
		serviceOf("test.Free", []string{"Ping", "Secret"}, map[string]func(grpc.ServerStream) error{"Watch": sayWho}),
		serviceOf("test.Others", []string{"Ping"}, map[string]func(grpc.ServerStream) error{"Watch": sayWho}),
	}
	rules := grpcauth.Rules{
		Methods:  map[string]*core.Guard{"/test.Orders/Delete": admin, "/test.Orders/Follow": admin, "/test.Free/Secret": admin},
		Services: map[string]*core.Guard{"test.Orders": staff},
		Open:     []string{"test.Free", "/test.Orders/Ping"},
	}
	closed := serve(t, intercept(t, auth, rules), services...)
	rules.Default = auth.Required()
	rest := serve(t, intercept(t, auth, rules), services...)
	bob := idp.Bearer("bob")
	needsStaff := lacksScopes("staff", "staff")
	for _, test := range []struct{ method, closed, rest string }{
		{"/test.Orders/List", needsStaff, needsStaff},
		{"/test.Orders/Watch", needsStaff, needsStaff},
		{"/test.Orders/Delete", lacksClaims(), lacksClaims()},
		{"/test.Orders/Follow", lacksClaims(), lacksClaims()},
		{"/test.Orders/Ping", "guest", "guest"}, // an open method does not look at the token
		{"/test.Free/Ping", "guest", "guest"},
		{"/test.Free/Watch", "guest", "guest"},
		{"/test.Free/Secret", lacksClaims(), lacksClaims()},
		{"/test.Others/Ping", noRule, "bob"},
		{"/test.Others/Watch", noRule, "bob"},
	} {
		if got := closed.first(test.method, "authorization", bob); got != test.closed {
			t.Errorf("%s: %s\nwant %s", test.method, got, test.closed)
		}
		if got := rest.first(test.method, "authorization", bob); got != test.rest {
			t.Errorf("%s with a default: %s\nwant %s", test.method, got, test.rest)
		}
	}
	if got := serve(t, new(grpcauth.Interceptors), services...).first("/test.Free/Ping", "authorization", bob); got != noRule {
		t.Errorf("the zero value: %s", got)
	}
}

// Interceptors keeps its own copy of the rules.
func TestRulesAreCopied(t *testing.T) {
	auth := newAuth(t, newProvider(t).Config())
	rules := grpcauth.Rules{
		Methods: map[string]*core.Guard{"/test.Calls/A": auth.Required()}, Services: map[string]*core.Guard{"test.Calls": auth.Required()}, Open: []string{"test.Others"},
	}
	guards := intercept(t, auth, rules)
	rules.Open[0] = "test.Calls"
	clear(rules.Methods)
	clear(rules.Services)
	c := serve(t, guards, serviceOf("test.Calls", []string{"A", "B"}, nil))
	for _, method := range []string{"/test.Calls/A", "/test.Calls/B"} {
		if got := c.call(method); got != noCredentials() {
			t.Errorf("%s: %s", method, got)
		}
	}
}

// No spelling of a method leads to the rule of another one, even if a server takes it.
func TestSpellings(t *testing.T) {
	idp := newProvider(t)
	auth := newAuth(t, idp.Config())
	guards := intercept(t, auth, grpcauth.Rules{
		Methods: map[string]*core.Guard{"/test.Orders/Delete": auth.Required(core.Roles("admin"))}, Open: []string{"test.Orders"},
	})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", idp.Bearer("bob")))
	run := func(method string) string {
		_, err := guards.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) { return nil, nil })
		if err == nil {
			return ""
		}
		return textOf(t, err)
	}
	for method, want := range map[string]string{
		"/test.Orders/List":    "",
		"test.Orders/List":     "",
		"/test.Orders/Delete":  lacksClaims(),
		"test.Orders/Delete":   lacksClaims(),
		"//test.Orders/Delete": noRule,
		"/test.Orders/x/y":     noRule,
		"/test.orders/List":    noRule,
		"/test.Orders":         noRule,
		"/":                    noRule,
		"":                     noRule,
	} {
		if got := run(method); got != want {
			t.Errorf("%q: %q, want %q", method, got, want)
		}
	}
}

// Interceptors lists every invalid rule.
func TestInvalidRules(t *testing.T) {
	auth := newAuth(t, newProvider(t).Config())
	guard := auth.Required()
	_, err := auth.Interceptors(grpcauth.Rules{
		Methods: map[string]*core.Guard{
			"test.Orders/List": guard, "/test.Orders": guard, "/a/b/c": guard, "": guard, "/test.Orders/": guard, "/test.Orders/*": guard, "/test.Orders/Nil": nil, "/test.Orders/Twice": guard,
		},
		Services: map[string]*core.Guard{"/test.Orders": guard, "": guard, "*": guard, "test.Nil": nil, "test.Twice": guard},
		Open:     []string{"", "test.Orders/List", "/x", "test.Twice", "/test.Orders/Twice", "test.Open", "test.Open"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`Rules.Methods: "" is not`, `Rules.Methods: "/a/b/c" is not`, `Rules.Methods: "/test.Orders" is not`, `Rules.Methods: "/test.Orders/" is not`, `Rules.Methods: "/test.Orders/*" is not`,
		`Rules.Methods: "/test.Orders/Nil" has no guard`, `Rules.Methods: "test.Orders/List" is not`,
		`Rules.Services: "" is not`, `Rules.Services: "*" is not`, `Rules.Services: "/test.Orders" is not`, `Rules.Services: "test.Nil" has no guard`,
		`Rules.Open: "" names no`, `Rules.Open: "test.Orders/List" names no`, `Rules.Open: "/x" names no`,
		`Rules.Open: "test.Twice" has another rule`, `Rules.Open: "/test.Orders/Twice" has another rule`, `Rules.Open: "test.Open" has another rule`,
	} {
		if len(lines) == 0 {
			t.Fatalf("no line with %s", want)
		}
		if !strings.HasPrefix(lines[0], "grpcauth: "+want) {
			t.Errorf("%s\nwant %s", lines[0], want)
		}
		lines = lines[1:]
	}
	if len(lines) > 0 {
		t.Errorf("further lines: %q", lines)
	}
}

// Check names the methods that have no rule, and the rules that name nothing.
func TestCheck(t *testing.T) {
	auth := newAuth(t, newProvider(t).Config())
	guard := auth.Required()
	server := grpc.NewServer()
	server.RegisterService(serviceOf("test.Orders", []string{"List", "Delete"}, map[string]func(grpc.ServerStream) error{"Watch": sayWho}), struct{}{})
	server.RegisterService(serviceOf("test.People", []string{"Me"}, nil), struct{}{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)
	open := []string{grpcauth.Health, grpcauth.Reflection, grpcauth.ReflectionAlpha}
	for name, test := range map[string]struct {
		rules grpcauth.Rules
		want  string
	}{
		"default":  {grpcauth.Rules{Default: guard, Open: open}, ""},
		"services": {grpcauth.Rules{Services: map[string]*core.Guard{"test.Orders": guard, "test.People": guard}, Open: open}, ""},
		"methods": {grpcauth.Rules{
			Methods:  map[string]*core.Guard{"/test.Orders/List": guard, "/test.Orders/Delete": guard, "/test.Orders/Watch": guard},
			Services: map[string]*core.Guard{"test.People": guard}, Open: open,
		}, ""},
		"methods that are missing": {
			grpcauth.Rules{Methods: map[string]*core.Guard{"/test.Orders/Delete": guard}, Open: open},
			"/test.Orders/List has no rule\n/test.Orders/Watch has no rule\n/test.People/Me has no rule",
		},
		"rules that name nothing": {
			grpcauth.Rules{
				Default: guard, Methods: map[string]*core.Guard{"/test.Orders/Remove": guard, "/test.Order/List": guard},
				Services: map[string]*core.Guard{"test.Orders": guard, "test.Persons": guard}, Open: append(open, "test.Gone", "/test.People/You"),
			},
			"the method /test.Order/List, which is not\nthe method /test.Orders/Remove, which is not\nthe method /test.People/You, which is not\nthe service test.Gone, which is not\nthe service test.Persons, which is not",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := intercept(t, auth, test.rules).Check(server)
			if test.want == "" || err == nil {
				if err != nil || test.want != "" {
					t.Errorf("%v, want %q", err, test.want)
				}
				return
			}
			got, want := strings.Split(err.Error(), "\n"), strings.Split(test.want, "\n")
			if len(got) != len(want) {
				t.Fatalf("%v", err)
			}
			for i := range want {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("%s\nwant %s", got[i], want[i])
				}
			}
		})
	}
}

// Health checks and reflection need no token if they are open, and have none if they are not.
func TestHealth(t *testing.T) {
	auth := newAuth(t, newProvider(t, oidctest.WithAlgorithm("ES256")).Config())
	for name, want := range map[string]string{grpcauth.Health: "SERVING", "": noCredentials()} {
		rules := grpcauth.Rules{Default: auth.Required()}
		if name != "" {
			rules.Open = []string{name}
		}
		guards := intercept(t, auth, rules)
		server := grpc.NewServer(guards.ServerOptions()...)
		healthpb.RegisterHealthServer(server, health.NewServer())
		if err := guards.Check(server); err != nil {
			t.Error(err)
		}
		answer, err := healthpb.NewHealthClient(start(t, server).conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
		got := answer.GetStatus().String()
		if err != nil {
			got = textOf(t, err)
		}
		if got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
