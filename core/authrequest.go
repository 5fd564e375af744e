package core

import (
	"maps"
	"net/url"
	"slices"
)

// authRequest is what this service sends with every authorization request to its provider, and what a login may add. Read-only.
type authRequest struct {
	client string
	always url.Values // Config.AuthParams
	allow  []string   // Config.AllowAuthParams
	posted bool       // the provider posts its answers to the own callback
}

// formPost is the response_mode with which the provider posts its answer (OAuth 2.0 Form Post Response Mode).
const formPost = "form_post"

func (p *Provider) authRequest() *authRequest {
	return &authRequest{client: p.ClientID, always: p.AuthParams, allow: p.AllowAuthParams, posted: p.ResponseMode == formPost}
}

// asked returns the parameters of a login's query that go on to the provider: those in AllowAuthParams. A registered parameter that is not
// there is an error: the login would otherwise differ from what was asked for. Names that nobody registered are ignored, and those that
// standard clients send and that ask for what a login here is anyway.
func (r *authRequest) asked(query url.Values) (url.Values, error) {
	read, added := parameters{values: query, most: maxAuthParam}, url.Values{}
	for _, name := range r.allow {
		value := read.one(name)
		if hasControl(value) {
			return nil, badRequest(CodeInvalidRequest, "Parameter "+name+" is malformed.")
		}
		if value != "" {
			added.Set(name, value)
		}
	}
	if err := read.err(); err != nil {
		return nil, err
	}
	for _, name := range registeredParams {
		if slices.ContainsFunc(query[name], func(value string) bool { return value != "" && value != r.ownValue(name) }) && !slices.Contains(r.allow, name) {
			return nil, badRequest(CodeInvalidRequest, "This service does not take the parameter "+name+".")
		}
	}
	return added, nil
}

// ownValue returns the value of a parameter that a standard client may send because every login here has it, "" if there is none.
func (r *authRequest) ownValue(name string) string {
	switch name {
	case "response_type":
		return "code"
	case "response_mode":
		return "query"
	}
	return ""
}

// parameters returns the parameters of an authorization request, without those that bind it to a login. added replaces the parameters of
// AuthParams with the same name, and so does a prompt.
func (r *authRequest) parameters(redirect, scope, prompt string, added url.Values) url.Values {
	all := r.beside()
	maps.Copy(all, added)
	maps.Copy(all, url.Values{
		"response_type": {"code"}, "client_id": {r.client}, "redirect_uri": {redirect}, "scope": {scope}, "code_challenge_method": {"S256"},
	})
	if prompt != "" {
		all.Set("prompt", prompt)
	}
	return all
}

// beside returns a new form with the parameters of AuthParams.
func (r *authRequest) beside() url.Values {
	all := maps.Clone(r.always)
	if all == nil {
		all = url.Values{}
	}
	return all
}
