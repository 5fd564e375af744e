package core_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A probe learns which guard decides. Nobody passes, not even with good credentials, and nothing of the application runs.
func TestProbe(t *testing.T) {
	var ran []string
	note := func(name string) { ran = append(ran, name) }
	var log strings.Builder
	idp := oidctest.NewProvider(t)
	cfg := idp.Config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Observe = core.ObserveFunc(func(e core.Event) { note("Observe " + e.Kind) })
	cfg.OnError = func(context.Context, *core.Request, *core.Error) *core.Response { note("OnError"); return nil }
	cfg.OnLogin = func(context.Context, *core.Request, *core.Token) *core.Response { note("OnLogin"); return nil }
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	log.Reset()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { note("handler") })
	check := core.Check("c", func(*core.IDToken) bool { note("check"); return true })
	mux := http.NewServeMux()
	mux.Handle("GET /admin/{id}", auth.Required(core.Roles("admin"), check).Middleware(handler))
	mux.Handle("GET /feed", auth.Optional().Middleware(handler))
	mux.Handle("GET /both", auth.Required().Middleware(auth.Required(core.Roles("admin")).Middleware(handler)))
	mux.Handle("GET /open", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		rule, route, pattern        string
	}{
		{"GET", "/admin/1", "", 403, "Roles admin; Check c; bearer token", "", "GET /admin/{id}"},
		{"GET", "/admin/1", idp.Bearer("alice"), 403, "Roles admin; Check c; bearer token", "", "GET /admin/{id}"},
		{"GET", "/feed", idp.Bearer("alice"), 403, "guests too; bearer token", "", "GET /feed"},
		{"GET", "/both", idp.Bearer("alice"), 403, "bearer token", "", "GET /both"}, // the first guard
		{"GET", "/auth/v2/login", "", 403, "", "login", ""},
		{"POST", "/auth/v2/token", "", 403, "", "token", ""},
		{"GET", "/auth/v2/userinfo", idp.Bearer("alice"), 403, "", "userinfo", ""},
		{"GET", "/open", "", 200, "", "", ""},
		{"GET", "/nothing", "", 404, "", "", ""},
	} {
		ctx, probe := core.ProbeGuards(t.Context())
		request := httptest.NewRequestWithContext(ctx, c.method, c.path, nil)
		request.Header.Set("Authorization", c.authorization)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, request)
		decider, reached := probe.Decider()
		rule := ""
		if reached && decider.Route == "" {
			rule = decider.Rule.String()
		}
		if answer.Code != c.status || rule != c.rule || decider.Route != c.route || decider.Pattern != c.pattern || reached != (c.rule+c.route != "") {
			t.Errorf("%s %s: %d %+v %v", c.method, c.path, answer.Code, decider, reached)
		}
	}
	if len(ran) > 0 || log.Len() > 0 {
		t.Errorf("a probe ran %v and logged %s", ran, log.String())
	}
	decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("alice")}}})
	if decision.Refusal != nil || decision.Caller.Subject() != "alice" {
		t.Errorf("after the probes: %+v", decision)
	}
}

// Only the context makes a probe: a request without it is decided about, whatever it contains.
func TestProbeIsNoRequest(t *testing.T) {
	auth := ruleAuth(t, nil)
	ctx, probe := core.ProbeGuards(t.Context())
	for name, header := range map[string]http.Header{
		"nothing": nil, "a probe's name": {"Probe": {"1"}, "Oidcauth-Probe": {"true"}, "X-Probe-Guards": {"1"}}, "a token": {"Authorization": {"Bearer probe"}},
	} {
		decision := auth.Required().Admit(context.Background(), core.Credentials{Method: "GET", Target: "/?probe=1", Header: header})
		if decision.Refusal.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, decision.Refusal.Status)
		}
	}
	if decider, reached := probe.Decider(); reached {
		t.Errorf("a request without the probe told %+v", decider)
	}
	if decision := auth.Optional().Admit(ctx, core.Credentials{}); decision.Refusal == nil || decision.Err == nil {
		t.Errorf("a guest passed: %+v", decision)
	}
	auth.Required().Admit(ctx, core.Credentials{})
	if decider, reached := probe.Decider(); !reached || !decider.Rule.Optional {
		t.Errorf("the first guard did not tell: %+v", decider)
	}
}
