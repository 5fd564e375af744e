package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

func TestZitadelRotation(t *testing.T) {
	for framework, mode := range map[string]string{"echo": passthrough, "chi": brokered} {
		t.Run(framework+", "+mode, func(t *testing.T) {
			t.Parallel()
			check := passthroughRotation
			if mode == brokered {
				check = brokerRotation
			}
			check(compat.New(t, "zitadel/oidc", parts.ZitadelVersion, framework, mode), func(t *testing.T) *rotation {
				t.Helper()
				return withRotation(t, zitadelClient(framework, mode, "web", parts.Shape{JWT: true}), parts.NewZitadel,
					func(z *parts.Zitadel) core.Config { return zitadelConfig(z, "web") })
			})
		})
	}
}

// A user denies the request of a device on the provider's page.
func TestZitadelDeviceDenied(t *testing.T) {
	for framework, mode := range map[string]string{"fiber": passthrough, "gin": brokered} {
		checks := compat.New(t, "zitadel/oidc", parts.ZitadelVersion, framework, mode)
		checks.Run("device flow: a user who refuses ("+framework+")", func(t *testing.T) {
			s := zitadelClient(framework, mode, "cli", parts.Shape{}).open(t)
			start := app.JSON[core.DeviceStart](t, s.Post(t, "/auth/v2/device", nil))
			if start.Interval != 5 || start.VerificationURIComplete == nil || !strings.Contains(*start.VerificationURIComplete, start.UserCode) {
				t.Errorf("the start says %+v", start)
			}
			answerZitadel(t, start, "denied")
			got := s.Post(t, "/auth/v2/token", url.Values{"device-code": {start.DeviceCode}})
			if got.Status != http.StatusBadRequest || !strings.HasPrefix(got.Detail(), core.CodeAccessDenied) {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
}
