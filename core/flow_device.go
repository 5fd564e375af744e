package core

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"golang.org/x/oauth2"
)

// DeviceStart is the answer of the device route (RFC 8628 section 3.2).
type DeviceStart struct {
	DeviceCode              string  `json:"device_code"`
	UserCode                string  `json:"user_code"`
	VerificationURI         string  `json:"verification_uri"`
	VerificationURIComplete *string `json:"verification_uri_complete,omitempty"` // nil when the provider gives none
	ExpiresIn               int64   `json:"expires_in"`                          // seconds
	Interval                int64   `json:"interval"`                            // seconds between two polls, 5 when the provider says nothing
}

// device answers POST device. 503 means one thing only, that the provider has no device flow, or none for this client: the
// Python client then takes the code flow. An outage is 502 here.
func (f *flows) device(ctx context.Context, _ *Request) (*Response, error) {
	meta, err := f.provider.Metadata(ctx)
	if err != nil {
		return nil, deviceOutage(err)
	}
	if meta.Device == "" {
		return nil, noDeviceFlow("OIDC endpoint 'device_authorization_endpoint' not found in discovery.")
	}
	form := url.Values{"scope": {f.scopeText(f.cfg.Scopes, true)}}
	verifier := ""
	if f.provider.Client.IsPublic() { // providers that demand PKCE of public clients demand it here too
		verifier = oauth2.GenerateVerifier()
		form.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
		form.Set("code_challenge_method", "S256")
	}
	begun, err := f.provider.Device(ctx, meta, form)
	switch {
	case fault.Is(err, fault.Outage):
		return nil, deviceOutage(err)
	case fault.Is(err, fault.NotOffered):
		return nil, noDeviceFlow("The OIDC provider offers this service no device flow.")
	case err != nil:
		return nil, err
	}
	start := DeviceStart(*begun)
	if verifier != "" {
		if start.DeviceCode, err = f.sealDevice(start.DeviceCode, verifier); err != nil {
			return nil, err
		}
	}
	return jsonResponse(&start), nil
}

func noDeviceFlow(detail string) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Detail: detail, kind: fault.Outage}
}

func deviceOutage(cause error) *Error {
	return &Error{Status: http.StatusBadGateway, Detail: "Failed to contact OIDC endpoint", RetryAfter: outageRetry, Err: cause, kind: fault.Outage}
}

// sealedDevice is what a public client's device code holds: the provider's code and the verifier of its challenge.
type sealedDevice struct {
	Code     string `json:"d"`
	Verifier string `json:"v"`
}

func (f *flows) sealDevice(code, verifier string) (string, error) {
	plain, err := json.Marshal(sealedDevice{code, verifier})
	if err != nil {
		return "", err
	}
	return f.devices.Seal(plain, f.party), nil
}

// deviceGrant asks once whether the user has answered (RFC 8628 section 3.4); the client polls. A public client's code
// has to be one that this service sealed.
func (f *flows) deviceGrant(code string) (*tokenRequest, error) {
	form := url.Values{"grant_type": {deviceGrant}, "device_code": {code}}
	if f.provider.Client.IsPublic() {
		plain, err := f.devices.Open(code, f.party)
		var device sealedDevice
		if err != nil || json.Unmarshal(plain, &device) != nil {
			return nil, provider.Refusal(CodeInvalidGrant)
		}
		form.Set("device_code", device.Code)
		form.Set("code_verifier", device.Verifier)
	}
	return &tokenRequest{form: form, check: grantCheck{scope: f.scopeText(f.cfg.Scopes, true)}}, nil
}
