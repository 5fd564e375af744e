package core

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Bounds of the parameters of an authorization request.
const (
	maxAuthParams  = 2048 // bytes of AuthParams, encoded
	maxAuthParam   = 2048 // bytes of one value in the query of a login
	maxAllowParams = 64   // entries of AllowAuthParams
)

// reservedParams are the parameters that this library sets itself in a request to the provider, those that would replace them (RFC 9101),
// and those that authenticate the client, which are no matter of a browser.
var reservedParams = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"request", "request_uri", "client_secret", "client_assertion", "client_assertion_type",
}

// loginParams are the parameters of the login route that have rules of their own.
var loginParams = []string{"prompt", "offline_access", "return_to", "provider", stepUpParam}

// registeredParams are the request parameters that a login refuses unless AllowAuthParams lists them: the entries of the IANA registry "OAuth
// Parameters" whose usage location is "authorization request", as of 2026-03-25, and issuer_state, which OpenID for Verifiable Credential
// Issuance 1.0 asks to register. The ones that the login reads are not here: redirect_uri, scope, state, code_challenge,
// code_challenge_method and prompt. Nor are client_id and nonce: standard clients send them, and those of a program on the user's machine mean
// nothing to the provider.
var registeredParams = []string{
	"response_type", "response_mode",
	// OpenID Connect Core
	"acr_values", "claims", "claims_locales", "display", "id_token_hint", "login_hint", "max_age", "registration", "request", "request_uri", "ui_locales",
	// RFC 9101 section 9.1, RFC 8485, RFC 8707, RFC 9396, RFC 9449, OpenID Federation
	"aud", "exp", "iat", "iss", "jti", "nbf", "sub", "vtr", "resource", "authorization_details", "dpop_jkt", "trust_chain",
	// OpenID for Verifiable Presentations and Credential Issuance
	"client_metadata", "dcql_query", "expected_origins", "request_uri_method", "response_uri", "transaction_data", "verifier_info", "vp_token", "wallet_nonce",
	"issuer_state",
}

// checkParameters adds the faults of AuthParams and AllowAuthParams.
func (p *Provider) checkParameters(f *faults, field string) {
	for _, name := range slices.Sorted(maps.Keys(p.AuthParams)) {
		p.checkAuthParam(f, field, name, p.AuthParams[name])
	}
	if size := len(p.AuthParams.Encode()); size > maxAuthParams {
		f.add(field+"AuthParams", "%d bytes, encoded: write at most %d", size, maxAuthParams)
	}
	if len(p.AllowAuthParams) > maxAllowParams {
		f.add(field+"AllowAuthParams", "%d entries: write at most %d", len(p.AllowAuthParams), maxAllowParams)
	}
	for i, name := range p.AllowAuthParams {
		switch {
		case !isParameter(name):
			f.add(field+"AllowAuthParams", "entry %d, %q: write the name of a parameter, with letters, digits, -, _ and dots", i, name)
		case slices.Contains(reservedParams, name):
			f.add(field+"AllowAuthParams", "entry %d, %s: remove it, because this library sets that parameter", i, name)
		case slices.Contains(loginParams, name):
			f.add(field+"AllowAuthParams", "entry %d, %s: remove it, because the login route has a rule of its own for that parameter", i, name)
		}
	}
}

// checkResponseMode adds the faults of ResponseMode.
func (p *Provider) checkResponseMode(f *faults, c *Config, field string) {
	switch p.ResponseMode {
	case "", "query":
	case formPost:
		if c.PublicURL == "" {
			f.add("PublicURL", "empty: the ResponseMode form_post needs it, because the provider posts to the callback route")
		} else if isPlain(c.PublicURL) {
			f.add(field+"ResponseMode", "form_post with the PublicURL %s: write an https PublicURL, because browsers accept the cookie only there and on loopback", quoted(c.PublicURL))
		}
	default:
		f.add(field+"ResponseMode", "%q: write form_post or query, or leave it empty", p.ResponseMode)
	}
}

func (p *Provider) checkAuthParam(f *faults, field, name string, values []string) {
	switch {
	case !isParameter(name):
		f.add(field+"AuthParams", "%q: write the name of a parameter, with letters, digits, -, _ and dots", name)
	case slices.Contains(reservedParams, name):
		f.add(field+"AuthParams", "%s: remove it, because this library sets that parameter", name)
	case len(values) == 0 || slices.Contains(values, ""):
		f.add(field+"AuthParams", "%s: write a value, or remove it", name)
	case slices.ContainsFunc(values, hasControl):
		f.add(field+"AuthParams", "%s: remove the control characters from its value", name)
	case name == "prompt":
		if prompt, _, err := readPrompt(values[0], false); len(values) > 1 || err != nil || prompt != values[0] {
			f.add(field+"AuthParams", "prompt: write one value of login, consent and select_account, separated by spaces; none would let nobody log in")
		}
	}
}

// cloneValues returns a copy that shares nothing with values.
func cloneValues(values url.Values) url.Values {
	return url.Values(http.Header(values).Clone())
}

// isParameter reports whether name is a parameter's name (RFC 6749 section 8.2).
func isParameter(name string) bool { return name != "" && isAlphanumeric(name, "-_.") }
