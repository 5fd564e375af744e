package provider

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"golang.org/x/oauth2"
)

// DeviceStart is the provider's answer of RFC 8628 section 3.2.
type DeviceStart struct {
	DeviceCode, UserCode, VerificationURI string
	VerificationURIComplete               *string // nil if absent
	ExpiresIn                             int64   // seconds
	Interval                              int64   // seconds between two polls; 5 if absent
}

const defaultInterval = 5

// Device starts a device login. verifier is the PKCE verifier for the token request, "" if the provider got no challenge. It adds fields to
// form. The error is a fault, of kind NotOffered if the provider does not allow the device flow for this client.
func (p *Provider) Device(ctx context.Context, meta *Metadata, form url.Values) (start *DeviceStart, verifier string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout) // of both requests
	defer cancel()
	ctx, end := p.cfg.Observe.Call(ctx, observe.Device)
	start, verifier, err = p.device(ctx, meta, form)
	end(err)
	p.note(ctx, err)
	return start, verifier, err
}

// device sends a challenge for a public client, because providers that require PKCE of it require it here too. No document says whether a
// provider requires it of this client; Keycloak does if its PKCE method is set. So a refused request is sent once more with a challenge,
// and if that works, each further one has it.
func (p *Provider) device(ctx context.Context, meta *Metadata, form url.Values) (*DeviceStart, string, error) {
	if !p.Client.IsPublic() && !p.challenged.Load() {
		start, err := p.askDevice(ctx, meta, form)
		if f := fault.Find(err); f == nil || f.Kind != fault.Client || f.Code != "invalid_request" {
			return start, "", err
		}
	}
	verifier := oauth2.GenerateVerifier()
	form.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
	form.Set("code_challenge_method", "S256")
	start, err := p.askDevice(ctx, meta, form)
	if err == nil {
		p.challenged.Store(true)
	}
	return start, verifier, err
}

func (p *Provider) askDevice(ctx context.Context, meta *Metadata, form url.Values) (*DeviceStart, error) {
	answer, err := p.post(ctx, meta, meta.Device, form)
	switch {
	case err != nil:
		return nil, callFault(err)
	case answer.Status >= 400:
		return nil, p.deviceRefusal(meta.Device, answer)
	}
	return readDeviceStart(answer.Object)
}

// deviceRefusal returns the fault for a refused device start. unauthorized_client with 400 means that the provider has a device
// flow but does not allow it for this client (RFC 6749 section 5.2); with 401 it is about the credentials.
func (p *Provider) deviceRefusal(address string, answer *fetch.Answer) error {
	code := codeOf(answer)
	if answer.Status == http.StatusBadRequest && code == "unauthorized_client" {
		return fault.New(fault.NotOffered, nil)
	}
	return p.Client.refusalAt(address, answer.Status, code)
}

func readDeviceStart(object strictjson.Object) (*DeviceStart, error) {
	var read texts
	start := &DeviceStart{
		DeviceCode: read.of(object, "device_code"), UserCode: read.of(object, "user_code"), VerificationURI: read.of(object, "verification_uri"),
	}
	complete := read.of(object, "verification_uri_complete")
	switch {
	case read.bad:
		return nil, fault.Bad(fault.Provider, nil)
	case start.DeviceCode == "":
		return nil, missing("device_code")
	case start.UserCode == "":
		return nil, missing("user_code")
	case start.VerificationURI == "":
		return nil, missing("verification_uri")
	case !isWebAddress(start.VerificationURI) || complete != "" && !isWebAddress(complete):
		return nil, fault.Bad(fault.Provider, nil) // a client opens it in a browser
	}
	if complete != "" {
		start.VerificationURIComplete = &complete
	}
	return start, start.readTimes(object)
}

func (d *DeviceStart) readTimes(object strictjson.Object) error {
	expires, ok, err := object.Number("expires_in", true)
	if !ok && err == nil {
		return missing("expires_in")
	}
	interval, paced, errInterval := object.Number("interval", true)
	if err != nil || errInterval != nil || expires < 0 || interval < 0 || expires > 1e9 || interval > 1e6 {
		return fault.Bad(fault.Provider, nil)
	}
	d.ExpiresIn, d.Interval = int64(expires), max(1, int64(interval)) // clients reject an interval of 0, or poll without pause
	if !paced {
		d.Interval = defaultInterval
	}
	return nil
}

func missing(name string) error {
	return &fault.Error{Kind: fault.Unusable, Part: fault.Member, Name: name}
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
