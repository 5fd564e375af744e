package oidctest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// accessApp is an application on net/http that notes which handlers ran.
type accessApp struct {
	oidctest.App
	auth *core.Auth
	mux  *http.ServeMux
	ran  []string
}

func newAccessApp(t *testing.T) *accessApp {
	t.Helper()
	auth, err := core.New(core.Config{ // no request needs the provider
		DiscoveryURL: "https://idp.example/.well-known/openid-configuration", ClientID: "app", PublicURL: "https://app.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	a := &accessApp{auth: auth, mux: http.NewServeMux()}
	a.Send = oidctest.SendTo(a.mux)
	return a
}

// handle adds a route, with guards from the outermost to the innermost.
func (a *accessApp) handle(pattern string, guards ...*core.Guard) {
	var handler http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a.ran = append(a.ran, pattern) })
	for _, guard := range slices.Backward(guards) {
		handler = guard.Middleware(handler)
	}
	a.mux.Handle(pattern, handler)
	a.Patterns = append(a.Patterns, oidctest.Patterns(pattern)...)
}

func (a *accessApp) check(t *testing.T, report, faults string) {
	t.Helper()
	got, err := oidctest.Access(t.Context(), a.App)
	if got.String() != report {
		t.Errorf("report\n%s\nwant\n%s", got, report)
	}
	text := ""
	if err != nil {
		text = err.Error() + "\n"
	}
	if text != faults {
		t.Errorf("error\n%s\nwant\n%s", text, faults)
	}
}

// Each route stands in the report with its guard. Routes without one are errors, and no handler behind a guard runs.
func TestAccess(t *testing.T) {
	a := newAccessApp(t)
	orders := a.auth.Required(core.Scopes("orders"))
	a.handle("GET /orders/{id}", orders)
	a.handle("DELETE /orders/{id}", a.auth.Required(core.Roles("admin")))
	a.handle("GET /feed", a.auth.Optional())
	a.handle("/files/{path...}", orders)
	a.handle("api.example.org/v1/", orders)
	a.handle("GET /two", a.auth.Required(), orders) // the first one
	a.handle("GET /healthz")
	a.handle("GET /{$}")
	routes, err := a.auth.Routes(core.Paths{Prefix: "/api", Device: core.Off, Logout: core.Off, UserInfo: core.Off})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		a.mux.Handle(route.Method+" "+route.Path, route)
		a.Patterns = append(a.Patterns, oidctest.Pattern{Method: route.Method, Path: route.Path})
	}
	a.Patterns = append(a.Patterns, a.Patterns[0]) // listed twice: reported once
	a.Open = []string{"GET /healthz", "GET /{$}"}
	const good = `GET /api/auth/v2/callback  route of oidcauth: callback
GET /api/auth/v2/login  route of oidcauth: login
POST /api/auth/v2/token  route of oidcauth: token
GET /feed  guests too; bearer token
ANY /files/{path...}  Scopes orders; bearer token
GET /healthz  everybody
DELETE /orders/{id}  Roles admin; bearer token
GET /orders/{id}  Scopes orders; bearer token
GET /two  bearer token
GET /{$}  everybody
ANY api.example.org/v1/  Scopes orders; bearer token
`
	a.check(t, good, "")
	if len(a.ran) > 0 {
		t.Errorf("handlers ran: %v", a.ran)
	}

	a.handle("POST /forgotten")
	a.check(t, strings.Replace(good, "GET /healthz", "POST /forgotten  NO GUARD\nGET /healthz", 1),
		"POST /forgotten: no guard, the answer is 200: add a guard, or name the route in App.Open\n")
	if !slices.Equal(a.ran, []string{"POST /forgotten"}) {
		t.Errorf("handlers ran: %v", a.ran)
	}
}

