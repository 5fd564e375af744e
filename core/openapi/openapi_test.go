package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/openapi"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const public = "https://app.example.org"

func newAuth(t *testing.T, idp *oidctest.Provider, sessions bool) *core.Auth {
	t.Helper()
	cfg := idp.Config()
	cfg.PublicURL = public
	if sessions {
		idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{public + "/auth/v2/callback"}})
		cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	}
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

func text(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Security lists alternatives, each with the scopes that it needs.
func TestSecurity(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example"))
	bearers, browsers := newAuth(t, idp, false), newAuth(t, idp, true)
	many := make([]core.Requirement, 0, 6)
	for i := range 6 { // 64 alternatives
		many = append(many, core.AnyOf(core.Scopes(fmt.Sprint("a", i)), core.Scopes(fmt.Sprint("b", i))))
	}
	for _, c := range []struct {
		guard *core.Guard
		want  string
	}{
		{bearers.Required(), `[{"bearer":[]}]`},
		{bearers.Required(core.Scopes("read", "write"), core.Roles("admin")), `[{"bearer":["read","write"]}]`},
		{bearers.Required(core.AnyOf(core.Scopes("a"), core.Scopes("b")), core.Scopes("c")), `[{"bearer":["c","a"]},{"bearer":["c","b"]}]`},
		{bearers.Required(core.AnyOf(core.Roles("x"), core.AllOf(core.Scopes("a", "b"), core.Roles("y")))), `[{"bearer":[]},{"bearer":["a","b"]}]`},
		{bearers.Required(core.AnyOf(core.Roles("x"), core.Roles("y"))), `[{"bearer":[]}]`},
		{bearers.Required(core.AnyOf(core.AnyOf(core.Scopes("a"), core.Scopes("b")), core.Scopes("a"))), `[{"bearer":["a"]},{"bearer":["b"]}]`},
		{bearers.Required(append(many, core.Scopes("c"))...), `[{"bearer":["c"]}]`},
		{bearers.Optional(core.Scopes("a")), `[{"bearer":["a"]},{}]`},
		{bearers.Required(core.SessionOnly), `[{"bearer":[]}]`}, // nobody: an empty list would mean everybody
		{bearers.Required(core.Scopes()), `[{"bearer":[]}]`},
		{browsers.Required(core.Scopes("a")), `[{"bearer":["a"]},{"session":["a"]}]`},
		{browsers.Required(core.BearerOnly), `[{"bearer":[]}]`},
		{browsers.Required(core.SessionOnly), `[{"session":[]}]`},
		{browsers.Optional(), `[{"bearer":[]},{"session":[]},{}]`},
		{browsers.Required(core.AnyOf(core.SessionOnly, core.Scopes("a"))), `[{"session":[]},{"bearer":["a"]},{"session":["a"]}]`},
		{browsers.Required(core.AnyOf(core.BearerOnly, core.AllOf(core.SessionOnly, core.Scopes("a")))), `[{"bearer":[]},{"session":["a"]}]`},
		{browsers.Required(core.BearerOnly, core.AnyOf(core.SessionOnly, core.SessionOnly)), `[{"bearer":[]}]`},
	} {
		rule := c.guard.Rule()
		if got := text(t, openapi.API{}.Security(rule)); got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
}

func TestComponents(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example"))
	api := openapi.New(newAuth(t, idp, true))
	if api.Cookie != "__Host-oidc-session" {
		t.Errorf("the cookie is %q", api.Cookie)
	}
	api.DiscoveryURL, api.Session, api.Refusal = idp.Config().DiscoveryURL, "cookie", "Error"
	const schema = `{"type":"object","description":"Why a request is refused.","required":["detail"],"properties":{` +
		`"detail":{"type":"string","description":"What is wrong, for people."},` +
		`"error":{"type":"string","description":"A code of OAuth 2.0, for programs; absent in an outage."},` +
		`"error_description":{"type":"string","description":"The same as detail."},` +
		`"login_url":{"type":"string","description":"Where a person logs in; only with sessions."}}}`
	for _, c := range []struct {
		api  openapi.API
		want string
	}{
		{api, `{"securitySchemes":{"bearer":{"type":"openIdConnect","description":"An access token of this provider for this service.",` +
			`"openIdConnectUrl":"https://idp.example/.well-known/openid-configuration"},` +
			`"cookie":{"type":"apiKey","description":"The session of a browser, which a login begins.","in":"cookie","name":"__Host-oidc-session"}},"schemas":{"Error":` + schema + `}}`},
		{openapi.New(newAuth(t, idp, false)), `{"securitySchemes":{"bearer":{"type":"http","description":"An access token for this service.","scheme":"bearer"}},"schemas":{"Refusal":` + schema + `}}`},
	} {
		if got := text(t, c.api.Components()); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}

// Every refusal of a guard is as Responses says: its status, headers, form and members.
func TestResponses(t *testing.T) {
	idp := oidctest.NewProvider(t)
	bearers, browsers := newAuth(t, idp, false), newAuth(t, idp, true)
	cookie := idp.Session(browsers, "bob").String()
	page := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none"}
	requests := map[string][]string{
		"GET nobody":                    nil,
		"GET bad token":                 {"Authorization: Bearer x"},
		"GET expired":                   {"Authorization: " + idp.Bearer("bob", oidctest.Claims{"exp": 1})},
		"GET bob":                       {"Authorization: " + idp.Bearer("bob")},
		"GET bob's session":             {"Cookie: " + cookie},
		"POST bob's session":            {"Cookie: " + cookie},
		"GET bob's page":                append([]string{"Cookie: " + cookie}, page...),
		"POST of another site":          {"Cookie: " + cookie, "Sec-Fetch-Site: cross-site"},
		"POST form of another site":     {"Cookie: " + cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
		"GET ended session":             {"Cookie: " + cookie[:len(cookie)-64] + strings.Repeat("x", 64)},
		"GET page of nobody":            page,
		"POST form of nobody":           page,
		"GET htmx of nobody":            {"HX-Request: true", "HX-Current-URL: " + public + "/a"},
		"GET bad token of a page":       append([]string{"Authorization: Bearer x"}, page...),
		"GET unknown keys, as a page":   append([]string{"Authorization: " + idp.Bearer("carol")}, page...),
		"GET session after Close":       {"Cookie: " + cookie},
		"GET unknown keys":              {"Authorization: " + idp.Bearer("carol")},
		"POST unknown keys, as a form ": append([]string{"Authorization: " + idp.Bearer("carol")}, page...),
	}
	for name, needs := range map[string][]core.Requirement{
		"caller": nil, "scope": {core.Scopes("orders")}, "role": {core.Roles("admin")}, "bearer": {core.BearerOnly, core.Roles("admin")},
		"session": {core.SessionOnly}, "quiet": {core.NoRedirect}, "any": {core.AnyOf(core.Roles("admin"), core.Scopes("orders"))}, "nobody": {core.Scopes()},
		"recent": {core.MaxAge(time.Minute)}, "level": {core.ACR("gold")}, "level and scope": {core.ACR("gold"), core.Scopes("orders")},
	} {
		for mode, auth := range map[string]*core.Auth{"bearers": bearers, "browsers": browsers} {
			api := openapi.New(auth)
			for kind, guard := range map[string]*core.Guard{
				"required": auth.Required(needs...), "optional": auth.Optional(needs...), "strict": auth.Optional(append(needs, core.RejectInvalid)...),
			} {
				described, seen := api.Responses(guard.Rule()), make(map[string]bool)
				for request, headers := range requests {
					where := strings.Join([]string{mode, name, kind, request}, ", ")
					method, _, _ := strings.Cut(request, " ")
					if strings.Contains(request, "unknown keys") || strings.Contains(request, "after Close") { // while the provider is down
						seen[refusedInOutage(t, idp, mode == "browsers", kind, needs, method, headers, described, where)] = true
						continue
					}
					seen[checkAnswer(t, ask(guard, method, headers), described, where)] = true
				}
				for status := range described {
					if !seen[status] && (kind == "required" || status != "302") {
						t.Errorf("%s, %s, %s: no request got the %s that is described", mode, name, kind, status)
					}
				}
			}
		}
	}
}

func ask(guard *core.Guard, method string, headers []string) *http.Response {
	request := httptest.NewRequest(method, "/orders", nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	guard.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(answer, request)
	return answer.Result()
}

func refusedInOutage(t *testing.T, idp *oidctest.Provider, sessions bool, kind string, needs []core.Requirement, method string, headers []string, described map[string]openapi.Response, where string) string {
	t.Helper()
	auth := newAuth(t, idp, sessions)
	idp.Fault(oidctest.JWKS, oidctest.Refused())
	defer idp.Heal()
	if strings.Contains(where, "after Close") {
		_ = auth.Close() // of a store in memory
	}
	guard := auth.Required(needs...)
	switch kind {
	case "optional":
		guard = auth.Optional(needs...)
	case "strict":
		guard = auth.Optional(append(needs, core.RejectInvalid)...)
	}
	return checkAnswer(t, ask(guard, method, headers), described, where)
}

// checkAnswer returns the status.
func checkAnswer(t *testing.T, answer *http.Response, described map[string]openapi.Response, where string) string {
	t.Helper()
	status := fmt.Sprint(answer.StatusCode)
	if answer.StatusCode == http.StatusOK {
		return status
	}
	response, ok := described[status]
	if !ok {
		t.Errorf("%s: the answer %s is not described", where, status)
		return status
	}
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if _, ok := response.Content[kind]; !ok && (kind != "" || len(response.Content) > 0) {
		t.Errorf("%s: the %s is %q, which is not described", where, status, kind)
	}
	for _, name := range []string{"WWW-Authenticate", "Retry-After", "Location", "HX-Redirect"} {
		header, described := response.Headers[name]
		switch has := answer.Header.Get(name) != ""; {
		case has && !described:
			t.Errorf("%s: the %s has a %s, which is not described", where, status, name)
		case !has && header.Required:
			t.Errorf("%s: the %s has no %s", where, status, name)
		}
	}
	if kind == "application/json" {
		checkBody(t, answer, where)
	}
	return status
}

func checkBody(t *testing.T, answer *http.Response, where string) {
	t.Helper()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	if err := json.Unmarshal(body.Bytes(), &members); err != nil {
		t.Errorf("%s: %s: %v", where, &body, err)
	}
	schema := openapi.RefusalSchema()
	for name := range members {
		if schema.Properties[name].Type != "string" {
			t.Errorf("%s: the member %s is not described", where, name)
		}
	}
	for _, name := range schema.Required {
		if members[name] == "" {
			t.Errorf("%s: there is no member %s in %s", where, name, &body)
		}
	}
}

// The struct and the schema say the same.
func TestRefusalSchema(t *testing.T) {
	full := openapi.Refusal{Detail: "a", Error: "b", ErrorDescription: "c", LoginURL: "d"}
	for value, want := range map[openapi.Refusal][]string{full: slices.Sorted(maps.Keys(openapi.RefusalSchema().Properties)), {}: openapi.RefusalSchema().Required} {
		var members map[string]string
		if err := json.Unmarshal([]byte(text(t, value)), &members); err != nil || !slices.Equal(slices.Sorted(maps.Keys(members)), want) {
			t.Errorf("%v %v, want %v", members, err, want)
		}
	}
}

func TestComments(t *testing.T) {
	auth := newAuth(t, oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example")), true)
	const want = `// @Security bearer[read, write]
// @Security session[read, write]
// @Failure 401 {object} openapi.Refusal "The credentials are missing or invalid."
// @Header 401 {string} HX-Redirect "Where the login is, for htmx."
// @Header 401 {string} WWW-Authenticate "What is missing (RFC 6750 section 3)."
// @Failure 403 {object} openapi.Refusal "The caller lacks a scope, a role or another permission."
// @Header 403 {string} WWW-Authenticate "Which scopes are missing (RFC 6750 section 3)."
// @Failure 503 {object} openapi.Refusal "The credentials cannot be verified at the moment."
// @Header 503 {integer} Retry-After "After how many seconds to try again."`
	if got := strings.Join(openapi.New(auth).Comments(auth.Required(core.Scopes("read", "write")).Rule()), "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := openapi.New(auth).Comments(auth.Optional(core.BearerOnly).Rule()); !slices.Equal(got, []string{"// @Security bearer"}) {
		t.Errorf("optional: %q", got)
	}
}
