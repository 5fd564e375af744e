package contract

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const clientKeys = group + "/auth/v2/client-keys.json"

// testClientKeys: a client with a key publishes it, pushes its logins and redeems codes with assertions; a provider that refuses a push, or
// is down, redirects nobody.
func testClientKeys(t *testing.T, a setup) {
	withKey := func(cfg *core.Config) {
		cfg.ClientID, cfg.ClientSecret = oidctest.KeyClient, ""
		cfg.ClientKey = &core.ClientKey{PEM: oidctest.ClientKey()}
	}
	s := a.open(t, plan{provider: []oidctest.Option{oidctest.WithPushedRequestsOnly()}, config: withKey})
	const published = `{"keys":[{"alg":"ES256","crv":"P-256","kid":"…","kty":"EC","use":"sig","x":"…","y":"…"}]}`
	for _, headers := range [][]string{nil, {"Authorization: Bearer x"}} {
		s.get(clientKeys, headers...).is(whole(http.StatusOK, published, "Content-Type: application/json", "Cache-Control: public, max-age=300"))
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete} {
		s.send(method, clientKeys, nil).hasStatus(a.wrongMethod())
	}
	s.post(token, s.codeForm("alice")).hasStatus(http.StatusOK)
	query, cookies := s.begin(loopback, "alice")
	if sent := s.idp.Last(oidctest.Token).Form; sent.Get("client_assertion") == "" || sent.Has("client_secret") || query.Get("state") == "" || cookies != "" {
		t.Errorf("the code was redeemed with %v; state %q, cookies %q", sent, query.Get("state"), cookies)
	}
	if pushes := s.idp.Hits(oidctest.PushedRequests); pushes != 2 {
		t.Errorf("%d pushes for two logins", pushes)
	}
	s.idp.Fault(oidctest.PushedRequests, oidctest.ErrorCode(http.StatusBadRequest, "invalid_request"))
	s.get(loginQuery("redirect_uri", loopback)).is(refused(http.StatusBadGateway, "server_error", "The OIDC provider refused this service's request."))
	s.idp.Fault(oidctest.PushedRequests, oidctest.Refused())
	s.get(loginQuery("redirect_uri", loopback)).is(outage(http.StatusServiceUnavailable, "The OIDC provider cannot be reached."))

	off := a.open(t, plan{config: withKey, build: func(app App) { mount(t, app.Group(group), core.Paths{ClientKeys: core.Off}) }})
	off.get(clientKeys).hasStatus(http.StatusNotFound)
	a.open(t, plan{}).get(clientKeys).hasStatus(http.StatusNotFound)
}
