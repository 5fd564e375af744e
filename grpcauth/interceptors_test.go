package grpcauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/grpcauth"
	"google.golang.org/grpc"
)

// New passes on what core says about the configuration.
func TestNew(t *testing.T) {
	if auth, err := grpcauth.New(core.Config{Logger: slog.New(slog.DiscardHandler)}); err == nil || auth != nil || !strings.Contains(err.Error(), "Config.DiscoveryURL") {
		t.Error(err)
	}
}

// Config.Require holds here, too.
func TestDefaultsOfTheConfiguration(t *testing.T) {
	idp := newProvider(t)
	cfg := idp.Config()
	cfg.Require = []core.Requirement{core.Roles("admin")}
	auth := newAuth(t, cfg)
	c := serve(t, intercept(t, auth, grpcauth.Rules{
		Methods: map[string]*core.Guard{"/test.Calls/All": auth.Required(core.NoDefaults)}, Default: auth.Required(),
	}), serviceOf("test.Calls", []string{"Admins", "All"}, nil))
	for _, test := range []struct{ method, user, want string }{
		{"Admins", "alice", "alice"}, {"Admins", "bob", lacksClaims()}, {"All", "bob", "bob"},
	} {
		if got := c.call("/test.Calls/"+test.method, "authorization", idp.Bearer(test.user)); got != test.want {
			t.Errorf("%s as %s: %s", test.method, test.user, got)
		}
	}
}

// The token is in one value of authorization, and nowhere else. A cookie of a session admits nobody.
func TestCredentials(t *testing.T) {
	idp := newProvider(t)
	cfg := idp.Config()
	cfg.PublicURL = "https://app.example.org"
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{cfg.PublicURL + "/auth/v2/callback"}})
	auth := newAuth(t, cfg)
	c := serve(t, intercept(t, auth, grpcauth.Rules{
		Methods: map[string]*core.Guard{
			"/test.Calls/Optional": auth.Optional(), "/test.Calls/Bearer": auth.Required(core.BearerOnly),
			"/test.Calls/Session": auth.Required(core.SessionOnly), "/test.Calls/Page": auth.Required(core.NoRedirect),
		},
		Default: auth.Required(),
	}), serviceOf("test.Calls", []string{"Required", "Optional", "Bearer", "Session", "Page"}, nil), serviceOf("test.Streams", nil, map[string]func(grpc.ServerStream) error{"Required": sayWho}))
	alice, bob, cookie := idp.Bearer("alice"), idp.Bearer("bob"), idp.Session(auth.Auth, "alice").String()
	if seen := auth.Required().Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{"Cookie": {cookie}}}); seen.Session == nil {
		t.Fatal("the cookie admits nobody anywhere")
	}
	none := noCredentials()
	for name, test := range map[string]struct {
		method string
		pairs  []string
		want   string
	}{
		"two users":            {"Required", []string{"authorization", alice, "authorization", bob}, manyValues()},
		"the same twice":       {"Required", []string{"authorization", alice, "authorization", alice}, manyValues()},
		"two spellings":        {"Required", []string{"Authorization", alice, "AUTHORIZATION", alice}, manyValues()},
		"good and bad":         {"Required", []string{"authorization", alice, "authorization", "Bearer x"}, manyValues()},
		"good and empty":       {"Required", []string{"authorization", alice, "authorization", ""}, manyValues()},
		"two, optional":        {"Optional", []string{"authorization", alice, "authorization", bob}, "guest"},
		"upper case key":       {"Required", []string{"AUTHORIZATION", alice}, "alice"},
		"cookie":               {"Required", []string{"cookie", cookie}, none},
		"cookie, optional":     {"Optional", []string{"cookie", cookie}, "guest"},
		"cookie, session only": {"Session", []string{"cookie", cookie}, none},
		"bearer, session only": {"Session", []string{"authorization", alice}, none},
		"bearer only":          {"Bearer", []string{"authorization", alice, "cookie", cookie}, "alice"},
		"cookie and bearer":    {"Required", []string{"authorization", bob, "cookie", cookie}, "bob"},
		"other keys":           {"Required", []string{"access_token", alice, "proxy-authorization", alice, "x-authorization", alice, "authorization-bin", alice}, none},
		"a browser's page":     {"Page", []string{"accept", "text/html", "sec-fetch-mode", "navigate", "sec-fetch-dest", "document", "cookie", cookie}, none},
		"a browser, redirect":  {"Required", []string{"accept", "text/html", "sec-fetch-mode", "navigate", "sec-fetch-dest", "document"}, none},
	} {
		t.Run(name, func(t *testing.T) {
			c := client{t, c.conn}
			if got := c.call("/test.Calls/"+test.method, test.pairs...); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if test.method != "Required" {
				return
			}
			if got := c.first("/test.Streams/Required", test.pairs...); got != test.want {
				t.Errorf("a stream: %s\nwant %s", got, test.want)
			}
		})
	}
}

