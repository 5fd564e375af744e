package core_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// A provider that is not on loopback cannot name an http endpoint on loopback, because the client secret would be sent there
// unencrypted. The whole document is refused, and nothing else is fetched.
func TestEndpointsOnLoopback(t *testing.T) {
	const endpoint = "http://127.0.0.1:9/x"
	login := url.Values{"redirect_uri": {flowRedirect}}
	for _, name := range []string{"token_endpoint", "authorization_endpoint", "jwks_uri", "device_authorization_endpoint", "userinfo_endpoint", "end_session_endpoint", "revocation_endpoint"} {
		for _, address := range []string{endpoint, "http://localhost/x", "HTTP://[::1]/x", "http://idp.test/x"} {
			memory := &flowMemory{metadata: map[string]any{name: address}}
			f := flowInMemory(t, memory, nil)
			if answer := f.get("login", login); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("%s %s: %d %s", name, address, answer.Status, answer.Body)
			}
			if f.traffic.total() != f.traffic.count("/.well-known/openid-configuration") {
				t.Errorf("%s %s was fetched", name, address)
			}
		}
		allowed := flowInMemory(t, &flowMemory{metadata: map[string]any{name: endpoint}}, func(c *core.Config) { c.AllowHTTP = true })
		if answer := allowed.get("login", login); answer.Status != http.StatusFound {
			t.Errorf("%s with AllowHTTP: %d %s", name, answer.Status, answer.Body)
		}
	}
}
