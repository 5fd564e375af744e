package provider

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

func TestKeycloakDevice(t *testing.T) {
	k := parts.SharedKeycloak(t)
	keycloakEach(t, []string{"gin", "fiber"}, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		checks.Run("a public client has to bring PKCE to the device flow", func(t *testing.T) {
			status, answer := k.Device(t, parts.KeycloakPublic, url.Values{"scope": {"openid"}})
			if status != http.StatusBadRequest || answer["error_description"] != "Missing parameter: code_challenge_method" {
				t.Errorf("Keycloak does not demand it: %d %v", status, answer)
			}
			s := newKeycloakSite(t, k, framework, mode, parts.KeycloakPublic, nil, nil)
			app.JSON[core.DeviceStart](t, s.Post(t, "/auth/v2/device", nil))
		})
		checks.Run("a client without the device flow goes the other way", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "plain", nil, nil)
			if got := s.Post(t, "/auth/v2/device", nil); got.Status != http.StatusServiceUnavailable || errorCode(got) != "" {
				t.Errorf("the device route says %d %s", got.Status, got.Body)
			}
			token := s.Token(t, s.pythonLogin(t, "bob"))
			if me := s.Me(t, token.AccessToken); me.Username != "bob" {
				t.Errorf("the guard says %+v of the code flow's token", me)
			}
		})
		checks.Run("a wrong client secret is no missing device flow", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, func(cfg *core.Config) { cfg.ClientSecret = "wrong" })
			if got := s.Post(t, "/auth/v2/device", nil); got.Status != http.StatusBadGateway || errorCode(got) != "server_error" {
				t.Errorf("the device route says %d %s", got.Status, got.Body)
			}
		})
		checks.Run("a device that polls too fast", func(t *testing.T) {
			s := newKeycloakSite(t, k, framework, mode, "app", nil, nil)
			start := app.JSON[core.DeviceStart](t, s.Post(t, "/auth/v2/device", nil))
			s.refused(t, "before the user answers", "device-code", start.DeviceCode, http.StatusBadRequest, "authorization_pending")
			s.refused(t, "at once again", "device-code", start.DeviceCode, http.StatusBadRequest, "slow_down")
		})
	})
}

// pythonLogin logs a user in as the Python client does: with prompt=consent, upon which Keycloak asks, and with the state
// as code_verifier.
func (s *keycloakSite) pythonLogin(t *testing.T, user string) url.Values {
	t.Helper()
	const program = "http://localhost:53100/callback"
	query := url.Values{"redirect_uri": {program}, "offline_access": {"true"}, "prompt": {"consent"}}
	back := app.NewAgent().SignIn(t, s.URL+app.Prefix+"/auth/v2/login?"+query.Encode(), program, user, user).URL.Query()
	return url.Values{"code": {back.Get("code")}, "redirect_uri": {program}, "code_verifier": {back.Get("state")}, "grant_type": {"authorization_code"}}
}
