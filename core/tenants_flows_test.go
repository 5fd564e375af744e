package core_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// directory is an application's list of one tenant.
type directory struct {
	mu    sync.Mutex
	idp   *oidctest.Provider // nil: withdrawn
	err   error
	calls int
}

func (d *directory) set(idp *oidctest.Provider, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idp, d.err = idp, err
}

func (d *directory) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

func (d *directory) resolve(_ context.Context, issuer string) (*core.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.idp == nil || d.err != nil || issuer != d.idp.Issuer() {
		return nil, d.err
	}
	entry := entryOf(d.idp)
	return &entry, nil
}

// newTenantFlow makes a service with a provider and a tenant.
func newTenantFlow(t *testing.T, change func(*core.Config)) (f *flowService, tenant *oidctest.Provider, d *directory) {
	t.Helper()
	tenant = another(t)
	d = &directory{idp: tenant}
	return newFlow(t, func(c *core.Config) {
		c.ResolveIssuer = d.resolve
		if change != nil {
			change(c)
		}
	}, oidctest.WithKeyID("k1")), tenant, d
}

// In broker mode guards accept own tokens alone, and a tenant's token is exchanged. The own token says whose it is, its subject is no other
// person's, and it ends with the tenant.
func TestTenantExchange(t *testing.T) {
	f, tenant, d := newTenantFlow(t, brokered())
	if _, err := f.admit(tenant.AccessToken("bob")); err == nil || d.count() != 0 {
		t.Errorf("a guard accepts the token of a tenant (%v), or asked for it: %d", err, d.count())
	}
	own, main := flowGranted(t, f.exchange(tenant.AccessToken("bob"), nil)), flowGranted(t, f.exchange(f.idp.AccessToken("bob"), nil))
	who := f.who(own.AccessToken)
	if issuer, subject := who.Person(); issuer != tenant.Issuer() || subject != "bob" || who.Subject() != tenant.Issuer()+"|bob" || f.who(main.AccessToken).Subject() != "bob" {
		t.Errorf("%s %s %s", issuer, subject, who.Subject())
	}
	before := tenant.Hits(oidctest.Discovery)
	if answer := f.exchange(tenant.AccessToken("bob", oidctest.Claims{"iss": "https://stranger.example"}), nil); answer.Status != http.StatusBadRequest {
		t.Errorf("a token of a stranger: %d", answer.Status)
	}
	if answer := f.exchange(f.idp.AccessToken("bob", oidctest.Claims{"iss": tenant.Issuer()}), nil); answer.Status != http.StatusBadRequest {
		t.Errorf("the provider signs for the tenant: %d", answer.Status)
	}
	if answer := f.exchange(f.idp.AccessToken(tenant.Issuer()+"|bob"), nil); answer.Status != http.StatusForbidden {
		t.Errorf("the provider has the tenant's person: %d", answer.Status)
	}
	if tenant.Hits(oidctest.Discovery) != before {
		t.Error("fetched for others")
	}
	d.set(tenant, errors.New("away"))
	f.auth.ForgetIssuer(tenant.Issuer())
	f.wantStatuses(map[string]int{own.AccessToken: http.StatusServiceUnavailable, main.AccessToken: http.StatusOK})
	if answer := f.exchange(tenant.AccessToken("bob"), nil); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("an exchange while the application fails: %d", answer.Status)
	}
	d.set(nil, nil)
	f.auth.ForgetIssuer(tenant.Issuer())
	f.wantStatuses(map[string]int{own.AccessToken: http.StatusUnauthorized, main.AccessToken: http.StatusOK})
	if answer := f.exchange(tenant.AccessToken("bob"), nil); answer.Status != http.StatusBadRequest {
		t.Errorf("an exchange after the end: %d", answer.Status)
	}
}

func (f *flowService) wantStatuses(tokens map[string]int) {
	f.t.Helper()
	for token, want := range tokens {
		if got := f.status(token); got != want {
			f.t.Errorf("got %d, want %d", got, want)
		}
	}
}

// In passthrough mode userinfo and logout of a tenant's caller go to the tenant.
func TestTenantPassthrough(t *testing.T) {
	f, tenant, d := newTenantFlow(t, nil)
	token := tenant.AccessToken("alice")
	if who := f.who(token); who.Issuer() != tenant.Issuer() {
		t.Errorf("%s", who.Issuer())
	}
	f.get("userinfo", nil, "Authorization: Bearer "+token)
	if f.idp.Hits(oidctest.UserInfo) != 0 {
		t.Error("the provider of the configuration was asked")
	}
	if to := f.get("logout", nil, "Authorization: Bearer "+token).Header.Get("Location"); !strings.HasPrefix(to, tenant.URL(oidctest.EndSession)) {
		t.Errorf("the logout leads to %s", to)
	}
	if tenant.Hits(oidctest.Revocation) == 0 || f.idp.Hits(oidctest.Revocation) != 0 {
		t.Error("the access token was not revoked at its own provider alone")
	}
	d.set(nil, nil)
	f.auth.ForgetIssuer(tenant.Issuer())
	if answer := f.get("logout", nil, "Authorization: Bearer "+token); answer.Status >= 500 {
		t.Errorf("a logout after the end: %d", answer.Status)
	}
}

