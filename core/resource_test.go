package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	mcpURL      = "https://mcp.example.com/mcp"
	mcpDocument = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
	wellKnown   = "/.well-known/oauth-protected-resource"
)

// serving returns a change of the configuration that sets these resources.
func serving(urls ...string) func(*core.Config) {
	return func(c *core.Config) {
		for _, address := range urls {
			c.Resources = append(c.Resources, core.Resource{URL: address})
		}
	}
}

// rootOf returns the root routes by method and path.
func rootOf(t testing.TB, auth *core.Auth) map[string]core.Route {
	t.Helper()
	routes, err := auth.RootRoutes()
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]core.Route)
	for _, route := range routes {
		table[route.Method+" "+route.Path] = route
	}
	return table
}

func ask(t testing.TB, routes map[string]core.Route, method, path string, headers ...string) *core.Response {
	t.Helper()
	route, ok := routes[method+" "+path]
	if !ok {
		t.Fatalf("there is no route %s %s", method, path)
	}
	return route.Serve(t.Context(), core.ParseRequest(method, path, "", flowHeader(headers), nil))
}

// described returns the document at a path.
func described(t testing.TB, routes map[string]core.Route, path string) claims {
	t.Helper()
	answer := ask(t, routes, http.MethodGet, path)
	var document claims
	if err := json.Unmarshal(answer.Body, &document); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%d %s: %v", answer.Status, answer.Body, err)
	}
	return document
}

func TestResourceMetadata(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) {
		c.Resources = []core.Resource{
			{URL: mcpURL, Name: `Notes & "more"`, Documentation: "https://docs.example.com/notes#tokens"}, {URL: "HTTPS://MCP.example.com/"}, {URL: "https://mcp.example.com/team-1/mcp"},
		}
		c.Require = []core.Requirement{core.Scopes("base")}
	})
	auth.Required(core.Scopes("write read"), core.Roles("admin"))
	auth.Optional(core.NoDefaults, core.AnyOf(core.Roles("x"), core.AllOf(core.Roles("y"), core.Scopes("no")), core.Scopes("notes"), core.Scopes("other")), core.Scopes("offline_access"))
	routes := rootOf(t, auth)
	servers, scopes, methods := []any{issuer}, []any{"base", "notes", "read", "write"}, []any{"header"}
	for path, want := range map[string]claims{
		wellKnown + "/mcp": {
			"resource": mcpURL, "authorization_servers": servers, "scopes_supported": scopes, "bearer_methods_supported": methods,
			"resource_name": `Notes & "more"`, "resource_documentation": "https://docs.example.com/notes#tokens",
		},
		wellKnown:                 {"resource": "HTTPS://MCP.example.com/", "authorization_servers": servers, "scopes_supported": scopes, "bearer_methods_supported": methods},
		wellKnown + "/team-1/mcp": {"resource": "https://mcp.example.com/team-1/mcp", "authorization_servers": servers, "scopes_supported": scopes, "bearer_methods_supported": methods},
	} {
		if got := described(t, routes, path); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
		get, head := ask(t, routes, http.MethodGet, path), ask(t, routes, http.MethodHead, path)
		if !reflect.DeepEqual(get, head) {
			t.Errorf("%s: HEAD differs: %v", path, head)
		}
		wantHeader := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=300"}, "Access-Control-Allow-Origin": {"*"}}
		if !reflect.DeepEqual(get.Header, wantHeader) {
			t.Errorf("%s: %v", path, get.Header)
		}
		preflight := ask(t, routes, http.MethodOptions, path, "Origin: https://client.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: mcp-protocol-version")
		wantHeader = http.Header{
			"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {"GET, HEAD, OPTIONS"}, "Allow": {"GET, HEAD, OPTIONS"},
			"Access-Control-Allow-Headers": {"Authorization, MCP-Protocol-Version"}, "Access-Control-Max-Age": {"300"},
		}
		if preflight.Status != http.StatusNoContent || len(preflight.Body) > 0 || !reflect.DeepEqual(preflight.Header, wantHeader) {
			t.Errorf("%s: the preflight request gets %d %v", path, preflight.Status, preflight.Header)
		}
	}
	if len(routes) != 9 {
		t.Errorf("%d routes", len(routes))
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		answer := routes["GET "+wellKnown].Serve(t.Context(), core.ParseRequest(method, wellKnown, "", nil, nil))
		if answer.Status != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: %d %v", method, answer.Status, answer.Header)
		}
	}
	again := rootOf(t, auth)
	if len(again) != 9 {
		t.Errorf("the second time %d routes", len(again))
	}
}

