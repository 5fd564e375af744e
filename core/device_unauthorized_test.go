package core_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A provider that has the device flow may have it for other clients only, and its discovery document, which is
// the same for all, does not say so (RFC 8628 section 3.2, RFC 6749 section 5.2). Keycloak writes the same code with 401
// where the client's secret is wrong: that is a fault to be seen, and no reason to go another way.
func TestDeviceFlowNotForThisClient(t *testing.T) {
	f := newFlow(t, nil)
	f.idp.Fault(oidctest.Device, oidctest.ErrorCode(400, "unauthorized_client"))
	answer := f.post("device", nil)
	flowRefused(t, "the flow is not for this client", answer, 503, "", "The OIDC provider offers this service no device flow.")
	if answer.Header.Get("Retry-After") != "" {
		t.Errorf("retry what will never be: %v", answer.Header)
	}
	f.idp.Fault(oidctest.Device, oidctest.ErrorCode(401, "unauthorized_client"))
	flowRefused(t, "the secret is wrong", f.post("device", nil), 502, "server_error", "The OIDC provider refused this service's request.")
}