// An outage is Unavailable and says when to try again; a call without a token is none.
func TestOutage(t *testing.T) {
	idp := newProvider(t)
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	auth := newAuth(t, idp.Config())
	c := serve(t, intercept(t, auth, grpcauth.Rules{Default: auth.Required()}), serviceOf("test.Calls", []string{"Who"}, nil))
	if got := c.call("/test.Calls/Who"); got != noCredentials() {
		t.Error(got)
	}
	if got := c.call("/test.Calls/Who", "authorization", idp.Bearer("alice")); got != outage("OIDC server unavailable, cannot validate token.", "10s") {
		t.Error(got)
	}

	cfg := idp.Config()
	brokered(&cfg)
	idp.Heal()
	bearer := idp.BrokerBearer(newAuth(t, cfg).Auth, "alice")
	cfg.Store = downStore{cfg.Store}
	cold := newAuth(t, cfg)
	c = serve(t, intercept(t, cold, grpcauth.Rules{Default: cold.Required()}), serviceOf("test.Calls", []string{"Who"}, nil))
	if got := c.call("/test.Calls/Who", "authorization", bearer); got != outage("The session store is not available.", "2s") {
		t.Error(got)
	}
}

// downStore cannot be opened.
type downStore struct{ store.Store }

func (downStore) Init(context.Context) error { return errors.New("the store is down") }

// Functions of the application: their panics and errors, what they are told, and Config.OnError, whose answer is for HTTP.
func TestFunctions(t *testing.T) {
	idp := newProvider(t)
	cfg := idp.Config()
	var failed atomic.Int64
	cfg.OnError = func(_ context.Context, request *core.Request, refusal *core.Error) *core.Response {
		failed.Add(1)
		if request.Method != http.MethodPost || !strings.HasPrefix(request.Target, "/test.Calls/") || refusal.Detail == "" {
			t.Errorf("%v: %v", request, refusal)
		}
		return &core.Response{Status: http.StatusTeapot, Body: []byte("a page")}
	}
	auth := newAuth(t, cfg)
	var seen core.Credentials
	c := serve(t, intercept(t, auth, grpcauth.Rules{Methods: map[string]*core.Guard{
		"/test.Calls/Panics": auth.Required(core.Check("panics", func(*core.IDToken) bool { panic("secret") })),
		"/test.Calls/Fails": auth.Required(core.CheckRequest("fails", func(context.Context, core.Credentials, *core.IDToken) (bool, error) {
			return false, errors.New("secret")
		})),
		"/test.Calls/Busy": auth.Required(core.CheckRequest("busy", func(context.Context, core.Credentials, *core.IDToken) (bool, error) {
			return false, &core.Error{Status: http.StatusTooManyRequests, Detail: "Not so fast."}
		})),
		"/test.Calls/Sees": auth.Required(core.CheckRequest("sees", func(_ context.Context, credentials core.Credentials, caller *core.IDToken) (bool, error) {
			seen = credentials
			return caller.Subject() == "alice", nil
		})),
	}}), serviceOf("test.Calls", []string{"Panics", "Fails", "Busy", "Sees"}, nil))
	alice := idp.Bearer("alice")
	for method, want := range map[string]string{
		"Panics": internal,
		"Fails":  outage("The service cannot check permissions now.", "10s"),
		"Busy":   outage("Not so fast.", ""),
	} {
		if got := c.call("/test.Calls/"+method, "authorization", alice); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
	if failed.Load() != 3 {
		t.Errorf("OnError was called %d times", failed.Load())
	}
	if got := c.call("/test.Calls/Sees", "authorization", alice, "x-tenant", "a", "x-tenant", "b", "cookie", "c=d", "key-bin", "\x00"); got != "alice" {
		t.Error(got)
	}
	header := seen.Header.Clone()
	if got := header.Values("X-Tenant"); len(got) != 2 || got[1] != "b" || header.Get("Authorization") != alice {
		t.Error(header)
	}
	for _, name := range []string{"Cookie", "Key-Bin", ":authority", "Host"} {
		if _, there := header[http.CanonicalHeaderKey(name)]; there || seen.Header.Values(name) != nil {
			t.Errorf("%s is there", name)
		}
	}
	if seen.Method != http.MethodPost || seen.Target != "/test.Calls/Sees" {
		t.Error(seen)
	}
}

// The log of a refused token names the method, unless only the client knows it.
func TestLog(t *testing.T) {
	idp := newProvider(t)
	cfg := idp.Config()
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	auth := newAuth(t, cfg)
	guards := intercept(t, auth, grpcauth.Rules{Default: auth.Required()})
	server := grpc.NewServer(append(guards.ServerOptions(), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return sayWho(stream) }))...)
	server.RegisterService(serviceOf("test.Calls", []string{"Who"}, map[string]func(grpc.ServerStream) error{"Stream": sayWho}), struct{}{})
	c := start(t, server)
	for _, method := range []string{"/test.Calls/Who", "/test.Calls/Stream", "/un.Known/Method"} {
		if got := c.first(method, "authorization", "Bearer secret"); got != badToken() {
			t.Errorf("%s: %s", method, got)
		}
	}
	if got := c.first("/un.Known/Method", "authorization", idp.Bearer("alice")); got != "alice" {
		t.Error(got)
	}
	for _, want := range []string{"route=/test.Calls/Who", "route=/test.Calls/Stream", `route=""`, "reason=malformed"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "Known") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log has a text of the client:\n%s", log.String())
	}
}
