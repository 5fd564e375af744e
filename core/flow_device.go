package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"golang.org/x/oauth2"
)

// DeviceStart is the JSON answer of the device route (RFC 8628 section 3.2): the client shows UserCode and VerificationURI to the
// user, and polls the token route with DeviceCode.
type DeviceStart struct {
	DeviceCode              string  `json:"device_code"`
	UserCode                string  `json:"user_code"`
	VerificationURI         string  `json:"verification_uri"`
	VerificationURIComplete *string `json:"verification_uri_complete,omitempty"` // nil if the provider gives none
	ExpiresIn               int64   `json:"expires_in"`                          // seconds
	Interval                int64   `json:"interval"`                            // seconds between two polls; 5 if the provider does not say
}

// device answers POST device. It takes no parameters: anybody may call it, and the person who
// enters the code did not choose them. A 503 means only that the provider has no device flow, or none for this client; the Python
// client then uses the code flow. So an outage is a 502 here.
func (f *flows) device(ctx context.Context, _ *Request) (*Response, error) {
	meta, err := f.provider.Metadata(ctx)
	if err != nil {
		return nil, deviceOutage(err)
	}
	if meta.Device == "" {
		return nil, noDeviceFlow("OIDC endpoint 'device_authorization_endpoint' not found in discovery.")
	}
	form := f.asks.beside()
	form.Set("scope", f.scopeText(f.cfg.Scopes, true))
	verifier := ""
	if f.provider.Client.IsPublic() { // providers that require PKCE of public clients require it here too
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
		if start.DeviceCode, err = f.states.SealDevice(login.Device{Code: start.DeviceCode, Verifier: verifier}); err != nil {
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
