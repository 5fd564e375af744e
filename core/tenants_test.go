package core_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A token of an issuer that the application knows is accepted. One that it does not know is refused without a fetch, and the answer is
// remembered.
func TestResolveIssuer(t *testing.T) {
	e, auth := newEstate(t, "a", "b")
	guard := auth.Required()
	for _, name := range []string{"a", "b", "a"} {
		if who := mustAdmit(t, guard, e.token(name)); who.Issuer() != issuerOf(name) || who.Subject() != "alice" {
			t.Errorf("%s %s", who.Issuer(), who.Subject())
		}
	}
	if who := mustAdmit(t, guard, e.idp.token()); who.Issuer() != issuer {
		t.Errorf("the provider of the configuration: %s", who.Issuer())
	}
	before := e.fetches("")
	for range 3 {
		wantStatus(t, guard, e.token("stranger"), http.StatusUnauthorized)
	}
	if n := e.fetches("") - before; n != 0 {
		t.Errorf("%d fetches for an issuer that is not trusted", n)
	}
	for name, want := range map[string]int{"a": 1, "b": 1, "stranger": 1} {
		if n := e.calls(issuerOf(name)); n != want {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
	if e.calls(issuer) != 0 {
		t.Error("the provider of the configuration was asked for")
	}
}

// An issuer that is not trusted is asked for again after 30 s, or at once after ForgetIssuer: a new tenant begins.
func TestTenantBegins(t *testing.T) {
	estateBubble(t, nil, func(t *testing.T, e *estate, auth *core.Auth) {
		guard := auth.Required()
		wantStatus(t, guard, e.token("a"), http.StatusUnauthorized)
		wantStatus(t, guard, e.token("b"), http.StatusUnauthorized)
		e.change(func() { e.known[issuerOf("a")], e.known[issuerOf("b")] = tenantOf("a"), tenantOf("b") })
		wantStatus(t, guard, e.token("a"), http.StatusUnauthorized)
		auth.ForgetIssuer(issuerOf("a"))
		wantStatus(t, guard, e.token("a"), http.StatusOK)
		wantStatus(t, guard, e.token("b"), http.StatusUnauthorized)
		wait(31 * time.Second)
		wantStatus(t, guard, e.token("b"), http.StatusOK)
	})
}

// No tenant signs for another one, nor for the provider of the configuration.
func TestTenantsSignForThemselves(t *testing.T) {
	e, auth := newEstate(t, "a", "b")
	e.change(func() { e.ownKeys = true })
	guard := auth.Required()
	for _, name := range []string{"a", "b"} {
		wantStatus(t, guard, e.sign(name, issuerOf(name)), http.StatusOK)
	}
	for name, iss := range map[string]string{"a": issuerOf("b"), "b": issuerOf("a")} {
		wantStatus(t, guard, e.sign(name, iss), http.StatusUnauthorized)
		wantStatus(t, guard, e.sign(name, issuer), http.StatusUnauthorized)
		wantStatus(t, guard, e.sign(name, issuerOf(name)+"/"), http.StatusUnauthorized)
	}
}

// Texts that cannot be issuers never reach the application.
func TestResolveIssuerShapes(t *testing.T) {
	e, auth := newEstate(t)
	guard := auth.Required()
	long := "https://x.example/" + strings.Repeat("a", 512)
	for _, iss := range []any{
		"", nil, 1, []string{"https://x.example"}, "x", "x.example", "http://x.example", "ftp://x.example", "https://", "https:x.example", "https://user@x.example", "https://x.example?a=b",
		"https://x.example#a", "https://x.example/ a", "https://x.example/\n", "https://x.example/\u00e9", "javascript:alert(1)", "file:///etc/passwd", long, issuer + "/",
	} {
		wantStatus(t, guard, e.idp.token(claims{"iss": iss}), http.StatusUnauthorized)
	}
	if n := e.calls(""); n != 0 {
		t.Errorf("the application was asked %d times: %v", n, e.asked)
	}
	for _, iss := range []string{"https://x.example", "https://X.example:8443/a/b", "http://127.0.0.1:8080/realms/x", "http://localhost", long[:512]} {
		wantStatus(t, guard, e.idp.token(claims{"iss": iss}), http.StatusUnauthorized)
		if e.calls(iss) != 1 {
			t.Errorf("the application was not asked for %s", iss)
		}
	}
}

// An error is a 503 that is not remembered, and touches no other tenant.
func TestResolveIssuerFails(t *testing.T) {
	e, auth := newEstate(t, "a", "b")
	guard := auth.Required()
	mustAdmit(t, guard, e.token("b"))
	e.change(func() {
		e.answer = func(context.Context, string) (*core.Provider, error) { return nil, errors.New("the database is away") }
	})
	for range 2 {
		decision := guard.Admit(t.Context(), bearerOf(e.token("a")))
		if decision.Refusal == nil || decision.Refusal.Status != http.StatusServiceUnavailable || decision.Refusal.Header.Get("Retry-After") == "" {
			t.Errorf("%+v", decision.Refusal)
		}
	}
	wantStatus(t, guard, e.token("b"), http.StatusOK)
	wantStatus(t, guard, e.idp.token(), http.StatusOK)
	e.change(func() { e.answer = nil })
	wantStatus(t, guard, e.token("a"), http.StatusOK)
	if log := e.idp.logs.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "Config.ResolveIssuer") || !strings.Contains(log, "the database is away") {
		t.Errorf("the log: %s", log)
	}
}

// A function that hangs costs a request Timeout and no other tenant anything. Its place is free when it returns.
func TestResolveIssuerHangs(t *testing.T) {
	estateBubble(t, []string{"a"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard, release := auth.Required(), make(chan struct{})
		mustAdmit(t, guard, e.token("a"))
		e.change(func() {
			e.answer = func(_ context.Context, issuer string) (*core.Provider, error) {
				if strings.Contains(issuer, "slow") {
					<-release // ctx is ignored
				}
				return nil, nil
			}
		})
		var all sync.WaitGroup
		begun := time.Now()
		for i := range 40 { // more than run at once
			token := e.token("slow" + strconv.Itoa(i))
			all.Go(func() { wantStatus(t, guard, token, http.StatusServiceUnavailable) })
		}
		wantStatus(t, guard, e.token("a"), http.StatusOK)
		all.Wait()
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("it took %s", took)
		}
		if n := e.calls(""); n != 1+16 {
			t.Errorf("%d calls", n)
		}
		wantStatus(t, guard, e.token("other"), http.StatusServiceUnavailable)
		close(release)
		synctest.Wait()
		wantStatus(t, guard, e.token("other"), http.StatusUnauthorized)
	})
}

