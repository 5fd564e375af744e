package core_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// New lists every field that is wrong, and says what to write.
func ExampleNew() {
	_, err := core.New(core.Config{
		DiscoveryURL: "https://idp.example.org",
		PublicURL:    "https://app.example.org",
	})
	fmt.Println(err)
	// Output:
	// core: Config.DiscoveryURL: "https://idp.example.org": write the address of the discovery document, ending in /.well-known/openid-configuration
	// core: Config.ClientID: empty: write the client id of this service at the provider
}

// Only callers with a valid token pass. The handler finds the caller in the context.
func ExampleAuth_Required() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	page := auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := core.IDTokenFrom(r.Context()) // never nil behind Required
		_, _ = fmt.Fprint(w, "hello ", caller.Username())
	}))
	show(page, "/", idp.Bearer("bob"))
	show(page, "/", "")
	// Output:
	// 200 hello bob
	// 401 Not authenticated
}

// Everybody passes. A caller without a valid token is a guest.
func ExampleAuth_Optional() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	page := auth.Optional().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := core.IDTokenFrom(r.Context()) // nil for a guest
		if caller.IsGuest() {
			_, _ = fmt.Fprint(w, "hello guest")
			return
		}
		_, _ = fmt.Fprint(w, "hello ", caller.Username())
	}))
	show(page, "/", idp.Bearer("bob"))
	show(page, "/", "")
	// Output:
	// 200 hello bob
	// 200 hello guest
}

// Without a framework's middleware, Admit returns the caller or the complete refusal.
func ExampleGuard_Admit() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	guard := auth.Required(core.Roles("admin"))
	for _, user := range []string{"alice", "bob"} {
		decision := guard.Admit(context.Background(), core.Credentials{
			Method: "GET", Target: "/admin", Header: http.Header{"Authorization": {idp.Bearer(user)}},
		})
		if decision.Refusal != nil {
			fmt.Println(user, decision.Refusal.Status)
			continue
		}
		fmt.Println(user, decision.Caller.Roles())
	}
	// Output:
	// alice [admin user /staff/dev]
	// bob 403
}

// A token needs all of the scopes.
func ExampleScopes() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	orders := auth.Required(core.Scopes("orders:read", "orders:write")).Middleware(greet)
	show(orders, "/orders", idp.Bearer("bob", oidctest.Claims{"scope": "openid orders:read orders:write"}))
	show(orders, "/orders", idp.Bearer("bob", oidctest.Claims{"scope": "openid orders:read"}))
	// Output:
	// 200 hello bob
	// 403 Token missing required scopes: orders:write
}

// A role may come from Keycloak's realm or client roles, or from the claims groups and roles.
func ExampleRoles() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	admin := auth.Required(core.Roles("admin")).Middleware(greet)
	show(admin, "/admin", idp.Bearer("bob", oidctest.Claims{"realm_access": oidctest.Claims{"roles": []string{"admin"}}}))
	show(admin, "/admin", idp.Bearer("bob", oidctest.Claims{"groups": []string{"admin"}}))
	show(admin, "/admin", idp.Bearer("bob"))
	// Output:
	// 200 hello bob
	// 200 hello bob
	// 403 Insufficient permissions based on token claims.
}

// A program whose login is not enough is told which login is needed.
func ExampleACR() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	payments := auth.Required(core.ACR("gold", "platinum"), core.MaxAge(5*time.Minute)).Middleware(greet)
	show(payments, "/payments", idp.Bearer("bob", oidctest.Claims{"acr": "gold", "auth_time": time.Now().Unix()}))
	show(payments, "/payments", idp.Bearer("bob", oidctest.Claims{"acr": "bronze", "auth_time": time.Now().Unix()}))
	// Output:
	// 200 hello bob
	// 401 A stronger or more recent login is needed.
}

// MaxAge(0) is met only by a person who has just logged in.
func ExampleMaxAge() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	address := auth.Required(core.MaxAge(0)).Middleware(greet)
	show(address, "/address", idp.Bearer("bob", oidctest.Claims{"auth_time": time.Now().Unix()}))
	show(address, "/address", idp.Bearer("bob", oidctest.Claims{"auth_time": time.Now().Add(-time.Minute).Unix()}))
	// Output:
	// 200 hello bob
	// 401 A stronger or more recent login is needed.
}

// A claim, found by its path, must have one of the values, or be a list that contains one.
func ExampleClaim() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	staff := auth.Required(core.Claim("org.department", "sales", "support")).Middleware(greet)
	show(staff, "/staff", idp.Bearer("bob", oidctest.Claims{"org": oidctest.Claims{"department": "sales"}}))
	show(staff, "/staff", idp.Bearer("carol", oidctest.Claims{"org": oidctest.Claims{"department": "press"}}))
	// Output:
	// 200 hello bob
	// 403 Insufficient permissions based on token claims.
}

// Administrators pass, and everybody who has both the scope and the verified address.
func ExampleAnyOf() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	reports := auth.Required(core.AnyOf(
		core.Roles("admin"),
		core.AllOf(core.Scopes("reports"), core.Claim("email_verified", "true")),
	)).Middleware(greet)
	show(reports, "/reports", idp.Bearer("alice"))
	show(reports, "/reports", idp.Bearer("bob", oidctest.Claims{"scope": "openid reports", "email_verified": true}))
	show(reports, "/reports", idp.Bearer("bob", oidctest.Claims{"scope": "openid reports", "email_verified": false}))
	// Output:
	// 200 hello alice
	// 200 hello bob
	// 403 Insufficient permissions based on token claims.
}

