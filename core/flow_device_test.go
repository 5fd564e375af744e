package core_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const flowNoDevice = "OIDC endpoint 'device_authorization_endpoint' not found in discovery."

// flowDevice starts a device login, which must succeed.
func (f *flowService) device() core.DeviceStart {
	f.t.Helper()
	answer := f.post("device", nil)
	if answer.Status != http.StatusOK {
		f.t.Fatalf("device: %d %s", answer.Status, answer.Body)
	}
	var start core.DeviceStart
	if err := json.Unmarshal(answer.Body, &start); err != nil {
		f.t.Fatal(err)
	}
	return start
}

// The request to the provider and the complete answer.
func TestDeviceStart(t *testing.T) {
	f := newFlow(t, nil)
	f.idp.Tamper(oidctest.DeviceAnswers, func(answer oidctest.Claims) {
		clear(answer)
		for name, value := range map[string]any{
			"device_code": "d", "user_code": "U-1", "verification_uri": "https://idp.example/device", "verification_uri_complete": "https://idp.example/device?c=U-1",
			"expires_in": 600, "interval": 7, "upstream": "upstream-secret",
		} {
			answer[name] = value
		}
	})
	answer := f.serve("device", core.ParseRequest(http.MethodPost, "", "", http.Header{}, strings.NewReader("")))
	want := `{"device_code":"d","user_code":"U-1","verification_uri":"https://idp.example/device","verification_uri_complete":"https://idp.example/device?c=U-1","expires_in":600,"interval":7}`
	if answer.Status != 200 || string(answer.Body) != want || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s, want %s", answer.Status, answer.Body, want)
	}
	flowNoStore(t, answer)
	if asked := f.idp.Last(oidctest.Device).Form; len(asked) != 1 || asked.Get("scope") != "openid profile email offline_access" {
		t.Errorf("the provider got %v", asked)
	}
	for name, c := range map[string]struct {
		change func(*core.Config)
		want   string
	}{
		"NoOfflineAccess": {func(c *core.Config) { c.NoOfflineAccess = true }, "openid profile email"},
		"own scopes":      {func(c *core.Config) { c.Scopes = []string{"groups", "openid", "offline_access"} }, "openid groups offline_access"},
		"NoOfflineAccess over the scopes": {func(c *core.Config) {
			c.Scopes, c.NoOfflineAccess = []string{"offline_access", "groups"}, true
		}, "openid groups"},
	} {
		other := flowOver(t, f.idp, c.change)
		other.device()
		if got := f.idp.Last(oidctest.Device).Form.Get("scope"); got != c.want {
			t.Errorf("%s: the provider got %q", name, got)
		}
	}
}

// Members that are absent, strings or of a wrong type.
func TestDeviceAnswers(t *testing.T) {
	f := newFlow(t, nil)
	good := oidctest.Claims{"device_code": "d", "user_code": "u", "verification_uri": "http://idp.example/device", "expires_in": 600}
	ask := func(change oidctest.Claims) *core.Response {
		f.idp.Tamper(oidctest.DeviceAnswers, func(answer oidctest.Claims) {
			clear(answer)
			for _, members := range []oidctest.Claims{good, change} {
				for name, value := range members {
					if answer[name] = value; value == "absent" {
						delete(answer, name)
					}
				}
			}
		})
		return f.post("device", nil)
	}
	for name, c := range map[string]struct {
		change   oidctest.Claims
		expires  int64
		interval int64
	}{
		"no interval": {nil, 600, 5}, "interval null": {oidctest.Claims{"interval": nil}, 600, 5}, "interval 0": {oidctest.Claims{"interval": 0}, 600, 1},
		"texts": {oidctest.Claims{"interval": "7", "expires_in": "300"}, 300, 7}, "no complete URI": {oidctest.Claims{"verification_uri_complete": nil}, 600, 5},
		"an empty complete URI": {oidctest.Claims{"verification_uri_complete": ""}, 600, 5}, "expires_in 0": {oidctest.Claims{"expires_in": 0}, 0, 5},
	} {
		answer := ask(c.change)
		var start map[string]any
		if err := json.Unmarshal(answer.Body, &start); err != nil || answer.Status != 200 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
			continue
		}
		_, complete := start["verification_uri_complete"]
		if start["expires_in"] != float64(c.expires) || start["interval"] != float64(c.interval) || complete || len(start) != 5 {
			t.Errorf("%s: %s", name, answer.Body)
		}
	}
	for first, change := range map[string]oidctest.Claims{
		"device_code":      {"device_code": "absent", "user_code": "absent", "expires_in": "absent"},
		"user_code":        {"user_code": nil, "verification_uri": "absent"},
		"verification_uri": {"verification_uri": "", "expires_in": "absent"},
		"expires_in":       {"expires_in": nil},
	} {
		flowRefused(t, first, ask(change), 502, "server_error", "upstream_malformed_response, missing: "+first)
	}
	for name, change := range map[string]oidctest.Claims{
		"device_code a number": {"device_code": 1}, "user_code a list": {"user_code": []string{"x"}}, "expires_in a word": {"expires_in": "soon"}, "expires_in a list": {"expires_in": []int{1}},
		"expires_in negative": {"expires_in": -1}, "expires_in without end": {"expires_in": 1e300}, "interval a word": {"interval": "often"}, "interval negative": {"interval": -1}, "interval true": {"interval": true},
		"javascript": {"verification_uri": "javascript:alert(1)"}, "javascript, complete": {"verification_uri_complete": "javascript:alert(1)"}, "data": {"verification_uri": "data:text/html,x"},
		"file": {"verification_uri": "file:///etc/passwd"}, "relative": {"verification_uri": "/device"}, "no host": {"verification_uri": "https:///device"}, "scheme alone": {"verification_uri": "https:"},
		"user information": {"verification_uri": "https://idp.example@evil.example/"}, "control character": {"verification_uri": "https://idp.example/\n"}, "upper case": {"verification_uri": "JAVASCRIPT://idp.example/%0aalert(1)"},
		"complete a number": {"verification_uri_complete": 1}, "verification_uri an object": {"verification_uri": oidctest.Claims{}},
	} {
		flowRefused(t, name, ask(change), 502, "server_error", flowUnusable)
	}
	f.idp.Tamper(oidctest.DeviceAnswers, nil)
	for _, body := range []string{`[]`, `null`, `{`, `"x"`, `{"device_code":"a","device_code":"b"}`} {
		f.idp.Fault(oidctest.Device, oidctest.Reply(200, "application/json", body))
		flowRefused(t, body, f.post("device", nil), 502, "server_error", flowUnusable)
	}
	f.idp.Fault(oidctest.Device, oidctest.Reply(200, "application/json", ""))
	if answer := f.post("device", nil); answer.Status != 502 {
		t.Errorf("an empty answer: %d %s", answer.Status, answer.Body)
	}
}

