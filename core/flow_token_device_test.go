package core_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func flowPoll(code string) url.Values { return url.Values{"device-code": {code}} }

var flowDeviceRefusals = map[string]string{
	"authorization_pending": "authorization_pending: the user has not answered yet",
	"slow_down":             "slow_down: polled too fast, wait 5 seconds longer from now on",
	"expired_token":         "expired_token: the device code has expired",
	"access_denied":         "access_denied: the user or the provider refused",
	"invalid_grant":         flowInvalidGrant,
}

func (f *flowService) wantPoll(code, want string) {
	f.t.Helper()
	flowRefused(f.t, want, f.post("token", flowPoll(code)), 400, want, flowDeviceRefusals[want])
}

// The answers to a polling client, for confidential and public clients.
func TestDevicePolling(t *testing.T) {
	for name, public := range map[string]bool{"confidential": false, "public with PKCE": true} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, flowPublic(public), oidctest.WithDevicePKCE())
			start := f.device()
			f.wantPoll(start.DeviceCode, "authorization_pending")
			f.wantPoll(start.DeviceCode, "slow_down")
			if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
				t.Fatal(err)
			}
			answer := f.post("token", flowPoll(start.DeviceCode))
			token := flowGranted(t, answer)
			flowWantTokenMembers(t, answer.Body)
			if token.RefreshToken == "" || token.RefreshExpires < time.Now().Unix()+29*86400 {
				t.Errorf("got %s", answer.Body)
			}
			f.wantPoll(start.DeviceCode, "invalid_grant") // spent
			flowGranted(t, f.post("token", flowRefresh(token.RefreshToken)))

			denied := f.device()
			if err := f.idp.DenyDevice(denied.UserCode); err != nil {
				t.Fatal(err)
			}
			f.wantPoll(denied.DeviceCode, "access_denied")

			late := f.device()
			f.wantPoll(late.DeviceCode, "authorization_pending")
			f.idp.Advance(time.Minute)
			f.wantPoll(late.DeviceCode, "authorization_pending")
			f.idp.Advance(11 * time.Minute)
			f.wantPoll(late.DeviceCode, "expired_token")
		})
	}
}

func flowPublic(public bool) func(*core.Config) {
	return func(c *core.Config) {
		if public {
			c.ClientID, c.ClientSecret = oidctest.PublicClient, ""
		}
	}
}

// Both spellings, with and without grant_type.
func TestDeviceSpellings(t *testing.T) {
	f := newFlow(t, nil)
	for _, form := range []url.Values{{"device-code": {""}}, {"device_code": {""}}, {"device_code": {""}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}}} {
		start := f.device()
		if err := f.idp.ApproveDevice(start.UserCode, "bob"); err != nil {
			t.Fatal(err)
		}
		for name := range form {
			if name != "grant_type" {
				form.Set(name, start.DeviceCode)
			}
		}
		flowGranted(t, f.post("token", form))
		asked := f.idp.Last(oidctest.Token).Form
		if len(asked) != 2 || asked.Get("device_code") != start.DeviceCode || asked.Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" {
			t.Errorf("the provider got %v", asked)
		}
	}
}

// A provider that requires PKCE of a client with a secret or a key gets a challenge as soon as it has refused a start without one, and then
// at once. A request that it refuses for another reason changes nothing.
func TestDevicePKCEOfConfidentialClient(t *testing.T) {
	for name, change := range map[string]func(*core.Config){"secret": flowPublic(false), "key": withKey} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, change, oidctest.WithDevicePKCE())
			for _, hits := range []int{2, 3} {
				start := f.device()
				if got := f.idp.Hits(oidctest.Device); got != hits {
					t.Errorf("%d requests, want %d", got, hits)
				}
				if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
					t.Fatal(err)
				}
				flowGranted(t, f.post("token", flowPoll(start.DeviceCode)))
				if asked := f.idp.Last(oidctest.Token).Form; len(asked.Get("code_verifier")) != 43 || strings.Contains(start.DeviceCode, asked.Get("device_code")) {
					t.Errorf("the provider got %v", asked)
				}
			}
			if log := f.traffic.logs.String(); strings.Contains(log, "invalid_request") {
				t.Errorf("the log has %s", log)
			}
			if all := f.idp.Asked(oidctest.Device); name == "key" && all[0].Form.Get("client_assertion") == all[1].Form.Get("client_assertion") {
				t.Error("an assertion was sent twice")
			}
		})
	}
	f := newFlow(t, nil)
	f.idp.Fault(oidctest.Device, oidctest.ErrorCode(400, "invalid_request"))
	if answer := f.post("device", nil); answer.Status != 502 || f.idp.Hits(oidctest.Device) != 2 {
		t.Errorf("%d %s after %d requests", answer.Status, answer.Body, f.idp.Hits(oidctest.Device))
	}
	f.idp.Heal()
	if f.device(); f.idp.Last(oidctest.Device).Form.Has("code_challenge") {
		t.Error("a challenge, although it was no cure")
	}
}

