package mcp

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// languages are the clients.
var languages = map[string]struct {
	name, version string
	start         func(t *testing.T, endpoint, clientID string) client
	refused       string // what the client says when its token is refused after a login
	lacks         []string
}{
	"Go":         {"MCP Go SDK", goVersion, inGo, "Unauthorized", []string{askNone}},
	"TypeScript": {"MCP TypeScript SDK", parts.NodeMCPVersion, typeScript, "Server returned 401", []string{askNone}},
	"Python": {"MCP Python SDK", parts.PythonMCPVersion, python, "Server returned an error response", []string{
		"a server that names no scope: the client asks for every scope that the provider announces, and Keycloak refuses that",
		"the reason of a refusal: the client says no more than that the server returned an error response",
	}},
}

const askNone = "a server that names no scope: the client asks for none, and node-oidc-provider refuses that unless it has a default"

// Each client with net/http, and the other frameworks with one client each.
func TestKeycloak(t *testing.T) {
	t.Parallel() // it takes Keycloak long to start
	k := parts.NewKeycloak(t)
	keycloakScopes(t, k)
	servers := map[string]server{}
	for _, framework := range []string{"nethttp", "gin", "echo"} {
		servers[framework] = onKeycloak(t, k, framework)
	}
	pairs(t, "Keycloak", servers, [][2]string{{"Go", "nethttp"}, {"TypeScript", "nethttp"}, {"Python", "nethttp"}, {"Go", "gin"}, {"TypeScript", "echo"}})
}

func TestNodeProvider(t *testing.T) {
	t.Parallel()
	servers := onNodeProvider(t, "nethttp", "fiber", "chi")
	pairs(t, "node-oidc-provider", servers, [][2]string{{"Go", "nethttp"}, {"TypeScript", "nethttp"}, {"Python", "nethttp"}, {"Python", "fiber"}, {"TypeScript", "chi"}})
}

func pairs(t *testing.T, provider string, servers map[string]server, list [][2]string) {
	t.Helper()
	for _, pair := range list {
		language, framework := pair[0], pair[1]
		t.Run(language+", "+framework, func(t *testing.T) {
			t.Parallel() // clients wait for tokens to expire
			l := languages[language]
			s := servers[framework]
			checks := compat.New(t, l.name, l.version, framework, "passthrough")
			for _, text := range l.lacks {
				checks.Lacks(text)
			}
			expiring := l.start(t, s.endpoint, s.brief)
			says(t, expiring.call(t, "whoami", nil), "alice", 1)
			since := time.Now()
			c := l.start(t, s.endpoint, s.usual)
			if checks.Run("finds "+provider+" and logs in", func(t *testing.T) { s.logsIn(t, c) }) {
				checks.Run("asks "+provider+" for more scopes", func(t *testing.T) { s.stepsUp(t, c) })
			}
			checks.Run("says that a token of "+provider+" is for another service", func(t *testing.T) { s.isRefused(t, l.start(t, s.endpoint, s.stray), l.refused) })
			checks.Run("renews an expired token at "+provider, func(t *testing.T) { s.renews(t, expiring, since.Add(brief+time.Second)) })
		})
	}
}

// says holds an answer against what the tool says, and how many logins it takes.
func says(t *testing.T, got answer, text string, logins int) {
	t.Helper()
	if got.Text != text || got.Error != "" || len(got.logins) != logins {
		t.Fatalf("%q, %q after the logins %v and the requests %+v, want %q and %d logins", got.Text, got.Error, got.logins, got.Requests, text, logins)
	}
}

// logsIn is the first call of a client that knows the address and its id, and nothing else.
func (s server) logsIn(t *testing.T, c client) {
	t.Helper()
	got := c.call(t, "whoami", nil)
	says(t, got, "alice", 1)
	if !got.made("POST", "/mcp", 401) || !got.made("GET", "/.well-known/oauth-protected-resource/mcp", 200) || got.granted("authorization_code") != 1 {
		t.Errorf("the requests were %+v", got.Requests)
	}
	asked := got.logins[0]
	if asked.Get("resource") != s.endpoint || asked.Get("client_id") != s.usual || asked.Get("code_challenge_method") != "S256" {
		t.Errorf("the login asked for %v", asked)
	}
	asks(t, asked, "orders:read")
	says(t, c.call(t, "whoami", nil), "alice", 0)
}

// asks holds the scopes of a login that are about orders against what it has to ask for.
func asks(t *testing.T, login url.Values, want ...string) {
	t.Helper()
	asked := strings.Fields(login.Get("scope"))
	for _, scope := range []string{"orders:read", "orders:write"} {
		if slices.Contains(asked, scope) != slices.Contains(want, scope) {
			t.Errorf("the login asked for %v, want %v", asked, want)
		}
	}
}

// stepsUp is a call of a tool that needs more than the login asked for.
func (s server) stepsUp(t *testing.T, c client) {
	t.Helper()
	says(t, c.call(t, "count_orders", nil), "3", 0)
	got := c.call(t, "cancel_order", map[string]any{"id": 7})
	says(t, got, "order 7 is canceled", 1)
	if !got.made("POST", "/mcp", 403) || !got.made("POST", "/mcp", 200) {
		t.Errorf("the requests were %+v", got.Requests)
	}
	asks(t, got.logins[0], "orders:read", "orders:write")
	if got.logins[0].Get("resource") != s.endpoint {
		t.Errorf("the login was for %q", got.logins[0].Get("resource"))
	}
	says(t, c.call(t, "count_orders", nil), "3", 0) // with the token of the last login
}

// renews is a call after the access token has expired. The client refreshes it, before the call or after the refusal.
func (s server) renews(t *testing.T, c client, expired time.Time) {
	t.Helper()
	time.Sleep(time.Until(expired))
	got := c.call(t, "whoami", nil)
	says(t, got, "alice", 0)
	if got.granted("refresh_token") == 0 {
		t.Errorf("the requests were %+v", got.Requests)
	}
}

// isRefused is the first call of a client whose tokens are for another service. It gives up after a login, or after one for each of the two
// ways in which clients of two versions of the protocol begin.
func (s server) isRefused(t *testing.T, c client, complaint string) {
	t.Helper()
	got := c.call(t, "whoami", nil)
	logins, last := len(got.logins), got.Requests[len(got.Requests)-1]
	if got.Text != "" || !strings.Contains(got.Error, complaint) || logins < 1 || logins > 2 || got.granted("authorization_code") != logins || last.Path != "/mcp" || last.Status != 401 {
		t.Errorf("%q, %q after the logins %v and the requests %+v", got.Text, got.Error, got.logins, got.Requests)
	}
}