// What does not fit together is an error that names the route, and never a route that looks guarded.
func TestAccessFaults(t *testing.T) {
	for name, c := range map[string]struct {
		change         func(*accessApp)
		report, faults string
	}{
		"a path that is no route": {func(a *accessApp) { a.Patterns = oidctest.Patterns("GET /gone") },
			"GET /gone  NO GUARD\n", "GET /gone: no guard, the answer to /gone is 404: set Target if that is no path of this route\n"},
		"another method": {func(a *accessApp) { a.handle("GET /me"); a.Patterns = oidctest.Patterns("POST /me") },
			"POST /me  NO GUARD\n", "POST /me: no guard, the answer to /me is 405: set Target if that is no path of this route\n"},
		"a mistyped open route": {func(a *accessApp) { a.Open = []string{"GET /healtz"} }, "", "GET /healtz: in App.Open, and no route\n"},
		"a parameter of certain words": {func(a *accessApp) { a.Patterns = []oidctest.Pattern{{Method: "GET", Path: "/orders/{id:[0-9]+}"}} },
			"GET /orders/{id:[0-9]+}  NO GUARD\n", "GET /orders/{id:[0-9]+}: set Target: this test does not know which paths the pattern takes\n"},
		"a target for it": {func(a *accessApp) {
			a.handle("GET /orders/{id}", a.auth.Required())
			a.Patterns = []oidctest.Pattern{{Method: "GET", Path: "/orders/{id:[0-9]+}", Target: "/orders/7?x=y"}}
		}, "GET /orders/{id:[0-9]+}  bearer token\n", ""},
		"a target elsewhere": {func(a *accessApp) {
			a.Patterns = []oidctest.Pattern{{Method: "GET", Path: "/", Target: "//evil.example/"}}
		},
			"GET /  NO GUARD\n", "GET /: \"//evil.example/\" is no path\n"},
		"no method of HTTP": {func(a *accessApp) { a.Patterns = []oidctest.Pattern{{Method: "echo_route_not_found", Path: "/*"}} },
			"echo_route_not_found /*  NO GUARD\n", "echo_route_not_found /*: not a method: leave the entry out of App.Patterns\n"},
		"a panic": {func(a *accessApp) {
			a.mux.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic("secret") })
			a.Patterns = oidctest.Patterns("GET /panics")
		}, "GET /panics  NO GUARD\n", "GET /panics: no guard was reached: the handler panicked: string\n"},
		"it cannot be sent": {func(a *accessApp) {
			a.Send = func(*http.Request) (int, error) { return 0, errors.New("no server") }
			a.Patterns = oidctest.Patterns("GET /me")
		}, "GET /me  NO GUARD\n", "GET /me: no guard was reached: no server\n"},
		"something else answers first": {func(a *accessApp) {
			a.handle("GET /me", a.auth.Required())
			a.Send = oidctest.SendTo(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
		}, "GET /me  NO GUARD\n", "GET /me: no guard, the answer is 429: add a guard, or name the route in App.Open\n"},
		"the context is lost": {func(a *accessApp) {
			a.handle("GET /me", a.auth.Required())
			send := a.Send
			a.Send = func(r *http.Request) (int, error) { return send(r.WithContext(context.Background())) }
		}, "GET /me  NO GUARD\n", "GET /me: no guard, the answer is 401: add a guard, or name the route in App.Open\n"},
		"the guard of another route": {func(a *accessApp) { // the second pattern is no route, and the request for it reaches the first one
			a.handle("GET /orders/{id}", a.auth.Required())
			a.Patterns = append(a.Patterns, oidctest.Pattern{Method: "GET", Path: "/orders/{slug}"})
		}, "GET /orders/{id}  bearer token\nGET /orders/{slug}  NO GUARD\n",
			"GET /orders/{slug}: the request for /orders/oidctest-probe reached GET /orders/{id}: set Target to a path of this route alone\n"},
		"no Send": {func(a *accessApp) { a.Send = nil; a.handle("GET /feed", a.auth.Optional()) }, "", "oidctest: set App.Send\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccessApp(t)
			c.change(a)
			if c.report != "" && !strings.Contains(c.report, "bearer token") {
				c.faults += "oidctest: no guard was reached at all: does App.Send give the router the context of the request?\n"
			}
			a.check(t, c.report, c.faults)
			if len(a.ran) > 0 {
				t.Errorf("handlers ran: %v", a.ran)
			}
		})
	}
}

// The guard of a group may have the pattern of the group, which is a route of its own, too.
func TestAccessOfGroups(t *testing.T) {
	a := newAccessApp(t)
	inner := http.NewServeMux()
	inner.HandleFunc("GET /admin/users", func(http.ResponseWriter, *http.Request) { a.ran = append(a.ran, "users") })
	inner.HandleFunc("GET /admin/", func(http.ResponseWriter, *http.Request) { a.ran = append(a.ran, "admin") })
	a.mux.Handle("/admin/", a.auth.Required(core.Roles("admin")).Middleware(inner))
	a.Patterns = oidctest.Patterns("GET /admin/users", "/admin/")
	a.check(t, "ANY /admin/  Roles admin; bearer token\nGET /admin/users  Roles admin; bearer token\n", "")
	if len(a.ran) > 0 {
		t.Errorf("handlers ran: %v", a.ran)
	}
}

// The request is that of a client who has nothing, and each parameter and wildcard of each framework is replaced.
func TestAccessRequests(t *testing.T) {
	for path, want := range map[string]string{
		"":                 "localhost/",
		"/":                "localhost/",
		"/a/b":             "localhost/a/b",
		"/a/":              "localhost/a/",
		"/{$}":             "localhost/",
		"/a/{id}/b":        "localhost/a/oidctest-probe/b",
		"/a/:id/:other":    "localhost/a/oidctest-probe/oidctest-probe",
		"/a/:id?":          "localhost/a/oidctest-probe",
		"/a/*":             "localhost/a/oidctest-probe",
		"/a/*path":         "localhost/a/oidctest-probe",
		"/a/+":             "localhost/a/oidctest-probe",
		"/a/{rest...}":     "localhost/a/oidctest-probe",
		"example.org/a":    "example.org/a",
		"/a/:id<int>":      "",
		"/a/:from-:to":     "",
		"/a/{id:\\d+}":     "",
		"/a/{id}.{suffix}": "",
	} {
		var got string
		app := newAccessApp(t).App
		app.Patterns = []oidctest.Pattern{{Method: "PUT", Path: path}}
		app.Send = func(r *http.Request) (int, error) {
			got = r.Host + r.URL.Path
			if r.Method != "PUT" || len(r.Header) != 0 || r.Body != http.NoBody || r.RequestURI != r.URL.Path {
				t.Errorf("%s: %+v", path, r)
			}
			return 200, nil
		}
		if report, err := oidctest.Access(t.Context(), app); got != want || err == nil || !report[0].IsUnguarded() {
			t.Errorf("%s: %q, want %q; %v", path, got, want, err)
		}
	}
}

// Several Auths may guard one router.
func TestAccessOfSeveralAuths(t *testing.T) {
	a, b := newAccessApp(t), newAccessApp(t)
	a.handle("GET /a", a.auth.Required())
	a.handle("GET /b", b.auth.Optional())
	a.check(t, "GET /a  bearer token\nGET /b  guests too; bearer token\n", "")
	answer := httptest.NewRecorder() // the probes are over
	a.mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/b", nil))
	if !slices.Equal(a.ran, []string{"GET /b"}) || answer.Code != http.StatusOK {
		t.Errorf("%v %d", a.ran, answer.Code)
	}
}