// A request that leaves does not end the call for the others.
func TestResolveIssuerLeft(t *testing.T) {
	estateBubble(t, []string{"a"}, func(t *testing.T, e *estate, auth *core.Auth) {
		guard, release, known := auth.Required(), make(chan struct{}), tenantOf("a")
		e.change(func() {
			e.answer = func(context.Context, string) (*core.Provider, error) { <-release; return &known, nil }
		})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := decide(ctx, guard, []string{"Bearer " + e.token("a")})
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; statusOf(t, nil, err) != http.StatusServiceUnavailable {
			t.Errorf("%v", err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { wantStatus(t, guard, e.token("a"), http.StatusOK) })
		}
		synctest.Wait()
		close(release)
		all.Wait()
		if n := e.calls(""); n != 1 {
			t.Errorf("%d calls for one issuer", n)
		}
		if n := e.fetches("a"); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A panic is a 500, and the next request asks again.
func TestResolveIssuerPanics(t *testing.T) {
	e, auth := newEstate(t, "a")
	guard := auth.Required()
	e.change(func() { e.answer = func(context.Context, string) (*core.Provider, error) { panic(poison) } })
	wantStatus(t, guard, e.token("a"), http.StatusInternalServerError)
	wantStatus(t, auth.Optional(), e.token("a"), http.StatusInternalServerError)
	e.change(func() { e.answer = nil })
	wantStatus(t, guard, e.token("a"), http.StatusOK)
	if log := e.idp.logs.String(); !strings.Contains(log, "function=Config.ResolveIssuer") {
		t.Errorf("the log: %s", log)
	}
}

// Issuers that anybody invents neither displace a tenant nor make it be asked for again.
func TestResolveIssuerFlood(t *testing.T) {
	e, auth := newEstate(t, "a")
	guard, token := auth.Required(), e.token("a")
	mustAdmit(t, guard, token)
	for i := range 5_000 {
		wantStatus(t, guard, e.idp.token(claims{"iss": fmt.Sprintf("https://%d.example", i)}), http.StatusUnauthorized)
	}
	wantStatus(t, guard, token, http.StatusOK)
	wantStatus(t, guard, e.token("a"), http.StatusOK)
	if e.calls(issuerOf("a")) != 1 || e.fetches("") != 2 {
		t.Errorf("%d calls, %d fetches", e.calls(issuerOf("a")), e.fetches(""))
	}
}

// A tenant that is down touches no other one.
func TestTenantDown(t *testing.T) {
	e, auth := newEstate(t, "a", "b")
	e.change(func() { e.down["a"+tenantDomain] = true })
	guard := auth.Required()
	wantStatus(t, guard, e.token("a"), http.StatusServiceUnavailable)
	wantStatus(t, guard, e.token("b"), http.StatusOK)
	wantStatus(t, guard, e.idp.token(), http.StatusOK)
	if log := e.idp.logs.String(); !strings.Contains(log, "tenant="+issuerOf("a")) || strings.Contains(log, "tenant="+issuerOf("b")) {
		t.Errorf("the log: %s", log)
	}
	if err := auth.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// Settings that New would refuse are a 503, and the log names the field.
func TestTenantSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*core.Provider)
		says   string
	}{
		"no client":            {func(p *core.Provider) { p.ClientID = "" }, "ClientID: empty"},
		"nothing":              {func(p *core.Provider) { *p = core.Provider{} }, "DiscoveryURL: empty"},
		"another issuer":       {func(p *core.Provider) { p.Issuer = issuerOf("b") }, "Issuer: "},
		"another document":     {func(p *core.Provider) { *p = tenantOf("b") }, "DiscoveryURL: "},
		"no https":             {func(p *core.Provider) { p.JWKSURL = "http://a.tenant.example/keys" }, "JWKSURL: "},
		"aliases":              {func(p *core.Provider) { p.Issuer, p.IssuerAliases = issuerOf("a"), []string{issuerOf("b")} }, "IssuerAliases"},
		"tenants":              {func(p *core.Provider) { p.Tenants = []string{tenantA} }, "IssuerAliases: leave"},
		"opaque":               {func(p *core.Provider) { p.Tokens, p.ClientSecret = core.Opaque, "secret" }, "Tokens: "},
		"an empty audience":    {func(p *core.Provider) { p.Audience = []string{""} }, "Audience: "},
		"an unknown algorithm": {func(p *core.Provider) { p.IDTokenAlgorithm = "none" }, "IDTokenAlgorithm: "},
	} {
		t.Run(name, func(t *testing.T) {
			e, auth := newEstate(t)
			settings := tenantOf("a")
			c.change(&settings)
			e.answer = func(context.Context, string) (*core.Provider, error) { return &settings, nil }
			wantStatus(t, auth.Required(), e.token("a"), http.StatusServiceUnavailable)
			log := e.idp.logs.String()
			if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "core: Config.ResolveIssuer: ") || !strings.Contains(log, c.says) {
				t.Errorf("the log does not say %q: %s", c.says, log)
			}
			if n := e.fetches(""); n != 0 {
				t.Errorf("%d fetches", n)
			}
		})
	}
}

