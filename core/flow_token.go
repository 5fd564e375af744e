package core

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// maxCredential bounds codes, verifiers and tokens in a form, in bytes.
const maxCredential = 16 << 10

// deviceGrant is the grant type of RFC 8628 section 3.4.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// tokenForm is what the token route reads: the Python library's fields, hyphens or underscores.
type tokenForm struct {
	code, redirect, verifier string
	refresh, device          string
	grant                    string
	exchange                 exchangeForm
}

// Spellings of the fields that choose a grant.
var (
	refreshNames = []string{"refresh-token", "refresh_token"}
	deviceNames  = []string{"device-code", "device_code"}
	grantNames   = []string{"grant_type", "grant-type"}
)

// formField is a field of the form with its spellings.
type formField struct {
	into  *string
	names []string
}

// tokenRequest is one request at the provider's token endpoint, with what its answer has to bring.
type tokenRequest struct {
	form  url.Values
	check grantCheck
	state *loginState // used up by the request; nil where there is none, or it is used up already
}

// token answers POST token: one grant, chosen by its field. Everything that can be known here is checked before the
// provider is asked for anything.
func (f *flows) token(ctx context.Context, request *Request) (*Response, error) {
	var form tokenForm
	if err := form.read(request.Form); err != nil {
		return nil, err
	}
	token, err := f.grant(ctx, &form)
	if err != nil {
		return nil, form.refused(err)
	}
	return jsonResponse(token), nil
}

// refused gives a request that names its grant the status of RFC 6749 section 5.2: clients that go by it read a challenge in
// a 401 and not the body. The Python client names no grant_type where it gets the reference's 401.
func (t *tokenForm) refused(err error) error {
	if t.grant == "" || !fault.Is(err, fault.Ended) {
		return err
	}
	byTheBook := *refusalOf(err)
	byTheBook.Status, byTheBook.kind = http.StatusBadRequest, fault.Grant
	return &byTheBook
}

func (f *flows) grant(ctx context.Context, form *tokenForm) (*Token, error) {
	var grant *tokenRequest
	var err error
	switch {
	case form.exchange.subject != "":
		return f.exchangeToken(ctx, &form.exchange)
	case form.refresh != "":
		return f.refresh(ctx, form.refresh)
	case form.code != "":
		grant, err = f.codeGrant(*form)
	default:
		grant, err = f.deviceGrant(form.device)
	}
	if err != nil {
		return nil, err
	}
	meta, err := f.spending(ctx)
	if err != nil {
		return nil, err
	}
	return f.redeem(ctx, meta, grant)
}

// refresh: the same refresh token at the same moment is one request. A provider that detects reuse would end the session
// over an honest race.
func (f *flows) refresh(ctx context.Context, token string) (*Token, error) {
	sum := sha256.Sum256([]byte(token))
	shared, err, _ := f.refreshes.Do(string(sum[:]), func() (any, error) {
		ctx, cancel := provider.Detached(ctx)
		defer cancel()
		if f.broker != nil {
			return f.rotate(ctx, token)
		}
		return f.forward(ctx, token)
	})
	if err != nil {
		return nil, err
	}
	return shared.(*Token), nil
}

// forward hands a refresh token on to the provider.
func (f *flows) forward(ctx context.Context, token string) (*Token, error) {
	meta, err := f.spending(ctx)
	if err != nil {
		return nil, err
	}
	return f.redeem(ctx, meta, &tokenRequest{form: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}})
}

// redeem asks the provider and verifies what comes back; in broker mode a session begins with it.
func (f *flows) redeem(ctx context.Context, meta *provider.Metadata, grant *tokenRequest) (*Token, error) {
	if grant.state != nil {
		if err := f.spend(grant.state); err != nil {
			return nil, err
		}
	}
	ctx, cancel := provider.Detached(ctx) // from here on something is spent
	defer cancel()
	answer, err := f.provider.Token(ctx, meta, grant.form)
	if err != nil {
		return nil, err
	}
	accepted, err := f.accept(ctx, answer, grant.check)
	if err != nil {
		return nil, err
	}
	if f.broker != nil {
		return f.begin(ctx, meta, accepted)
	}
	return accepted.Token, nil
}

