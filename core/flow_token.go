package core

import (
	"context"
	"crypto/sha256"
	"net/url"
	"strings"
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
}

// token answers POST token: one grant, chosen by its field.
func (f *flows) token(ctx context.Context, request *Request) (*Response, error) {
	var form tokenForm
	if err := form.read(request.Form); err != nil {
		return nil, err
	}
	meta, err := f.spending(ctx)
	if err != nil {
		return nil, err
	}
	var token *Token
	switch {
	case form.code != "":
		token, err = f.codeToken(ctx, meta, form)
	case form.refresh != "":
		token, err = f.refreshToken(ctx, meta, form.refresh)
	default:
		token, err = f.deviceToken(ctx, meta, form.device)
	}
	if err != nil {
		return nil, err
	}
	return jsonResponse(token), nil
}

// spending returns the provider's metadata once a token request can be made and its answer checked: the keys come
// first, so that nothing is spent for an answer that nobody could verify.
func (f *flows) spending(ctx context.Context) (*metadata, error) {
	meta, err := f.provider.metadata(ctx)
	if err == nil && meta.token == "" {
		return nil, notDiscovered("token_endpoint")
	}
	if err == nil {
		err = f.provider.keys.Ready(ctx)
	}
	if err != nil {
		return nil, outage("OIDC server unavailable.", err)
	}
	return meta, nil
}

func (t *tokenForm) read(form url.Values) error {
	for _, field := range []struct {
		into  *string
		names []string
	}{
		{&t.code, []string{"code"}},
		{&t.redirect, []string{"redirect_uri", "redirect-uri"}},
		{&t.verifier, []string{"code_verifier", "code-verifier"}},
		{&t.refresh, []string{"refresh-token", "refresh_token"}},
		{&t.device, []string{"device-code", "device_code"}},
		{&t.grant, []string{"grant_type", "grant-type"}},
	} {
		value, err := one(form, field.names...)
		if err != nil {
			return err
		}
		if len(value) > maxCredential {
			return badRequest(CodeInvalidRequest, "Parameter "+field.names[0]+" is too long.")
		}
		*field.into = value
	}
	return t.checkGrant()
}

// checkGrant: exactly one grant, and a grant_type, where there is one, that names it.
func (t *tokenForm) checkGrant() error {
	grants := map[string]string{"authorization_code": t.code, "refresh_token": t.refresh, deviceGrant: t.device}
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

// codeToken redeems a code for a client that is not the own callback: one that posts its sealed state as
// code_verifier, or one that brought its own challenge and posts its own verifier.
func (f *flows) codeToken(ctx context.Context, meta *metadata, form tokenForm) (*Token, error) {
	if form.redirect == "" {
		form.redirect = f.ownCallback()
	}
	switch length := len(form.verifier); {
	case length == 0:
		return nil, badRequest(CodeInvalidRequest, "Missing code_verifier")
	case length > 128:
		state, err := f.openState(form.verifier, kindLoopback)
		if err != nil || state.Redirect != form.redirect {
			return nil, badState()
		}
		if err := f.spend(state); err != nil {
			return nil, err
		}
		return f.redeem(ctx, meta, codeGrant{code: form.code, verifier: state.Verifier, redirect: state.Redirect, nonce: state.Nonce, scope: state.Scope})
	case !isVerifier(form.verifier):
		return nil, badRequest(CodeInvalidRequest, "The code_verifier is malformed.")
	case form.redirect == f.ownCallback() || !f.mayRedirect(form.redirect):
		return nil, badRequest(CodeInvalidGrant, "invalid_grant: this redirect_uri is not allowed")
	}
	return f.redeem(ctx, meta, codeGrant{code: form.code, verifier: form.verifier, redirect: form.redirect})
}

// isVerifier is RFC 7636 section 4.1.
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r))
	}) < 0
}

// codeGrant is an authorization code with everything that it is bound to. nonce "": PKCE alone binds it, by a verifier
// that the caller kept.
type codeGrant struct{ code, verifier, redirect, nonce, scope string }

// redeem exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func (f *flows) redeem(ctx context.Context, meta *metadata, grant codeGrant) (*Token, error) {
	answer, err := f.provider.token(ctx, meta, url.Values{
		"grant_type": {"authorization_code"}, "code": {grant.code},
		"redirect_uri": {grant.redirect}, "code_verifier": {grant.verifier},
	})
	if err != nil {
		return nil, err
	}
	return f.accept(ctx, answer, grantCheck{nonce: grant.nonce, needIDToken: true, scope: grant.scope})
}

// refreshToken passes a refresh on (RFC 6749 section 6). The same token at the same moment is one call: a provider that
// detects reuse would end the session over an honest race.
func (f *flows) refreshToken(ctx context.Context, meta *metadata, refresh string) (*Token, error) {
	sum := sha256.Sum256([]byte(refresh))
	shared, err, _ := f.refreshes.Do(string(sum[:]), func() (any, error) {
		ctx, cancel := detached(ctx)
		defer cancel()
		answer, err := f.provider.token(ctx, meta, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		if err != nil {
			return nil, err
		}
		return f.accept(ctx, answer, grantCheck{})
	})
	if err != nil {
		return nil, err
	}
	return shared.(*Token), nil
}
