package core

import (
	"context"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
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

// device answers POST device, for the provider that the parameter provider names. It takes no other parameters: anybody may call it, and the
// person who enters the code did not choose them. A 503 means only that the provider has no device flow, or none for this client; the Python
// client then uses the code flow. So an outage is a 502 here.
func (f *flows) device(ctx context.Context, request *Request) (*Response, error) {
	read := parameters{values: request.Form, most: maxCredential}
	p := f.named(read.one("provider"))
	if err := read.err(); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errUnknownProvider()
	}
	meta, err := p.up.Provider.Metadata(ctx)
	if err != nil {
		return nil, deviceOutage(err)
	}
	if meta.Device == "" {
		return nil, noDeviceFlow("OIDC endpoint 'device_authorization_endpoint' not found in discovery.")
	}
	form := p.asks.beside()
	form.Set("scope", f.scopeText(p.Scopes, true))
	begun, verifier, err := p.up.Provider.Device(ctx, meta, form)
	switch {
	case fault.Is(err, fault.Outage):
		return nil, deviceOutage(err)
	case fault.Is(err, fault.NotOffered):
		return nil, noDeviceFlow("The OIDC provider offers this service no device flow.")
	case err != nil:
		return nil, err
	}
	start := DeviceStart(*begun)
	if verifier != "" || p != f.main() {
		if start.DeviceCode, err = f.states.SealDevice(login.Device{Code: start.DeviceCode, Verifier: verifier, Provider: f.tag(p)}); err != nil {
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
