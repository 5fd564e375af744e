package core

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
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

const defaultInterval = 5

// device answers POST device. 503 means one thing only, that the provider has no device flow, or none for this client: the
// Python client then takes the code flow. An outage is 502 here.
func (f *flows) device(ctx context.Context, _ *Request) (*Response, error) {
	meta, err := f.provider.metadata(ctx)
	if err != nil {
		return nil, deviceOutage(err)
	}
	if meta.device == "" {
		return nil, noDeviceFlow("OIDC endpoint 'device_authorization_endpoint' not found in discovery.")
	}
	form := url.Values{"scope": {f.scopeText(f.cfg.Scopes, true)}}
	verifier := ""
	if f.cfg.ClientSecret == "" { // providers that demand PKCE of public clients demand it here too
		verifier = oauth2.GenerateVerifier()
		form.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
		form.Set("code_challenge_method", "S256")
	}
	answer, err := f.provider.post(ctx, meta, meta.device, form)
	switch {
	case errors.Is(err, fetch.ErrUnreachable):
		return nil, deviceOutage(err)
	case err != nil:
		return nil, fault.Bad(fault.Provider, err)
	case answer.Status >= 400:
		return nil, deviceRefusal(answer)
	}
	start, err := readDeviceStart(answer.Object)
	if err != nil {
		return nil, err
	}
	if verifier != "" {
		if start.DeviceCode, err = f.sealDevice(start.DeviceCode, verifier); err != nil {
			return nil, err
		}
	}
	return jsonResponse(start), nil
}

func noDeviceFlow(detail string) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Detail: detail, kind: fault.Outage}
}

// deviceRefusal: the client may be one that has no device flow at a provider that has it (RFC 6749 section 5.2). With 401
// the same code is about this service's credentials.
func deviceRefusal(answer *fetch.Answer) error {
	code, _ := answer.Object.String("error") // of another type: no code
	if answer.Status == http.StatusBadRequest && code == "unauthorized_client" {
		return noDeviceFlow("The OIDC provider offers this service no device flow.")
	}
	return refusal(code)
}

func deviceOutage(cause error) *Error {
	return &Error{Status: http.StatusBadGateway, Detail: "Failed to contact OIDC endpoint", RetryAfter: outageRetry, Err: cause, kind: fault.Outage}
}

func readDeviceStart(object strictjson.Object) (*DeviceStart, error) {
	var start DeviceStart
	var complete string
	malformed := fault.Bad(fault.Provider, nil)
	for _, member := range []struct {
		name string
		into *string
	}{
		{"device_code", &start.DeviceCode}, {"user_code", &start.UserCode},
		{"verification_uri", &start.VerificationURI}, {"verification_uri_complete", &complete},
	} {
		text, err := object.String(member.name)
		if err != nil {
			return nil, malformed
		}
		if text == "" && member.into != &complete {
			return nil, missing(member.name)
		}
		*member.into = text
	}
	if !isWebAddress(start.VerificationURI) || complete != "" && !isWebAddress(complete) {
		return nil, malformed // a client opens it in a browser
	}
	if complete != "" {
		start.VerificationURIComplete = &complete
	}
	expires, ok, err := object.Number("expires_in", true)
	if !ok && err == nil {
		return nil, missing("expires_in")
	}
	interval, paced, errInterval := object.Number("interval", true)
	if err != nil || errInterval != nil || expires < 0 || interval < 0 || expires > 1e9 || interval > 1e6 {
		return nil, malformed
	}
	start.ExpiresIn, start.Interval = int64(expires), max(1, int64(interval)) // clients refuse 0, or take it for no interval
	if !paced {
		start.Interval = defaultInterval
	}
	return &start, nil
}

func missing(name string) error {
	return &fault.Error{Kind: fault.Unusable, Part: fault.Member, Name: name}
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
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
	if f.cfg.ClientSecret == "" {
		plain, err := f.devices.Open(code, f.party)
		var device sealedDevice
		if err != nil || json.Unmarshal(plain, &device) != nil {
			return nil, refusal(CodeInvalidGrant)
		}
		form.Set("device_code", device.Code)
		form.Set("code_verifier", device.Verifier)
	}
	return &tokenRequest{form: form, check: grantCheck{scope: f.scopeText(f.cfg.Scopes, true)}}, nil
}