// Where no resource is the whole origin, the root has the first one; without guards that need scopes none are listed.
func TestResourceMetadataAtTheRoot(t *testing.T) {
	auth := newIDP(t).auth(serving(mcpURL, "https://mcp.example.com/other"))
	auth.Required(core.Roles("admin"))
	routes := rootOf(t, auth)
	want := claims{"resource": mcpURL, "authorization_servers": []any{issuer}, "bearer_methods_supported": []any{"header"}}
	if got := described(t, routes, wellKnown); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if len(routes) != 9 {
		t.Errorf("%d routes", len(routes))
	}
}

// The metadata needs only the issuers of the providers: those that are configured, and those of the documents.
func TestResourceServers(t *testing.T) {
	other := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://other.example"), oidctest.WithAlgorithm("ES256"))
	idp := newIDP(t)
	const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	several := func(c *core.Config) {
		c.Name = "main"
		c.Providers = []core.Provider{
			{Name: "keys", Issuer: "https://fixed.example/", JWKSURL: "https://fixed.example/keys", ClientID: "app"},
			{Name: "tenants", Issuer: "https://login.example/{tenantid}/v2.0", DiscoveryURL: "https://login.example/common/.well-known/openid-configuration", Tenants: []string{tenant, strings.Replace(tenant, "9", "8", 1)}, ClientID: "app"},
			other.Entry("other"),
		}
		c.HTTPClient = &http.Client{Transport: byHost{"other.example": other.Client().Transport, "": idp.Client().Transport}}
	}
	auth := idp.auth(serving(mcpURL), several)
	routes := rootOf(t, auth)
	want := []any{issuer, "https://fixed.example/", "https://login.example/" + tenant + "/v2.0", "https://login.example/" + strings.Replace(tenant, "9", "8", 1) + "/v2.0", "https://other.example"}
	if got := described(t, routes, wellKnown)["authorization_servers"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

type byHost map[string]http.RoundTripper

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if transport, ok := b[r.URL.Host]; ok {
		return transport.RoundTrip(r)
	}
	return b[""].RoundTrip(r)
}

// While the issuer is unknown there is no document, and none is guessed; once it is known, an outage does not matter. Of several providers
// the others are listed, and nobody caches that.
func TestResourceMetadataDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		idp.breaks(oidctest.Refused(), discoveryPath, keysPath)
		fixed := core.Provider{Name: "keys", Issuer: "https://fixed.example", JWKSURL: "https://fixed.example/keys", ClientID: "app"}
		alone, two := rootOf(t, idp.auth(serving(mcpURL))), rootOf(t, idp.auth(serving(mcpURL), func(c *core.Config) { c.Providers = []core.Provider{fixed} }))
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := ask(t, alone, method, wellKnown+"/mcp")
			flowRefused(t, method, answer, http.StatusServiceUnavailable, "", "OIDC server unavailable.")
			if answer.Header.Get("Retry-After") != "10" || answer.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%v", answer.Header)
			}
		}
		if answer := ask(t, alone, http.MethodOptions, wellKnown+"/mcp"); answer.Status != http.StatusNoContent {
			t.Errorf("the preflight request gets %d", answer.Status)
		}
		if got := described(t, two, wellKnown)["authorization_servers"]; !reflect.DeepEqual(got, []any{"https://fixed.example"}) {
			t.Errorf("got %v", got)
		}
		flowNoStore(t, ask(t, two, http.MethodGet, wellKnown))

		idp.Heal(discoveryPath)
		time.Sleep(11 * time.Second) // of the bubble
		for _, routes := range []map[string]core.Route{alone, two} {
			if got := described(t, routes, wellKnown)["authorization_servers"]; !slices.Contains(got.([]any), any(issuer)) {
				t.Errorf("got %v", got)
			}
		}
		idp.breaks(oidctest.Refused(), discoveryPath)
		time.Sleep(11 * time.Second) // of the bubble
		if got := described(t, alone, wellKnown)["authorization_servers"]; !reflect.DeepEqual(got, []any{issuer}) {
			t.Errorf("got %v", got)
		}
	})
}