// A 503 only means that there is no device flow; no other failure is a 503.
func TestDeviceRouteStatuses(t *testing.T) {
	without := newFlow(t, nil, oidctest.WithoutDeviceFlow())
	answer := without.post("device", nil)
	flowRefused(t, "no device flow", answer, 503, "", flowNoDevice)
	if answer.Header.Get("Retry-After") != "" {
		t.Errorf("retry what will never be: %v", answer.Header)
	}
	f := newFlow(t, nil)
	f.device()
	const contact, refused = "Failed to contact OIDC endpoint", "The OIDC provider refused this service's request."
	for name, c := range map[string]struct {
		fault        oidctest.Fault
		status       int
		code, detail string
	}{
		"refused": {oidctest.Refused(), 502, "", contact}, "500": {oidctest.Status(500), 502, "", contact}, "503": {oidctest.Status(503), 502, "", contact}, "429": {oidctest.Status(429), 502, "", contact}, "500 HTML": {oidctest.HTML(500), 502, "", contact},
		"400": {oidctest.ErrorCode(400, "invalid_request"), 502, "server_error", refused}, "401": {oidctest.ErrorCode(401, "invalid_client"), 502, "server_error", refused}, "404": {oidctest.HTML(404), 502, "server_error", refused},
		"invalid_scope": {oidctest.ErrorCode(400, "invalid_scope"), 400, "invalid_scope", "invalid_scope: the requested scope is not available"},
		"200 HTML":      {oidctest.HTML(200), 502, "server_error", flowUnusable}, "truncated": {oidctest.Truncated(), 502, "server_error", flowUnusable}, "2 MB": {oidctest.Oversized(), 502, "server_error", flowUnusable},
		"302": {oidctest.Redirect(302), 502, "server_error", flowUnusable}, "307": {oidctest.Redirect(307), 502, "server_error", flowUnusable}, "text": {oidctest.WrongContentType(), 502, "server_error", flowUnusable},
	} {
		f.idp.Fault(oidctest.Device, c.fault)
		answer := f.post("device", nil)
		flowRefused(t, name, answer, c.status, c.code, c.detail)
		if (answer.Header.Get("Retry-After") == "10") != (c.code == "") {
			t.Errorf("%s: %v", name, answer.Header)
		}
	}
	down := flowInMemory(t, &flowMemory{down: true}, nil)
	flowRefused(t, "discovery down", down.post("device", nil), 502, "", contact)
}

// A provider may offer the device flow only to other clients, and its discovery document, which is the same for all, does not
// say so (RFC 8628 section 3.2, RFC 6749 section 5.2). Keycloak sends the same code with 401 for a wrong client secret: that is
// an error to report, not a missing device flow.
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
