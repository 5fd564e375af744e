package core

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// token answers POST token with one of the [grants]. It checks everything it can locally before it calls the provider.
func (f *flows) token(ctx context.Context, request *Request) (*Response, error) {
	form, err := readToken(parameters{values: request.Form, most: maxCredential})
	kind, part := form.event()
	ctx, panicked := f.begin(ctx, Event{Kind: kind, Part: part})
	if panicked != nil {
		return nil, panicked
	}
	var tokens *session.Tokens
	if err == nil {
		tokens, err = form.grant.run(f, ctx, form)
	}
	if err = f.endAnswer(ctx, kind, part, err); err != nil {
		return nil, form.refused(err)
	}
	return jsonResponse(tokenOf(tokens)), nil
}

// event returns the kind and the part that the grant is observed as.
func (t *tokenForm) event() (kind, part string) {
	if t.grant == nil {
		return eventLogin, grantUndecided
	}
	return t.grant.kind, t.grant.part
}

// refused answers an ended session with the 400 of RFC 6749 section 5.2 if the request has a grant_type: standard clients
// treat a 401 as a challenge and ignore its body. The Python client sends no grant_type and gets the 401 it expects.
func (t *tokenForm) refused(err error) error {
	if t.grantType == "" || !fault.Is(err, fault.Ended) {
		return err
	}
	byTheBook := *refusalOf(err)
	byTheBook.Status, byTheBook.kind = http.StatusBadRequest, fault.Grant
	return &byTheBook
}

// refresh redeems a refresh token (RFC 6749 section 6).
func (f *flows) refresh(ctx context.Context, form *tokenForm) (*session.Tokens, error) {
	return f.logins.Refresh(ctx, form.credential)
}

// code redeems a code for a client other than the own callback: one that posts the sealed state as code_verifier, or one that
// sent its own challenge and posts its own verifier.
func (f *flows) code(ctx context.Context, form *tokenForm) (*session.Tokens, error) {
	if form.redirect == "" {
		form.redirect = f.ownCallback(f.main())
	}
	switch length := len(form.verifier); {
	case length == 0:
		return nil, badRequest(CodeInvalidRequest, "Missing code_verifier")
	case length > maxVerifier:
		return f.loopbackCode(ctx, form)
	case !isVerifier(form.verifier):
		return nil, badRequest(CodeInvalidRequest, "The code_verifier is malformed.")
	case f.isOwnCallback(form.redirect) || !f.mayRedirect(f.main(), form.redirect):
		return nil, badRequest(CodeInvalidGrant, "invalid_grant: this redirect_uri is not allowed")
	}
	p := f.named(form.provider)
	if p == nil {
		return nil, errUnknownProvider()
	}
	at, err := f.prepareCode(ctx, p, form)
	if err != nil {
		return nil, err
	}
	return f.logins.Redeem(ctx, at, codeForm(form.credential, form.verifier, form.redirect), session.Check{IDToken: session.IfGranted})
}

// loopbackCode redeems a code for a program on the user's machine, which posts the sealed state as code_verifier.
func (f *flows) loopbackCode(ctx context.Context, form *tokenForm) (*session.Tokens, error) {
	state, err := f.states.Open(form.verifier, login.Loopback)
	if err != nil || state.Redirect != form.redirect || !f.states.IsCurrent(state) {
		return nil, fault.New(fault.State, err)
	}
	p := f.named(state.Provider)
	if p == nil { // it was configured when the login began
		return nil, fault.New(fault.State, nil)
	}
	at, err := f.prepareCode(ctx, p, form)
	if err != nil {
		return nil, err
	}
	if err := f.states.Spend(state); err != nil {
		return nil, err
	}
	check := session.Check{Nonce: state.Nonce, IDToken: session.IfGranted, Scope: state.Scope}
	return f.logins.Redeem(ctx, at, codeForm(form.credential, state.Verifier, state.Redirect), check)
}

// prepareCode prepares the redemption of a client's code. The answer with the code went to the client: with iss it shows that the provider at
// which the login began gave it, and not another one, which would let this service send the code to the wrong provider.
func (f *flows) prepareCode(ctx context.Context, p *party, form *tokenForm) (*session.Reached, error) {
	at, err := f.logins.Prepare(ctx, p.up)
	if err == nil && form.issuer != "" && !isFrom(at, form.issuer) {
		return nil, errAnotherProvider()
	}
	return at, err
}

// deviceCode asks the provider once whether the user has answered (RFC 8628 section 3.4); the client polls. For a public
// client, and for another provider than the main one, the device code must be one that this service sealed.
func (f *flows) deviceCode(ctx context.Context, form *tokenForm) (*session.Tokens, error) {
	spent := url.Values{"grant_type": {deviceGrant}, "device_code": {form.credential}}
	device, sealed := f.states.OpenDevice(form.credential)
	p := f.named(device.Provider)
	switch {
	case p == nil, !sealed && p.up.Provider.Client.IsPublic():
		return nil, provider.Refusal(CodeInvalidGrant)
	case sealed:
		spent.Set("device_code", device.Code)
		setUnlessEmpty(spent, "code_verifier", device.Verifier)
	}
	at, err := f.logins.Prepare(ctx, p.up)
	if err != nil {
		return nil, err
	}
	return f.logins.Redeem(ctx, at, spent, session.Check{Scope: f.scopeText(p.Scopes, true)})
}

// codeForm builds the token request for a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func codeForm(code, verifier, redirect string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}

// Lengths of a verifier, in bytes (RFC 7636 section 4.1).
const (
	minVerifier = 43
	maxVerifier = 128
)

func isVerifier(text string) bool {
	return len(text) >= minVerifier && len(text) <= maxVerifier && isAlphanumeric(text, "-._~")
}