// Guards that are made for each request, by many at once, fill the list up to its bound, and no further.
func TestResourceScopesAreBounded(t *testing.T) {
	auth := newIDP(t).auth(serving(mcpURL))
	routes := rootOf(t, auth)
	auth.Required(core.Scopes("zz"))
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 1000 {
				auth.Required(core.Scopes(fmt.Sprintf("document-%d-%d", worker, i)))
			}
			ask(t, routes, http.MethodGet, wellKnown)
		})
	}
	wait.Wait()
	list := described(t, routes, wellKnown)["scopes_supported"].([]any)
	if len(list) != 100 || list[99] != "zz" {
		t.Errorf("%d scopes, the last is %v", len(list), list[len(list)-1])
	}
}

// A token is for this service if aud is one of its resources, whatever the case of scheme and host; nothing else is ignored.
func TestResourceAudience(t *testing.T) {
	idp := newIDP(t)
	const root = "https://Root.example.com:8443"
	urls := serving(mcpURL, root)
	withoutClient := func(c *core.Config) {
		c.ClientID, c.ClientSecret, c.DiscoveryURL, c.Issuer, c.JWKSURL = "", "", "", issuer, issuer+"/jwks"
	}
	auth, named := idp.auth(urls), idp.auth(urls, func(c *core.Config) { c.Audience = []string{"orders"} })
	toUs := idp.auth(urls, func(c *core.Config) { c.Audience = []string{core.IssuedToUs} })
	for name, c := range map[string]struct {
		aud  any
		want bool
	}{
		"exact":                   {mcpURL, true},
		"among others":            {[]string{"https://x.example", mcpURL}, true},
		"upper case host":         {"https://MCP.EXAMPLE.com/mcp", true},
		"upper case scheme":       {"HTTPS://mcp.example.com/mcp", true},
		"the root":                {root, true},
		"the root, lower case":    {"https://root.example.com:8443", true},
		"the root and its slash":  {root + "/", true},
		"upper case path":         {"https://mcp.example.com/MCP", false},
		"a slash more":            {mcpURL + "/", false},
		"two slashes":             {root + "//", false},
		"below":                   {mcpURL + "/x", false},
		"above":                   {"https://mcp.example.com", false},
		"a beginning":             {"https://mcp.example.com/mc", false},
		"longer":                  {mcpURL + "2", false},
		"a query":                 {mcpURL + "?x", false},
		"a fragment":              {root + "#x", false},
		"http":                    {"http://mcp.example.com/mcp", false},
		"another host":            {"https://mcp.example.org/mcp", false},
		"a longer host":           {"https://mcp.example.com.evil.example/mcp", false},
		"a user":                  {"https://u@mcp.example.com/mcp", false},
		"another port":            {"https://root.example.com:8444", false},
		"the default port":        {"https://mcp.example.com:443/mcp", false},
		"folded letters":          {"httpſ://mcp.example.com/mcp", false},
		"escaped":                 {"https://mcp.example.com/%6dcp", false},
		"white space":             {" " + mcpURL, false},
		"empty":                   {"", false},
		"none":                    {nil, false},
		"the well-known address":  {mcpDocument, false},
		"the rest of the address": {"/mcp", false},
	} {
		token := idp.token(claims{"aud": c.aud})
		want := http.StatusUnauthorized
		if c.want {
			want = 200
		}
		for _, at := range []*core.Auth{auth, named, toUs, idp.auth(urls, withoutClient)} {
			caller, err := admit(t, at.Required(), token)
			if got := statusOf(t, caller, err); got != want {
				t.Errorf("%s: got %d, want %d: %v", name, got, want, err)
			}
			if err != nil && !errors.Is(err, core.ErrAudience) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if !strings.Contains(idp.logs.String(), "want_audience=\"[orders "+mcpURL+" "+root+"]\"") {
		t.Errorf("the log does not name the audiences: %.2000s", idp.logs.String())
	}
	mustAdmit(t, auth.Required(), idp.token())
	mustAdmit(t, named.Required(), idp.token(claims{"aud": "orders"}))
	wantStatus(t, named.Required(), idp.token(), http.StatusUnauthorized)
}

// challengeAt returns status and challenge of a request's refusal.
func challengeAt(t testing.TB, guard *core.Guard, target, token string) (int, string) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	decision := guard.Admit(t.Context(), core.Credentials{Method: http.MethodPost, Target: target, Header: header})
	if decision.Refusal == nil {
		return http.StatusOK, strings.Join(decision.Header["Www-Authenticate"], "")
	}
	return decision.Refusal.Status, decision.Refusal.Header.Get("WWW-Authenticate")
}

func TestResourceChallenges(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(serving(mcpURL), func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("base")} })
	rootOf(t, auth)
	const (
		end     = `, resource_metadata="` + mcpDocument + `"`
		invalid = plainChallenge + `, error="invalid_token", error_description="Invalid token"`
		lacking = plainChallenge + `, error="insufficient_scope", error_description="Token missing required scopes: `
		denied  = plainChallenge + `, error="insufficient_scope", error_description="Insufficient permissions based on token claims."`
	)
	either := core.AnyOf(core.Roles("admin"), core.Scopes("write"), core.Scopes("all"))
	with := func(scopes string) string { return idp.token(claims{"scope": scopes}) }
	for name, c := range map[string]struct {
		guard     *core.Guard
		token     string
		status    int
		challenge string
	}{
		"no token":                {auth.Required(core.Scopes("read")), "", 401, plainChallenge + `, scope="base read"` + end},
		"no token, alternatives":  {auth.Required(core.Scopes("read"), either), "", 401, plainChallenge + `, scope="base read write"` + end},
		"no token, no scope":      {auth.Required(core.NoDefaults), "", 401, plainChallenge + end},
		"no token, a role":        {auth.Required(core.NoDefaults, core.AnyOf(core.Roles("a"), core.AllOf(core.Roles("b"), core.Scopes("c")))), "", 401, plainChallenge + end},
		"no token, bearers alone": {auth.Required(core.NoDefaults, core.AnyOf(core.SessionOnly, core.AllOf(core.BearerOnly, core.Scopes("c")))), "", 401, plainChallenge + `, scope="c"` + end},
		"no token, offline":       {auth.Required(core.Scopes("offline_access")), "", 401, plainChallenge + `, scope="base"` + end},
		"a bad token":             {auth.Required(core.Scopes("read")), "x", 401, invalid + `, scope="base read"` + end},
		"a foreign token":         {auth.Required(), idp.token(claims{"aud": "https://mcp.example.com/other"}), 401, invalid + `, scope="base"` + end},
		"scopes":                  {auth.Required(core.Scopes("read"), either), with("openid"), 403, lacking + `base, read, write", scope="base read write"` + end},
		"alternatives alone":      {auth.Required(core.Scopes("read"), either), with("base read"), 403, lacking + `write", scope="base read write"` + end},
		"another alternative":     {auth.Required(core.Scopes("read"), either), with("base all"), 403, lacking + `read", scope="base read"` + end},
		"two parts":               {auth.Required(core.AllOf(core.AnyOf(core.Scopes("a"))), core.AnyOf(core.Scopes("b"))), with("base"), 403, lacking + `a, b", scope="base a b"` + end},
		"a role":                  {auth.Required(core.Roles("admin")), with("base"), 403, denied + end},
		"met":                     {auth.Required(either), with("base write"), 200, ""},
		"a guest":                 {auth.Optional(core.Scopes("read")), "", 200, ""},
		"a guest with a token":    {auth.Optional(core.Scopes("read")), "x", 200, ""},
		"no guest":                {auth.Optional(core.Scopes("read"), core.RejectInvalid), "x", 401, invalid + `, scope="base read"` + end},
	} {
		status, challenge := challengeAt(t, c.guard, "/mcp", c.token)
		if status != c.status || challenge != c.challenge {
			t.Errorf("%s: got %d %s\nwant %d %s", name, status, challenge, c.status, c.challenge)
		}
	}
	several := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {"Bearer a", "Bearer b"}}})
	if got := several.Refusal.Header.Get("WWW-Authenticate"); several.Refusal.Status != 400 || got != plainChallenge+`, error="invalid_request", error_description="Several Authorization headers."`+end {
		t.Errorf("several headers: %d %s", several.Refusal.Status, got)
	}
	shared := &core.Error{Status: http.StatusUnauthorized, Code: core.CodeInvalidToken, Detail: "Made by the application."}
	answer := auth.Answer(t.Context(), core.Credentials{Target: "/mcp"}, shared)
	if got := answer.Header.Get("WWW-Authenticate"); !strings.HasSuffix(got, end) || strings.Contains(shared.Response().Header.Get("WWW-Authenticate"), "resource") {
		t.Errorf("an error of the application: %s", got)
	}
}