// A rule of your own looks at the caller. Its name appears in the log, never in the answer.
func ExampleCheck() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	colleague := core.Check("colleague", func(caller *core.IDToken) bool {
		return caller.Claim("email_verified") == true && strings.HasSuffix(caller.Email(), "@example.org")
	})
	wiki := auth.Required(colleague).Middleware(greet)
	show(wiki, "/wiki", idp.Bearer("bob", oidctest.Claims{"email": "bob@example.org", "email_verified": true}))
	show(wiki, "/wiki", idp.Bearer("bob", oidctest.Claims{"email": "bob@example.net", "email_verified": true}))
	// Output:
	// 200 hello bob
	// 403 Insufficient permissions based on token claims.
}

// A rule of your own looks at the caller and the request, and may ask a database. Its error is an outage: 503.
func ExampleCheckRequest() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	owners := map[string]string{"/orders/7": "bob"} // stands for a database
	owner := core.CheckRequest("owner of the order", func(_ context.Context, request core.Credentials, caller *core.IDToken) (bool, error) {
		return owners[request.Target] == caller.Subject(), nil
	})
	orders := auth.Required(owner).Middleware(greet)
	show(orders, "/orders/7", idp.Bearer("bob"))
	show(orders, "/orders/7", idp.Bearer("carol"))
	// Output:
	// 200 hello bob
	// 403 Insufficient permissions based on token claims.
}

// What a handler reads of its caller. Issuer and subject together identify a person; names and addresses may change.
func ExampleIDTokenFrom() {
	caller := oidctest.IDToken(oidctest.Claims{
		"sub": "4711", "preferred_username": "zoe", "email": "zoe@example.org",
		"groups": []string{"staff"}, "org": oidctest.Claims{"department": "sales"},
	})
	ctx := core.WithIDToken(context.Background(), caller) // what a guard does

	token := core.IDTokenFrom(ctx)
	fmt.Println(token.Subject(), token.Username(), token.Email(), token.Roles())
	fmt.Println(token.Claim("org.department"), token.IsGuest())
	// Output:
	// 4711 zoe zoe@example.org [staff]
	// sales false
}

// Claims of your provider, in a struct of your own.
func ExampleClaimsAs() {
	caller := oidctest.IDToken(oidctest.Claims{"department": "sales", "level": 3})
	claims, err := core.ClaimsAs[struct {
		Department string `json:"department"`
		Level      int    `json:"level"`
	}](caller)
	fmt.Println(claims.Department, claims.Level, err)
	// Output: sales 3 <nil>
}

// Every guard needs the role, except the one that says otherwise.
func ExampleConfig_require() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Require = []core.Requirement{core.Roles("staff")}
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	show(auth.Required().Middleware(greet), "/", idp.Bearer("bob"))
	show(auth.Required(core.NoDefaults).Middleware(greet), "/", idp.Bearer("bob"))
	// Output:
	// 403 Insufficient permissions based on token claims.
	// 200 hello bob
}

// One path with many operations: the handler demands what each of them needs.
func ExampleDemand() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()

	needs := map[string]core.Requirement{"list": core.Scopes("read"), "delete": core.Roles("admin")}
	rpc := auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := r.URL.Query().Get("operation")
		need, known := needs[operation]
		if !known {
			http.NotFound(w, r)
			return
		}
		if err := core.Demand(r.Context(), need); err != nil {
			auth.Answer(r.Context(), core.CredentialsOf(r), err).WriteTo(w)
			return
		}
		_, _ = fmt.Fprint(w, "done")
	}))
	show(rpc, "/rpc?operation=delete", idp.Bearer("bob"))
	show(rpc, "/rpc?operation=delete", idp.Bearer("alice"))
	show(rpc, "/rpc?operation=list", idp.Bearer("alice", oidctest.Claims{"scope": "openid"}))
	// Output:
	// 403 Insufficient permissions based on token claims.
	// 200 done
	// 403 Token missing required scopes: read
}

// A scope that includes others.
func ExampleConfig_scopeImplies() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.ScopeImplies = func(granted, wanted string) bool { return granted == "files" && strings.HasPrefix(wanted, "files:") }
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	show(auth.Required(core.Scopes("files:read")).Middleware(greet), "/", idp.Bearer("bob", oidctest.Claims{"scope": "files"}))
	// Output: 200 hello bob
}

// Your own answer to a refused request, with the headers that clients need.
func ExampleConfig_onError() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.OnError = func(_ context.Context, _ *core.Request, err *core.Error) *core.Response {
		answer := err.Response() // keeps WWW-Authenticate and Retry-After
		answer.Header.Set("Content-Type", "application/problem+json")
		answer.Body = fmt.Appendf(nil, `{"status":%d,"title":%q}`, err.Status, err.Detail)
		return answer
	}
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	show(auth.Required().Middleware(greet), "/", "")
	// Output: 401 {"status":401,"title":"Not authenticated"}
}

// A client without a token learns where to get one, and with which scopes.
func ExampleAuth_RootRoutes() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Resources = []core.Resource{{URL: "https://notes.example.org/mcp"}} // as people type it
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.Required(core.Scopes("notes:read")).Middleware(greet))
	routes, err := auth.RootRoutes() // MountRoot of an adapter mounts them
	if err != nil {
		log.Fatal(err)
	}
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, route)
	}

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/mcp", nil))
	fmt.Println(answer.Header().Get("WWW-Authenticate"))
	answer = httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-protected-resource/mcp", nil))
	fmt.Println(strings.Replace(answer.Body.String(), idp.Issuer(), "https://idp.example.org", 1))
	// Output:
	// Bearer realm="oidcauth", scope="notes:read", resource_metadata="https://notes.example.org/.well-known/oauth-protected-resource/mcp"
	// {"resource":"https://notes.example.org/mcp","authorization_servers":["https://idp.example.org"],"scopes_supported":["notes:read"],"bearer_methods_supported":["header"]}
}
