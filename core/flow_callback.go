package core

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// callbackRoute answers GET callback: the browser comes back from the provider. Once it is known which login this is,
// the login's cookie goes, whatever happens.
func (f *flows) callbackRoute(ctx context.Context, request *Request) (*Response, error) {
	if f.ownCallback() == "" {
		return nil, outage("The callback needs PublicURL in the configuration.", nil)
	}
	var p callbackQuery
	if err := p.read(request.Query); err != nil {
		return nil, err
	}
	state, err := f.openState(p.state, kindBrowser)
	if err != nil {
		return nil, err
	}
	answer, err := f.finish(ctx, request, &p, state)
	if answer == nil {
		answer = &Response{Header: make(http.Header)}
	}
	addCookie(answer, f.dropCookie(state.Cookie))
	return answer, err
}

// callbackQuery is RFC 6749 sections 4.1.2 and 4.1.2.1, and RFC 9207.
type callbackQuery struct{ code, state, fault, issuer string }

func (p *callbackQuery) read(query url.Values) error {
	for name, into := range map[string]*string{"code": &p.code, "state": &p.state, "error": &p.fault, "iss": &p.issuer} {
		value, err := one(query, name)
		if err != nil {
			return err
		}
		*into = value
	}
	if p.state == "" || p.code == "" && p.fault == "" {
		return badRequest(CodeInvalidRequest, "Missing code or state")
	}
	return nil
}

// finish checks everything that can be known before the code is redeemed: this browser began this login (RFC 9700
// section 4.7), once, and the answer is this provider's (RFC 9207).
func (f *flows) finish(ctx context.Context, request *Request, p *callbackQuery, state *loginState) (*Response, error) {
	if state.Redirect != f.ownCallback() || !state.boundTo(cookieValue(request, state.Cookie)) {
		return nil, badState()
	}
	if err := f.spend(state); err != nil {
		return nil, err
	}
	meta, err := f.spending(ctx)
	if err != nil {
		return nil, err
	}
	if p.issuer != "" && p.issuer != meta.issuer || p.issuer == "" && meta.issInAnswers {
		return nil, badRequest(CodeInvalidRequest, "The answer is not from the provider of this login.")
	}
	if p.fault != "" {
		return nil, providerFault(p.fault)
	}
	token, err := f.redeem(ctx, meta, codeRequest(p.code, state.Verifier, state.Redirect, grantCheck{nonce: state.Nonce, idToken: always, scope: state.Scope}))
	if err != nil {
		return nil, err
	}
	answer, err := f.onLogin(ctx, request, token)
	switch {
	case err != nil:
		return nil, err
	case answer != nil:
		return answer.owned(), nil
	default:
		return jsonResponse(token), nil
	}
}

// loginFaults are the codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6 that are passed on.
var loginFaults = []string{
	"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error",
	"temporarily_unavailable", "interaction_required", "login_required", "account_selection_required", "consent_required",
}

// providerFault answers a provider that sent the browser back with an error: its code where that is a known one, never
// its text.
func providerFault(code string) *Error {
	if !slices.Contains(loginFaults, code) {
		code = CodeInvalidRequest
	}
	return badRequest(code, code+": the provider did not log the user in")
}

// owned returns a copy whose header may be changed: an application may hand out the same answer again and again.
func (r *Response) owned() *Response {
	header := r.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	return &Response{Status: r.Status, Header: header, Body: r.Body}
}
