package core_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The discovery document must be that of the configured provider.
func TestDiscoveryIsCompared(t *testing.T) {
	for name, c := range map[string]struct {
		document   claims
		configured string
		status     int
	}{
		"with a trailing slash":        {claims{"issuer": issuer + "/"}, "", 401}, // the document is accepted; the token has another issuer
		"another host":                 {claims{"issuer": "https://evil.example/realm"}, "", 503},
		"a parent":                     {claims{"issuer": "https://idp.example"}, "", 503},
		"another case":                 {claims{"issuer": strings.ToUpper(issuer)}, "", 503},
		"two slashes":                  {claims{"issuer": issuer + "//"}, "", 503},
		"of another type":              {claims{"issuer": []string{issuer}}, "", 503},
		"none":                         {claims{"issuer": nil}, "", 503},
		"as configured":                {claims{"issuer": issuer}, issuer, 200},
		"not as configured":            {claims{"issuer": issuer + "/"}, issuer, 503},
		"configured, not discovered":   {claims{"issuer": issuer}, issuer + "/", 401}, // the token has an unknown issuer: nothing is fetched for it
		"keys over http":               {claims{"jwks_uri": "http://idp.example/realm/keys"}, "", 503},
		"keys in a file":               {claims{"jwks_uri": "file:///etc/passwd"}, "", 503},
		"no keys":                      {claims{"jwks_uri": nil}, "", 503},
		"keys of another type":         {claims{"jwks_uri": 1}, "", 503},
		"token endpoint over http":     {claims{"token_endpoint": "http://idp.example/realm/token"}, "", 503},
		"token endpoint with userinfo": {claims{"token_endpoint": "https://a:b@idp.example/"}, "", 503},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.change(func() { idp.metadata = c.document })
			wantStatus(t, idp.auth(func(config *core.Config) { config.Issuer = c.configured }).Required(), idp.token(), c.status)
		})
	}
}

// A document with another issuer, with endpoints of another scheme, or without keys.
func TestRoutesOverBadDocuments(t *testing.T) {
	for name, metadata := range map[string]map[string]any{
		"another issuer": {"issuer": "https://evil.example"}, "a longer issuer": {"issuer": "https://idp.test/realm"}, "case": {"issuer": "https://IDP.test"}, "none": {"issuer": nil}, "two slashes": {"issuer": "https://idp.test//"},
		"token over http": {"token_endpoint": "http://idp.test/token"}, "authorization is javascript": {"authorization_endpoint": "javascript:alert(1)"}, "a relative endpoint": {"token_endpoint": "/token"}, "an endpoint list": {"token_endpoint": []string{"https://idp.test/token"}},
		"user information": {"token_endpoint": "https://a:b@idp.test/token"}, "a fragment": {"authorization_endpoint": "https://idp.test/authorize#x"}, "no jwks_uri": {"jwks_uri": nil}, "file": {"jwks_uri": "file:///etc/passwd"},
	} {
		f := flowInMemory(t, &flowMemory{metadata: metadata}, nil)
		login := f.get("login", url.Values{"redirect_uri": {flowRedirect}})
		flowRefused(t, name, login, 503, "", "OIDC server unavailable, cannot log in.")
		flowRefused(t, name, f.post("token", flowRefresh("a-refresh-token-of-somebody")), 503, "", "OIDC server unavailable.")
		if f.hits() != 0 {
			t.Errorf("%s: the token endpoint was asked", name)
		}
	}
	f := flowInMemory(t, &flowMemory{metadata: map[string]any{"issuer": "https://idp.test/"}}, nil)
	f.login(url.Values{"redirect_uri": {flowRedirect}}) // one trailing slash is ignored
	f = flowInMemory(t, &flowMemory{metadata: map[string]any{"token_endpoint": nil}}, nil)
	flowRefused(t, "no token endpoint", f.post("token", flowRefresh("a-refresh-token-of-somebody")), 502, "server_error", "OIDC endpoint 'token_endpoint' not found in discovery.")
}

// A redirect of the token endpoint is not followed, so neither code nor secret goes elsewhere.
func TestRedirectsOfTheProviderAreNotFollowed(t *testing.T) {
	f := newFlow(t, nil)
	form := f.loopback("alice")
	target := f.idp.Issuer() + "/userinfo"
	f.traffic.before = func(request *http.Request) {
		if request.URL.String() == target {
			t.Errorf("followed, with %v", request.Header)
		}
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		f.idp.Fault(oidctest.Token, oidctest.Reply(status, "application/json", `{"access_token":"upstream-secret"}`))
		flowRefused(t, fmt.Sprint(status), f.post("token", flowRefresh("a-refresh-token-of-somebody")), 502, "server_error", flowUnusable)
	}
	f.idp.Heal()
	flowGranted(t, f.post("token", form))
}

// Keys belong to an issuer: a key of another provider with the same kid verifies nothing here.
func TestKeysBelongToAnIssuer(t *testing.T) {
	idp, other := newIDP(t), newIDP(t)
	signer, err := jose.NewSigner("k1", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jose.MarshalSet(signer)
	if err != nil {
		t.Fatal(err)
	}
	other.change(func() { other.keySet = string(document) })
	ours, theirs := idp.auth().Required(), other.auth().Required()
	foreign, err := signer.Sign("at+jwt", goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, theirs, foreign, http.StatusOK)
	wantStatus(t, ours, foreign, http.StatusUnauthorized)
	wantStatus(t, theirs, idp.token(), http.StatusUnauthorized)
	wantStatus(t, ours, idp.token(), http.StatusOK)
}

// A token without kid passes if there is one key, and is refused if there are several.
func TestTokenWithoutKid(t *testing.T) {
	for kids, status := range map[string]int{"k1": 200, "k1 k2": 401, "k2": 401} {
		t.Run(kids, func(t *testing.T) {
			idp := newIDP(t)
			idp.setKids(strings.Fields(kids)...)
			wantStatus(t, idp.auth().Required(), idp.sign("k1", `{"alg":"EdDSA","typ":"at+jwt"}`, toJSON(goodClaims())), status)
		})
	}
}

// Ready reports within 5 s whether a guard can answer. After Close, guards still use the cached keys.
func TestReadyAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		auth := idp.auth()
		idp.breaks(hang, oidctest.JWKS)
		start := time.Now()
		if err := auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "keys") || strings.Contains(err.Error(), "discovery") {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("waited %s", waited)
		}
		idp.Heal(oidctest.JWKS)
		time.Sleep(time.Minute)
		if err := auth.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		guard := auth.Required()
		if err := auth.Close(); err != nil {
			t.Error(err)
		}
		before := idp.Hits(oidctest.JWKS)
		time.Sleep(23 * time.Hour)
		mustAdmit(t, guard, idp.token())
		if got := idp.Hits(oidctest.JWKS); got != before {
			t.Errorf("%d fetches after Close", got-before)
		}
	})
}
