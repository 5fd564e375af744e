package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// handlers are those frameworks that net/http serves.
var handlers = map[string]func(core.Config) (http.Handler, error){"nethttp": onNetHTTP, "gin": onGin, "echo": onEcho, "chi": onChi}

// open serves the application on one framework, and returns its provider and the address that people type into their client.
func open(t *testing.T, framework string) (idp *oidctest.Provider, to string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	idp = oidctest.NewProvider(t, oidctest.WithResources(base+"/mcp"))
	cfg := idp.Config()
	cfg.PublicURL, cfg.Resources = base, []core.Resource{{URL: base + "/mcp", Name: "Orders"}}
	if on, ok := handlers[framework]; ok {
		handler, err := on(cfg)
		if err != nil {
			t.Fatal(err)
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
		server.Start()
		t.Cleanup(server.Close)
		return idp, base + "/mcp"
	}
	app, err := onFiber(cfg)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(listener) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	return idp, base + "/mcp"
}

func everywhere(t *testing.T, test func(t *testing.T, framework string)) {
	for _, framework := range []string{"nethttp", "gin", "echo", "chi", "fiber"} {
		t.Run(framework, func(t *testing.T) { test(t, framework) })
	}
}

// call sends one request of the protocol, and returns the status, the challenge and the body.
func call(t *testing.T, to, bearer, body string) (status int, challenge, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if bearer != "" {
		r.Header.Set("Authorization", bearer)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, got.Header.Get("WWW-Authenticate"), string(text)
}

func tool(name string) string {
	arguments, _ := json.Marshal(argumentsOf(name)) // a number
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, name, arguments)
}

func argumentsOf(tool string) map[string]any {
	if tool == "cancel_order" {
		return map[string]any{"id": 7}
	}
	return map[string]any{}
}

// Each tool asks for its own scopes, and the challenge names all of them at once.
func TestTools(t *testing.T) {
	everywhere(t, func(t *testing.T, framework string) {
		idp, to := open(t, framework)
		metadata := `resource_metadata="` + strings.Replace(to, "/mcp", "/.well-known/oauth-protected-resource/mcp", 1) + `"`
		reader := idp.Bearer("bob", oidctest.Claims{"scope": "orders:read", "aud": to})
		writer := idp.Bearer("bob", oidctest.Claims{"scope": "orders:read orders:write", "aud": to})
		for _, c := range []struct {
			bearer, body string
			status       int
			challenge    []string
			answer       string
		}{
			{"", tool("whoami"), 401, []string{metadata, `scope="orders:read"`}, "Not authenticated"},
			{"Bearer x.y.z", tool("whoami"), 401, []string{metadata, `error="invalid_token"`, `scope="orders:read"`}, "Invalid token"},
			{idp.Bearer("bob", oidctest.Claims{"aud": to + "2"}), tool("whoami"), 401, []string{metadata, `error="invalid_token"`}, "Invalid token"},
			{idp.Bearer("bob", oidctest.Claims{"aud": to, "exp": 1}), tool("whoami"), 401, []string{metadata, `error="invalid_token"`}, "Invalid token"},
			{reader, tool("whoami"), 200, nil, `"text":"bob"`},
			{idp.Bearer("bob", oidctest.Claims{"aud": to}), tool("count_orders"), 403, []string{metadata, `error="insufficient_scope"`, `scope="orders:read"`}, "missing required scopes"},
			{reader, tool("count_orders"), 200, nil, `"text":"3"`},
			{reader, tool("cancel_order"), 403, []string{metadata, `error="insufficient_scope"`, `scope="orders:read orders:write"`}, "missing required scopes: orders:write"},
			{writer, tool("cancel_order"), 200, nil, "order 7 is canceled"},
			{writer, tool("other"), 200, nil, "unknown tool"},
			{reader, strings.Replace(tool("cancel_order"), `"name"`, `"name":"whoami","name"`, 1), 403, []string{metadata, `scope="orders:read orders:write"`}, ""},
		} {
			status, challenge, answer := call(t, to, c.bearer, c.body)
			if status != c.status || !strings.Contains(answer, c.answer) || (challenge == "") != (c.challenge == nil) {
				t.Errorf("%.20s, %s: %d %q %s, want %d with %q", c.bearer, c.body, status, challenge, answer, c.status, c.answer)
			}
			for _, part := range c.challenge {
				if !strings.Contains(challenge, part) {
					t.Errorf("%.20s, %s: the challenge %s lacks %s", c.bearer, c.body, challenge, part)
				}
			}
		}
	})
}

// person logs in at the provider when a client asks for it, and notes what each login asked for.
type person struct {
	idp    *oidctest.Provider
	logins []url.Values
}

func (p *person) fetch(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	asked, err := url.Parse(args.URL)
	if err != nil {
		return nil, err
	}
	p.logins = append(p.logins, asked.Query())
	back, err := p.idp.Approve(args.URL, "alice")
	if err != nil {
		return nil, err
	}
	return &auth.AuthorizationResult{Code: back.Query().Get("code"), State: back.Query().Get("state"), Iss: back.Query().Get("iss")}, nil
}

// A client that knows nothing but the address finds the provider, logs its user in for this resource, calls a tool, and logs in once more for
// the scopes of another.
func TestClient(t *testing.T) {
	everywhere(t, func(t *testing.T, framework string) {
		idp, to := open(t, framework)
		alice := &person{idp: idp}
		handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
			PreregisteredClient: &oauthex.ClientCredentials{ClientID: oidctest.PublicClient},
			RedirectURL:         "http://127.0.0.1:1/callback", AuthorizationCodeFetcher: alice.fetch,
		})
		if err != nil {
			t.Fatal(err)
		}
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: to, OAuthHandler: handler}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = session.Close() }()
		for _, c := range []struct{ tool, want string }{{"whoami", "alice"}, {"count_orders", "3"}, {"cancel_order", "order 7 is canceled"}} {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: c.tool, Arguments: argumentsOf(c.tool)})
			if err != nil {
				t.Fatalf("%s: %v", c.tool, err)
			}
			if text, _ := json.Marshal(result.Content); !strings.Contains(string(text), c.want) {
				t.Errorf("%s: %s", c.tool, text)
			}
		}
		var scopes []string
		for _, login := range alice.logins {
			scopes = append(scopes, login.Get("scope"))
			if login.Get("resource") != to {
				t.Errorf("a login for %q", login.Get("resource"))
			}
		}
		if len(scopes) != 2 || scopes[0] != "orders:read" || !slices.Equal(slices.Sorted(strings.FieldsSeq(scopes[1])), []string{"orders:read", "orders:write"}) {
			t.Errorf("the logins asked for %q", scopes)
		}
	})
}