// The device code of a public client contains the sealed verifier; no other code is accepted, and the provider never sees the
// sealed one.
func TestSealedDeviceCode(t *testing.T) {
	f := newFlow(t, flowPublic(true), oidctest.WithDevicePKCE())
	start := f.device()
	started := f.idp.Last(oidctest.Device).Form
	if started.Get("code_challenge_method") != "S256" || len(started.Get("code_challenge")) != 43 || started.Get("client_id") != oidctest.PublicClient || started.Has("client_secret") {
		t.Errorf("the provider got %v", started)
	}
	flipped := "B" + start.DeviceCode[1:]
	middle := len(start.DeviceCode) / 2
	other := flowOver(t, f.idp, func(c *core.Config) {
		flowPublic(true)(c)
		c.SecretKeys = []string{"another key of these tests, 32 bytes or more"}
	})
	target, _ := f.login(url.Values{"redirect_uri": {flowRedirect}})
	before := f.traffic.count("/token")
	for name, code := range map[string]string{
		"made up": "0123456789abcdef0123456789abcdef", "flipped": flipped, "cut": start.DeviceCode[:len(start.DeviceCode)-1], "longer": start.DeviceCode + "A",
		"middle": flowSwap(start.DeviceCode, middle), "of other keys": other.device().DeviceCode, "a login state": target.Query().Get("state"),
	} {
		flowRefused(t, name, f.post("token", flowPoll(code)), 400, "invalid_grant", flowInvalidGrant)
	}
	if f.traffic.count("/token") != before {
		t.Error("a device code that is not ours reached the provider")
	}
	cold := flowOver(t, f.idp, flowPublic(true))
	flowRefused(t, "cold", cold.post("token", flowPoll(flipped)), 400, "invalid_grant", flowInvalidGrant)
	if cold.traffic.total() != 0 {
		t.Errorf("the provider was asked %d times for a code that is not ours", cold.traffic.total())
	}
	if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	flowGranted(t, cold.post("token", flowPoll(start.DeviceCode))) // a replica with the same keys
	asked := f.idp.Last(oidctest.Token).Form
	if len(asked.Get("code_verifier")) != 43 || strings.Contains(start.DeviceCode, asked.Get("device_code")) || asked.Get("client_id") != oidctest.PublicClient {
		t.Errorf("the provider got %v", asked)
	}
}

// A device code of one client is refused for another client with the same keys.
func TestDeviceCodeOfAnotherClient(t *testing.T) {
	f := newFlow(t, flowPublic(true))
	f.idp.AddClient(oidctest.Client{ID: "second"})
	second := flowOver(t, f.idp, func(c *core.Config) { c.ClientID, c.ClientSecret = "second", "" })
	start := f.device()
	if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	flowRefused(t, "the other client", second.post("token", flowPoll(start.DeviceCode)), 400, "invalid_grant", flowInvalidGrant)
	if second.hits() != 0 {
		t.Error("the code reached the provider")
	}
	flowGranted(t, f.post("token", flowPoll(start.DeviceCode)))
}

// For a polling client a temporary failure has no code, so that it continues; a final one has a code and is not a 503.
func TestPollingThroughFaults(t *testing.T) {
	f := newFlow(t, nil)
	start := f.device()
	f.wantPoll(start.DeviceCode, "authorization_pending")
	for _, fault := range []oidctest.Fault{oidctest.Refused(), oidctest.Status(500), oidctest.Status(503), oidctest.Status(429), oidctest.HTML(502)} {
		f.idp.Fault(oidctest.Token, fault)
		answer := f.post("token", flowPoll(start.DeviceCode))
		flowRefused(t, "transient", answer, 503, "", "The OIDC provider cannot be reached.")
		if answer.Header.Get("Retry-After") != "10" {
			t.Errorf("%v", answer.Header)
		}
	}
	f.idp.Heal()
	if err := f.idp.ApproveDevice(start.UserCode, "alice"); err != nil {
		t.Fatal(err)
	}
	flowGranted(t, f.post("token", flowPoll(start.DeviceCode)))
}

// A user of Keycloak's who may not have offline_access: that is the user's business, and the log names the setting.
func TestDeviceWithoutOfflineAccess(t *testing.T) {
	f := newFlow(t, nil)
	start := f.device()
	refusal := `{"error":"not_allowed","error_description":"upstream-secret"}`
	const detail = "access_denied: the user or the provider refused"
	f.idp.Fault(oidctest.Token, oidctest.Reply(400, "application/json", refusal))
	f.idp.Fault(oidctest.Device, oidctest.Reply(400, "application/json", refusal))
	for range 3 {
		flowRefused(t, "poll", f.post("token", flowPoll(start.DeviceCode)), 400, "access_denied", detail)
		flowRefused(t, "start", f.post("device", nil), 400, "access_denied", detail)
	}
	if n := linesWith(f.traffic.logs.String(), "WARN", "check=Config.NoOfflineAccess"); n != 1 {
		t.Errorf("%d lines:\n%s", n, f.traffic.logs.String())
	}
}