// OnError gets the refusal with its challenge, and an outage has none.
func TestResourceChallengeOfOnError(t *testing.T) {
	idp := newIDP(t)
	var got string
	auth := idp.auth(serving(mcpURL), func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, refusal *core.Error) *core.Response {
			got = refusal.Response().Header.Get("WWW-Authenticate")
			return nil
		}
	})
	rootOf(t, auth)
	if _, challenge := challengeAt(t, auth.Required(core.Scopes("read")), "/mcp", ""); challenge != got || !strings.Contains(got, `scope="read", resource_metadata="`) {
		t.Errorf("got %s, and OnError %s", challenge, got)
	}
	down := newIDP(t)
	down.breaks(oidctest.Refused(), discoveryPath, keysPath)
	at := down.auth(serving(mcpURL))
	rootOf(t, at)
	if status, challenge := challengeAt(t, at.Required(core.Scopes("read")), "/mcp", down.token()); status != http.StatusServiceUnavailable || challenge != "" {
		t.Errorf("an outage: %d %s", status, challenge)
	}
}

// With Sessions a script gets the challenge beside the address of the login, and a person's browser goes to the login without one.
func TestResourceChallengesOfSessions(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(serving(mcpURL), withSessions(nil))
	rootOf(t, auth)
	guard := auth.Required(core.Scopes("read"))
	const want = plainChallenge + `, scope="read", resource_metadata="` + mcpDocument + `"`
	script := guard.Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/mcp", Header: flowHeader([]string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"})}).Refusal
	if got := script.Header.Get("WWW-Authenticate"); script.Status != http.StatusUnauthorized || got != want || !strings.Contains(string(script.Body), "login_url") {
		t.Errorf("a script: %d %s %s", script.Status, got, script.Body)
	}
	page := guard.Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/mcp", Header: flowHeader([]string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"})}).Refusal
	if page.Status != http.StatusFound || len(page.Header["Www-Authenticate"]) > 0 {
		t.Errorf("a page: %d %v", page.Status, page.Header)
	}
}

