package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// brokerParts are the tests for broker mode only.
func brokerParts() []part {
	return []part{
		{"keys", testKeys},
		{"sessions", testSessions},
		{"ended sessions", testEndedSessions},
		{"revoke", testRevoke},
		{"exchange", testExchange},
		{"exchange refused", testExchangeRefusals},
		{"store down", testStoreDown},
		{"peers", testPeers},
		{"peers out of reach", testPeerOutage},
		{"configuration", testBrokerConfig},
	}
}

// published makes the answer of the jwks route with so many keys.
func published(keys int) string {
	const key = `{"alg":"RS256","e":"AQAB","kid":"…","kty":"RSA","n":"…","use":"sig"}`
	return whole(http.StatusOK, `{"keys":[`+strings.TrimSuffix(strings.Repeat(key+",", keys), ",")+`]}`,
		"Content-Type: application/json", "Cache-Control: public, max-age=300")
}

// testKeys: the jwks route is public and has the keys that sign.
func testKeys(t *testing.T, a setup) {
	s := a.open(t, plan{})
	for _, headers := range [][]string{nil, {"Authorization: Bearer x"}, {"Authorization: Bearer x", "Authorization: Bearer y"}, {s.bearer("alice")}} {
		s.get(jwks, headers...).is(published(1))
	}
	got := s.get(jwks + "?anything=at+all")
	got.is(published(1))
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		}
	}
	if err := json.Unmarshal([]byte(got.body), &set); err != nil || set.Keys[0].ID != keyOf(s, s.token("alice")) {
		t.Errorf("the published key is not the one that signs: %s %v", got.body, err)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		s.send(method, jwks, nil).hasStatus(a.wrongMethod())
	}
	if err := s.auth.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.get(jwks).is(published(2)) // long before the new one signs
	s.get("/me", s.bearer("alice")).is(seen("alice", 2))
}

// testBrokerConfig: the adapter's New and Mount return the configuration errors of broker mode.
func testBrokerConfig(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		standard(t, app)
		for _, bad := range []core.Paths{{JWKS: "keys"}, {JWKS: "/{keys}"}, {JWKS: "/auth/v2/login"}} {
			if err := app.Group("/bad").Mount(bad); err == nil || !strings.Contains(err.Error(), bad.JWKS) {
				t.Errorf("jwks at %q: %v", bad.JWKS, err)
			}
		}
	}})
	s.get("/bad/auth/v2/login").hasStatus(http.StatusNotFound)
	for name, test := range map[string]struct {
		change func(*core.Config)
		says   string
	}{
		"no public URL":      {func(cfg *core.Config) { cfg.PublicURL = "" }, "PublicURL"},
		"shared store":       {func(cfg *core.Config) { cfg.SecretKeys = nil }, "SecretKeys"},
		"peers, no audience": {func(cfg *core.Config) { cfg.Broker.TrustedIssuers = []string{"https://x.example"} }, "Broker.Audience"},
	} {
		cfg := s.idp.Config()
		a.configure(&cfg, newStore())
		test.change(&cfg)
		if _, err := a.New(cfg); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
