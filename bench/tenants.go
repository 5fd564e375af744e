package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// manyTenants is how many issuers the service gets to know at run time.
const manyTenants = 10_000

// tenantNet is a provider whose documents are served at many addresses, and what an application knows about them.
type tenantNet struct{ *provider }

func tenant(i int) string { return "https://t" + strconv.Itoa(i) + ".tenants.example.org" }

// RoundTrip implements [http.RoundTripper]: every tenant publishes the same keys.
func (n tenantNet) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Host, ".tenants.example.org") {
		return n.provider.RoundTrip(r)
	}
	body := n.keys
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		body = strings.ReplaceAll(n.discovery, issuer, "https://"+r.URL.Host)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// resolve is Config.ResolveIssuer.
func (n tenantNet) resolve(_ context.Context, issuer string) (*core.Provider, error) {
	return &core.Provider{DiscoveryURL: issuer + "/.well-known/openid-configuration", ClientID: clientID}, nil
}

// newTenants makes a service that has seen a token of each tenant.
func newTenants(ctx context.Context, k *key, cacheSize, count int) (*core.Auth, error) {
	net := tenantNet{newProvider(k)}
	config := net.config(cacheSize)
	config.HTTPClient, config.ResolveIssuer = &http.Client{Transport: net}, net.resolve
	auth, err := core.New(config)
	if err != nil {
		return nil, err
	}
	guard := auth.Required()
	return auth, atOnce(count, func(i int) error { return admitted(guard.Admit(ctx, ofTenant(k, i))) })
}

// ofTenant returns a request with a token of a tenant. Its length differs little from that of a token of the one issuer.
func ofTenant(k *key, i int) core.Credentials {
	return bearer(k.token(keycloak(claims{"iss": tenant(i), "sub": "user-" + strconv.Itoa(i)})))
}

func ofOne(k *key, i int) core.Credentials {
	return bearer(k.token(keycloak(claims{"sub": "user-" + strconv.Itoa(i)})))
}

// tenants writes the table about issuers that become known at run time: goal 13.
func tenants(ctx context.Context, r *report, e effort) error {
	k, err := newKey("EdDSA")
	if err != nil {
		return err
	}
	bytes, err := tenantMemory(ctx, k)
	if err != nil {
		return err
	}
	r.section("Tenants", fmt.Sprintf("A service that has got to know %s issuers with `ResolveIssuer`, beside one with a single issuer in its configuration. Each publishes one key\n"+
		"(Ed25519). In turn: one token of each tenant after the other, beside as many tokens of the single issuer.", grouped(manyTenants)))
	for _, cacheSize := range []int{4 * manyTenants, -1} {
		if err := tenantCost(ctx, r, e, k, cacheSize); err != nil {
			return err
		}
	}
	r.note("In turn, each tenant has a row, keys and an answer of its own, which are not in the processor's caches; the single issuer's are.")
	r.note("A tenant that is known takes %.1f KiB of memory, its documents included. At most 20,000 are kept.", float64(bytes)/1024)
	r.judge(13, "memory of a known tenant at most 32 KiB, and never more than 20,000 of them", fmt.Sprintf("%.1f KiB", float64(bytes)/1024), bytes <= 32<<10)
	return nil
}

// tenantCost compares tokens of tenants with those of a single issuer; a negative cacheSize verifies each.
func tenantCost(ctx context.Context, r *report, e effort, k *key, cacheSize int) error {
	several, err := newTenants(ctx, k, cacheSize, manyTenants)
	if err != nil {
		return err
	}
	defer func() { _ = several.Close() }()
	single, err := core.New(newProvider(k).config(cacheSize))
	if err != nil {
		return err
	}
	defer func() { _ = single.Close() }()
	known, kind := manyTenants, "known token"
	if cacheSize < 0 {
		known, kind = 1_000, "new token"
	}
	one := func(auth *core.Auth, credentials core.Credentials) func() error {
		guard := auth.Required()
		return func() error { return admitted(guard.Admit(ctx, credentials)) }
	}
	turns := func(auth *core.Auth, make func(*key, int) core.Credentials) func() error {
		guard, i := auth.Required(), 0
		all := headersOf(known, func(i int) core.Credentials { return make(k, i) })
		for _, credentials := range all { // from now on they are known
			_ = guard.Admit(ctx, credentials)
		}
		return func() error {
			i++
			return admitted(guard.Admit(ctx, all[i%len(all)]))
		}
	}
	seen, err := compare([]subject{
		{"a tenant's", one(several, ofTenant(k, 1))}, {"the single issuer's", one(single, ofOne(k, 1))},
		{"of all tenants in turn", turns(several, ofTenant)}, {"as many of the single issuer in turn", turns(single, ofOne)},
	}, max(20, e.rounds/4), 10*time.Millisecond)
	if err != nil {
		return err
	}
	cost, inTurn := seen[0].over(seen[1]), seen[2].over(seen[3])
	var rows [][]string
	for i, over := range []string{cost.String(), "1", inTurn.String(), "1"} {
		rows = append(rows, []string{seen[i].name, strconv.Itoa(int(spreadOf(seen[i].times).mid)), over, fmt.Sprintf("%.0f", seen[i].allocations())})
	}
	r.table([]string{kind, "ns", "x the same of a single issuer", "allocations"}, rows)
	r.judge(13, "10,000 tenants: a "+kind+" of a tenant at most 1.05 x one of a single issuer", cost.String(), cost.mid <= 1.05)
	return nil
}

func headersOf(count int, header func(i int) core.Credentials) []core.Credentials {
	all := make([]core.Credentials, count)
	for i := range all {
		all[i] = header(i)
	}
	return all
}

// tenantMemory returns the bytes that a service holds for each tenant that it knows.
func tenantMemory(ctx context.Context, k *key) (int64, error) {
	auth, err := newTenants(ctx, k, -1, manyTenants)
	if err != nil {
		return 0, err
	}
	full := heap()
	if err := auth.Close(); err != nil {
		return 0, err
	}
	runtime.KeepAlive(auth)
	auth = nil
	return (full - heap()) / manyTenants, nil
}