// Without Resources nothing changes, and with them no address is named that nobody serves.
func TestResourceChallengesNameWhatIsMounted(t *testing.T) {
	idp := newIDP(t)
	for name, c := range map[string]struct {
		auth    *core.Auth
		mount   bool
		missing string
	}{
		"no resources": {idp.auth(), false, plainChallenge},
		"not mounted":  {idp.auth(serving(mcpURL)), false, plainChallenge + `, scope="read"`},
		"mounted":      {idp.auth(serving(mcpURL)), true, plainChallenge + `, scope="read", resource_metadata="` + mcpDocument + `"`},
	} {
		if c.mount {
			rootOf(t, c.auth)
		}
		if _, got := challengeAt(t, c.auth.Required(core.Scopes("read")), "/mcp", ""); got != c.missing {
			t.Errorf("%s: %s", name, got)
		}
		want := map[string]core.Level{"not mounted": core.FindingWrong, "mounted": core.FindingOK}[name]
		list := slices.DeleteFunc(c.auth.Doctor(t.Context()), func(f core.Finding) bool { return f.Check != "resource metadata" })
		if len(list) > 1 || want != "" && (len(list) != 1 || list[0].Level != want) || want == "" && len(list) > 0 {
			t.Errorf("%s: Doctor says %+v", name, list)
		}
	}
	if _, err := idp.auth().RootRoutes(); err == nil || !strings.Contains(err.Error(), "Config.Resources") {
		t.Errorf("root routes without resources: %v", err)
	}
}