// The document of a tenant, which may be the tenant's own, makes this service fetch keys from no other host, unless the application names it.
func TestTenantKeysElsewhere(t *testing.T) {
	e, auth := newEstate(t, "a", "b")
	e.keysAt = issuerOf("b") + "/keys"
	wantStatus(t, auth.Required(), e.token("a"), http.StatusServiceUnavailable)
	if log := e.idp.logs.String(); e.fetches("b") != 0 || !strings.Contains(log, "on another host than the issuer") || !strings.Contains(log, "Provider.JWKSURL") {
		t.Errorf("%d fetches from the other host: %s", e.fetches("b"), log)
	}
	wantStatus(t, auth.Required(), e.token("b"), http.StatusOK)
	named := tenantOf("c")
	named.JWKSURL = e.keysAt
	e.change(func() { e.known[issuerOf("c")] = named })
	wantStatus(t, auth.Required(), e.token("c"), http.StatusOK)
}

// A tenant without a discovery document, one whose host is no name, and one whose document has a slash more than the address.
func TestTenantForms(t *testing.T) {
	e, auth := newEstate(t)
	e.known[issuerOf("keys")] = core.Provider{Issuer: issuerOf("keys"), JWKSURL: issuerOf("keys") + "/keys", Audience: []string{clientID}}
	wantStatus(t, auth.Required(), e.token("keys"), http.StatusOK)
	long := strings.Repeat("a", 80)
	e.known[issuerOf(long)] = tenantOf(long)
	wantStatus(t, auth.Required(), e.token(long), http.StatusOK)
	e.known[issuerOf("slash")+"/"] = tenantOf("slash")
	wantStatus(t, auth.Required(), e.token("slash", claims{"iss": issuerOf("slash") + "/"}), http.StatusServiceUnavailable) // the document says otherwise
}