// spending returns the provider's metadata once a token request can be made and its answer checked: the keys come
// first, so that nothing is spent for an answer that nobody could verify; in broker mode the signing keys too.
func (f *flows) spending(ctx context.Context) (*provider.Metadata, error) {
	meta, err := f.provider.Metadata(ctx)
	if err == nil && meta.Token == "" {
		return nil, notDiscovered("token_endpoint")
	}
	if err == nil && f.broker != nil {
		if _, _, err := f.broker.ready(ctx); err != nil {
			return nil, err
		}
	}
	if err == nil {
		err = f.provider.Keys().Ready(ctx)
	}
	if err != nil {
		return nil, fault.Down(fault.Documents, err)
	}
	return meta, nil
}

func (t *tokenForm) read(form url.Values) error {
	fields := []formField{
		{&t.code, []string{"code"}},
		{&t.redirect, []string{"redirect_uri", "redirect-uri"}},
		{&t.verifier, []string{"code_verifier", "code-verifier"}},
		{&t.refresh, refreshNames},
		{&t.device, deviceNames},
		{&t.grant, grantNames},
	}
	if err := readFields(form, fields); err != nil {
		return err
	}
	if t.grant == exchangeGrant { // nothing else makes a subject_token mean something
		if err := readFields(form, t.exchange.fields()); err != nil {
			return err
		}
	}
	return t.checkGrant()
}

func readFields(form url.Values, fields []formField) error {
	for _, field := range fields {
		value, err := one(form, field.names...)
		if err != nil {
			return err
		}
		if len(value) > maxCredential {
			return badRequest(CodeInvalidRequest, "Parameter "+field.names[0]+" is too long.")
		}
		*field.into = value
	}
	return nil
}

// checkGrant: exactly one grant, and a grant_type, where there is one, that names it.
func (t *tokenForm) checkGrant() error {
	grants := map[string]string{"authorization_code": t.code, "refresh_token": t.refresh, deviceGrant: t.device, exchangeGrant: t.exchange.subject}
	given := 0
	for _, value := range grants {
		if value != "" {
			given++
		}
	}
	if t.grant != "" {
		value, known := grants[t.grant]
		if !known {
			return badRequest(CodeUnsupportedGrantType, "unsupported_grant_type: this grant_type is not offered")
		}
		if value == "" && given > 0 {
			return badRequest(CodeInvalidRequest, "The grant_type names another grant than the parameters.")
		}
	}
	switch {
	case given == 0:
		return badRequest(CodeInvalidRequest, "Missing (device) code or refresh_token")
	case given > 1:
		return badRequest(CodeInvalidRequest, "More than one grant is given.")
	}
	return nil
}

// codeGrant is a code of a client that is not the own callback: one that posts its sealed state as code_verifier, or
// one that brought its own challenge and posts its own verifier.
func (f *flows) codeGrant(form tokenForm) (*tokenRequest, error) {
	if form.redirect == "" {
		form.redirect = f.ownCallback()
	}
	switch length := len(form.verifier); {
	case length == 0:
		return nil, badRequest(CodeInvalidRequest, "Missing code_verifier")
	case length > 128:
		state, err := f.openState(form.verifier, kindLoopback)
		if err != nil || state.Redirect != form.redirect || !f.isCurrent(state) {
			return nil, badState()
		}
		request := codeRequest(form.code, state.Verifier, state.Redirect, grantCheck{nonce: state.Nonce, idToken: ifGranted, scope: state.Scope})
		request.state = state
		return request, nil
	case !isVerifier(form.verifier):
		return nil, badRequest(CodeInvalidRequest, "The code_verifier is malformed.")
	case form.redirect == f.ownCallback() || !f.mayRedirect(form.redirect):
		return nil, badRequest(CodeInvalidGrant, "invalid_grant: this redirect_uri is not allowed")
	}
	return codeRequest(form.code, form.verifier, form.redirect, grantCheck{idToken: ifGranted}), nil
}

// codeRequest is RFC 6749 section 4.1.3 with RFC 7636 section 4.5.
func codeRequest(code, verifier, redirect string, check grantCheck) *tokenRequest {
	return &tokenRequest{check: check, form: url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	}}
}

// isVerifier is RFC 7636 section 4.1.
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && isAlphanumeric(text, "-._~")
}