// Of several resources a request is for the one whose path is the longest beginning of its path, in whole segments, as the client sent it.
func TestResourceOfARequest(t *testing.T) {
	idp := newIDP(t)
	public := func(c *core.Config) { c.PublicURL = "https://app.example/api" }
	apis := idp.auth(serving("https://app.example/api/mcp", "https://app.example/api/mcp/admin", "https://app.example/mcp-2"), public)
	origin := idp.auth(serving("https://app.example", "https://app.example/api/mcp"), public)
	alone := idp.auth(serving("https://app.example/api/mcp"), public)
	for _, auth := range []*core.Auth{apis, origin, alone} {
		rootOf(t, auth)
	}
	for _, c := range []struct {
		auth         *core.Auth
		target, want string // "-": no address
	}{
		{apis, "/api/mcp", "/api/mcp"}, {apis, "/api/mcp/", "/api/mcp"}, {apis, "/api/mcp?x=/api/mcp/admin", "/api/mcp"}, {apis, "/api/mcp/x", "/api/mcp"},
		{apis, "/api/mcp/admin", "/api/mcp/admin"}, {apis, "/api/mcp/admin/x?y", "/api/mcp/admin"}, {apis, "/api/mcp/administrators", "/api/mcp"},
		{apis, "/api/mcp2", "-"}, {apis, "/mcp-2", "/mcp-2"}, {apis, "/mcp-22", "-"}, {apis, "/", "-"}, {apis, "", "-"}, {apis, "*", "-"}, {apis, "/API/MCP", "-"},
		{apis, "/mcp", "/api/mcp"}, {apis, "/mcp/admin", "/api/mcp/admin"}, // a proxy has cut off /api
		{apis, "https://app.example/api/mcp", "-"},
		{origin, "/", ""}, {origin, "/x", ""}, {origin, "/api/mcp", "/api/mcp"}, {origin, "/mcp", "/api/mcp"}, {origin, "?x", ""}, {origin, "*", "-"},
		{alone, "/api/mcp", "/api/mcp"}, {alone, "/elsewhere", "/api/mcp"}, {alone, "", "/api/mcp"},
	} {
		want := plainChallenge
		if c.want != "-" {
			want += `, resource_metadata="https://app.example` + wellKnown + c.want + `"`
		}
		if _, got := challengeAt(t, c.auth.Required(), c.target, ""); got != want {
			t.Errorf("%q: got %s, want %s", c.target, got, want)
		}
	}
}

