package core_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// estate is a network with a provider for each issuer https://NAME.tenant.example, all with the key k1, and the directory of the application
// that says which of them are tenants.
type estate struct {
	idp *memoryIDP // of the configuration

	mu      sync.Mutex
	known   map[string]core.Provider                                         // by issuer
	asked   map[string]int                                                   // calls of the resolver
	fetched map[string]int                                                   // requests, by host
	down    map[string]bool                                                  // hosts that answer 503
	keysAt  string                                                           // jwks_uri of every tenant; "": its own
	ownKeys bool                                                             // each tenant has a key of its own, with the kid k1
	answer  func(ctx context.Context, issuer string) (*core.Provider, error) // in the place of the directory
}

const tenantDomain = ".tenant.example"

func issuerOf(name string) string { return "https://" + name + tenantDomain }

// tenantOf returns settings for a tenant.
func tenantOf(name string) core.Provider {
	return core.Provider{DiscoveryURL: issuerOf(name) + "/.well-known/openid-configuration", ClientID: clientID}
}

// newEstate makes a service with these tenants.
func newEstate(t testing.TB, names ...string) (*estate, *core.Auth) {
	t.Helper()
	e := &estate{idp: newIDP(t), known: map[string]core.Provider{}, asked: map[string]int{}, fetched: map[string]int{}, down: map[string]bool{}}
	for _, name := range names {
		e.known[issuerOf(name)] = tenantOf(name)
	}
	return e, e.idp.auth(e.configure)
}

func (e *estate) configure(c *core.Config) {
	c.HTTPClient, c.ResolveIssuer = &http.Client{Transport: e}, e.resolve
}

func (e *estate) resolve(ctx context.Context, issuer string) (*core.Provider, error) {
	e.mu.Lock()
	e.asked[issuer]++
	answer := e.answer
	known, isKnown := e.known[issuer]
	e.mu.Unlock()
	switch {
	case answer != nil:
		return answer(ctx, issuer)
	case !isKnown:
		return nil, nil
	}
	return &known, nil
}

func (e *estate) change(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

// calls returns how often the resolver was asked for an issuer, and in all for "".
func (e *estate) calls(issuer string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for asked, times := range e.asked {
		if issuer == "" || issuer == asked {
			n += times
		}
	}
	return n
}

// fetches returns the number of requests to a tenant, and to all for "".
func (e *estate) fetches(name string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for host, times := range e.fetched {
		if name == "" || host == name+tenantDomain {
			n += times
		}
	}
	return n
}

var errTenantDown = errors.New("no answer")

// RoundTrip answers for all tenants, and passes on what is for the provider of the configuration.
func (e *estate) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	if !strings.HasSuffix(host, tenantDomain) {
		return e.idp.RoundTrip(r)
	}
	e.mu.Lock()
	e.fetched[host]++
	down, own, keysAt := e.down[host], e.ownKeys, e.keysAt
	e.mu.Unlock()
	if down {
		return nil, errTenantDown
	}
	at := "https://" + host
	key := publicJWK("k1")
	if own {
		key["x"] = publicJWK(strings.TrimSuffix(host, tenantDomain))["x"]
	}
	text := toJSON(claims{"keys": []any{key}})
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		text = toJSON(claims{"issuer": at, "jwks_uri": cmp.Or(keysAt, at+"/keys"), "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"EdDSA"}})
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(text))), Request: r}, nil
}

// token returns a valid token of a tenant.
func (e *estate) token(name string, changes ...claims) string {
	return e.idp.token(append([]claims{{"iss": issuerOf(name)}}, changes...)...)
}

// sign makes a token of a tenant with the key that only the tenant has, see keys.
func (e *estate) sign(name, iss string) string {
	return e.idp.sign(name, goodHeader, toJSON(goodClaims(claims{"iss": iss})))
}

// estateBubble runs a test on the clock of a bubble.
func estateBubble(t *testing.T, names []string, test func(t *testing.T, e *estate, auth *core.Auth)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, auth := newEstate(t, names...)
		test(t, e, auth)
	})
}

// wait lets time pass, and what runs in the background then.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