// The sessions of a provider that has become a tenant live on, and end with it: the cookie and the refresh token.
func TestTenantSessions(t *testing.T) {
	inBothModes(t, func(t *testing.T, mode func(*core.Config)) {
		w, tenant := newWebs(t, mode)
		one, two := w.browser(), w.browser()
		one.visit("/auth/v2/login?provider=first", "alice")
		two.visit("/auth/v2/login?provider="+second, "alice")
		d := &directory{idp: tenant}
		w.cfg.Providers, w.cfg.ResolveIssuer = nil, d.resolve
		w.serve()
		want := func(browser *browser, status int) {
			t.Helper()
			if answer := browser.do(http.MethodGet, "/page", script...); answer.StatusCode != status {
				t.Errorf("got %d, want %d", answer.StatusCode, status)
			}
		}
		want(two, http.StatusOK)
		if got := body(two.do(http.MethodGet, "/page", navigation...)); !strings.HasPrefix(got, tenant.Issuer()+"|alice ") {
			t.Errorf("the person is %q", got)
		}
		want(one, http.StatusOK)
		if d.count() != 1 {
			t.Errorf("%d calls", d.count())
		}
		d.set(tenant, errors.New("away"))
		w.auth.ForgetIssuer(tenant.Issuer())
		want(two, http.StatusServiceUnavailable)
		d.set(nil, nil)
		w.auth.ForgetIssuer(tenant.Issuer())
		want(two, http.StatusUnauthorized)
		want(one, http.StatusOK)
	})
}

// A refresh goes to the tenant, and ends the session once the tenant is withdrawn.
func TestTenantRefresh(t *testing.T) {
	shared := store.NewMemory()
	on := func(c *core.Config) { c.Store = shared }
	before, tenant := newFlows(t, brokered(on))
	login := url.Values{"provider": {second}, "offline_access": {"true"}}
	first, other := before.at(tenant, "alice", login), before.at(tenant, "bob", login)
	d := &directory{idp: tenant}
	f := flowOver(t, before.idp, brokered(on, func(c *core.Config) { c.ResolveIssuer = d.resolve }))
	next := flowGranted(t, f.refresh(first.RefreshToken))
	if issuer, _ := f.who(next.AccessToken).Person(); issuer != tenant.Issuer() {
		t.Errorf("the person is of %s", issuer)
	}
	d.set(tenant, errors.New("away"))
	f.auth.ForgetIssuer(tenant.Issuer())
	if answer := f.refresh(next.RefreshToken); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("a refresh while the application fails: %d", answer.Status)
	}
	d.set(nil, nil)
	f.auth.ForgetIssuer(tenant.Issuer())
	for _, token := range []string{next.RefreshToken, other.RefreshToken} {
		if answer := f.refresh(token); answer.Status != http.StatusUnauthorized {
			t.Errorf("a refresh after the end: %d", answer.Status)
		}
	}
	d.set(tenant, nil)
	f.auth.ForgetIssuer(tenant.Issuer())
	if answer := f.refresh(next.RefreshToken); answer.Status != http.StatusUnauthorized {
		t.Errorf("the session came back: %d", answer.Status)
	}
}

// A stream of a tenant's caller ends with the tenant.
func TestTenantUntilEnded(t *testing.T) {
	for name, change := range map[string]func(*core.Config){"passthrough": nil, "broker": brokered()} {
		t.Run(name, func(t *testing.T) {
			f, tenant, d := newTenantFlow(t, change)
			token := tenant.AccessToken("alice")
			if change != nil {
				token = flowGranted(t, f.exchange(token, nil)).AccessToken
			}
			decision := f.auth.Required().Admit(t.Context(), bearerOf(token))
			if decision.Err != nil {
				t.Fatal(decision.Err)
			}
			ctx, stop := core.UntilEnded(decision.Context(t.Context()))
			defer stop()
			f.auth.ForgetIssuer(tenant.Issuer()) // asked again, and still trusted
			if _, err := f.admit(token); err != nil || ctx.Err() != nil {
				t.Errorf("%v %v", err, ctx.Err())
			}
			d.set(nil, nil)
			f.auth.ForgetIssuer(tenant.Issuer())
			<-ctx.Done()
		})
	}
}

// New refuses tenants where they could do nothing.
func TestResolveIssuerFaults(t *testing.T) {
	idp := newIDP(t)
	config := idp.config()
	brokered()(&config)
	config.ResolveIssuer, config.Audience = (&directory{}).resolve, []string{core.AnyAudience}
	if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), "core: Config.ResolveIssuer: ") || !strings.Contains(err.Error(), "Audience") {
		t.Errorf("%v", err)
	}
}