func TestResourceFaults(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("https://mcp.example.com/%d", i)
	}
	for name, c := range map[string]struct {
		change func(*core.Config)
		says   []string
	}{
		"empty":            {serving(""), []string{"Config.Resources[0].URL", "empty", "absolute"}},
		"the second":       {serving(mcpURL, "mcp"), []string{"Config.Resources[1].URL", `"mcp"`, "absolute"}},
		"http":             {serving("http://mcp.example.com/mcp"), []string{"Config.Resources[0].URL", `"http://mcp.example.com/mcp"`, "https"}},
		"a URN":            {serving("urn:example:mcp"), []string{"Config.Resources[0].URL", "absolute"}},
		"a fragment":       {serving(mcpURL + "#x"), []string{"Config.Resources[0].URL", "fragment"}},
		"an empty one":     {serving(mcpURL + "#"), []string{"Config.Resources[0].URL", "fragment"}},
		"a query":          {serving(mcpURL + "?x=1"), []string{"Config.Resources[0].URL", "query"}},
		"an empty query":   {serving(mcpURL + "?"), []string{"Config.Resources[0].URL", "query"}},
		"a password":       {serving("https://user:hunter2@mcp.example.com"), []string{"Config.Resources[0].URL", "password"}},
		"a slash":          {serving(mcpURL + "/"), []string{"Config.Resources[0].URL", `"` + mcpURL + `/"`, "remove the slash"}},
		"two slashes":      {serving("https://mcp.example.com//"), []string{"Config.Resources[0].URL", "slash"}},
		"an empty segment": {serving("https://mcp.example.com//mcp"), []string{"Config.Resources[0].URL", "empty segments"}},
		"dots":             {serving("https://mcp.example.com/a/../mcp"), []string{"Config.Resources[0].URL", "dot segments"}},
		"one dot":          {serving("https://mcp.example.com/./mcp"), []string{"Config.Resources[0].URL", "dot segments"}},
		"an escape":        {serving("https://mcp.example.com/%6dcp"), []string{"Config.Resources[0].URL", "escapes"}},
		"a parameter":      {serving("https://mcp.example.com/:mcp"), []string{"Config.Resources[0].URL", "letters"}},
		"a wildcard":       {serving("https://mcp.example.com/{mcp}"), []string{"Config.Resources[0].URL", "letters"}},
		"a quote":          {serving(`https://mcp.example.com/"`), []string{"Config.Resources[0].URL", "letters"}},
		"a quoted host":    {serving(`https://mcp"example.com/`), []string{"Config.Resources[0].URL", "ASCII"}},
		"another script":   {serving("https://mcp.exämple.com/mcp"), []string{"Config.Resources[0].URL", "xn--"}},
		"no port":          {serving("https://mcp.example.com:/mcp"), []string{"Config.Resources[0].URL", "port"}},
		"long":             {serving("https://mcp.example.com/" + strings.Repeat("x", 512)), []string{"Config.Resources[0].URL", "536 bytes", "512"}},
		"twice":            {serving(mcpURL, "https://x.example", mcpURL), []string{"Config.Resources[2].URL", mcpURL, "Resources[0]", "same path"}},
		"two hosts":        {serving(mcpURL, "https://mcp.example.org/mcp"), []string{"Config.Resources[1].URL", "same path", "an Auth for each host"}},
		"the root twice":   {serving("https://mcp.example.com", "https://mcp.example.com/"), []string{"Config.Resources[1].URL", "same path"}},
		"many":             {serving(many...), []string{"Config.Resources", "101 entries", "at most 100"}},
		"a name":           {func(c *core.Config) { c.Resources = []core.Resource{{URL: mcpURL, Name: "a\nb"}} }, []string{"Config.Resources[0].Name", `"a\nb"`, "control"}},
		"a long name":      {func(c *core.Config) { c.Resources = []core.Resource{{URL: mcpURL, Name: strings.Repeat("n", 257)}} }, []string{"Config.Resources[0].Name", "256"}},
		"a page": {func(c *core.Config) {
			c.Resources = []core.Resource{{URL: mcpURL, Documentation: "javascript:alert(1)"}}
		},
			[]string{"Config.Resources[0].Documentation", "absolute"}},
		"an http page": {func(c *core.Config) {
			c.Resources = []core.Resource{{URL: mcpURL, Documentation: "http://docs.example.com/#x"}}
		}, []string{"Config.Resources[0].Documentation", "https"}},
		"broker mode": {func(c *core.Config) { serving(mcpURL)(c); brokered()(c) }, []string{"Config.Resources", "1 entries", "remove", "broker mode accept tokens of this service"}},
		"no client":   {func(c *core.Config) { serving(mcpURL)(c); c.ClientID = "" }, []string{"Config.ClientID"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := newIDP(t).config()
			c.change(&config)
			auth, err := core.New(config)
			if err == nil || auth != nil {
				t.Fatalf("got %v, %v", auth, err)
			}
			for _, word := range append(c.says, "core: ") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q is not in: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is in: %v", err)
			}
		})
	}
}