// Thousands of tenants: each costs one call and two fetches, once.
func TestTenantsMany(t *testing.T) {
	many := 2_000
	if os.Getenv("CI") == "true" {
		many = 10_000
	}
	e, auth := newEstate(t)
	e.answer = func(_ context.Context, issuer string) (*core.Provider, error) {
		return &core.Provider{Issuer: issuer, JWKSURL: issuer + "/keys", Audience: []string{clientID}}, nil
	}
	guard := auth.Required()
	for i := range many + many/10 { // the first ones again
		wantStatus(t, guard, e.token("t"+strconv.Itoa(i%many)), http.StatusOK)
	}
	if calls, fetches := e.calls(""), e.fetches(""); calls > 2*many || fetches != many { // more calls on a machine that takes more than a minute
		t.Errorf("%d calls, %d fetches", calls, fetches)
	}
}

// Events of tenants have one label, and printing the configuration says that there is a function.
func TestResolveIssuerShown(t *testing.T) {
	e, _ := newEstate(t, "a")
	var mu sync.Mutex
	labels := map[string]bool{}
	auth := e.idp.auth(e.configure, func(c *core.Config) {
		c.Observe = core.ObserveFunc(func(event core.Event) {
			mu.Lock()
			defer mu.Unlock()
			labels[event.Provider] = true
		})
	})
	mustAdmit(t, auth.Required(), e.token("a"))
	if len(labels) != 2 || !labels["tenant"] || !labels[""] {
		t.Errorf("labels %v", labels)
	}
	c := e.idp.config()
	if strings.Contains(fmt.Sprint(c), "ResolveIssuer") {
		t.Error("shown although it is not set")
	}
	e.configure(&c)
	if !strings.Contains(fmt.Sprint(c), "ResolveIssuer:true") {
		t.Errorf("not shown: %v", c)
	}
}