func TestGoodResources(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"loopback":     serving("http://127.0.0.1:8080/mcp", "http://localhost:8080", "http://[::1]:8080/other"),
		"http by name": func(c *core.Config) { serving("http://mcp.example.com/mcp")(c); c.AllowHTTP = true },
		"hosts":        serving("https://a.example/mcp", "https://b.example/mcp-2", "https://xn--exmple-cua.com"),
		"the page": func(c *core.Config) {
			c.Resources = []core.Resource{{URL: mcpURL, Documentation: "http://127.0.0.1/x?y#z"}}
		},
		"with sessions": func(c *core.Config) { serving(mcpURL)(c); withSessions(nil)(c) },
		"at most":       serving("https://mcp.example.com/" + strings.Repeat("x", 512-24)),
	} {
		config := newIDP(t).config()
		change(&config)
		auth, err := core.New(config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		config.Resources[0].URL = "https://changed.example"
		for _, route := range rootOf(t, auth) {
			if strings.Contains(route.Path, "changed") {
				t.Errorf("%s: the configuration is not copied", name)
			}
		}
		if shown := fmt.Sprint(config); !strings.Contains(shown, "Resources:[https://changed.example") {
			t.Errorf("%s: the settings do not show the resources: %s", name, shown)
		}
		_ = auth.Close()
	}
}

// FuzzResource: whatever address New accepts is served, named in challenges and accepted as audience by the rule, which is written a second
// time here; whatever the target of a request is, its refusal is a challenge.
func FuzzResource(f *testing.F) {
	for _, address := range []string{mcpURL, "https://Root.example.com:8443/", "http://[::1]:80/a-b/.well-known", "https://a.example/%2e", "https://a.example/..", "HTTPS://x", "https://\"", "https://a/x\x00"} {
		f.Add(address, address, "/mcp")
		f.Add(address, strings.ToUpper(address), "/a-b/c?d")
	}
	idp := newIDP(f)
	f.Fuzz(func(t *testing.T, address, audience, target string) {
		config := idp.config()
		serving(address, "https://other.example/x-y")(&config)
		auth, err := core.New(config)
		if err != nil {
			if !strings.Contains(err.Error(), "Config.Resources[") {
				t.Errorf("%q: %v", address, err)
			}
			return
		}
		defer func() { _ = auth.Close() }()
		routes := rootOf(t, auth)
		path := strings.TrimSuffix(address[len(originIn(address)):], "/")
		if got := described(t, routes, wellKnown+path)["resource"]; got != address {
			t.Errorf("%q: the document is about %q", address, got)
		}
		mustAdmit(t, auth.Required(), idp.token(claims{"aud": address}))
		if utf8.ValidString(audience) && audience != clientID && audience != "https://other.example/x-y" {
			caller, err := admit(t, auth.Required(), idp.token(claims{"aud": audience}))
			if got, want := statusOf(t, caller, err) == http.StatusOK, normalOf(audience) == normalOf(address); got != want {
				t.Errorf("a token for %q at %q: %v", audience, address, err)
			}
		}
		status, challenge := challengeAt(t, auth.Required(core.Scopes("read")), target, "")
		rest, ok := strings.CutPrefix(challenge, plainChallenge+`, scope="read"`)
		if own := `, resource_metadata="` + originIn(address) + wellKnown + path + `"`; !ok || status != http.StatusUnauthorized ||
			rest != "" && rest != own && rest != `, resource_metadata="https://other.example`+wellKnown+`/x-y"` {
			t.Errorf("%q at %q: %d %s", target, address, status, challenge)
		}
	})
}

// originIn returns the beginning of an address up to its path.
func originIn(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// normalOf returns an address with the ASCII letters of its origin in lower case, and without a slash that is its whole path.
func normalOf(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	origin := originIn(address)
	path := strings.TrimPrefix(address, origin)
	if path == "/" {
		path = ""
	}
	lower := func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return strings.Map(lower, origin) + path
}
