package openapi

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Refusal is the body of a refusal: for clients, for the registry of a framework, and for the comments of a generator.
type Refusal struct {
	Detail           string `json:"detail" doc:"What is wrong, for people."`
	Error            string `json:"error,omitempty" doc:"A code of OAuth 2.0, for programs; absent in an outage."`
	ErrorDescription string `json:"error_description,omitempty" doc:"The same as detail."`
	LoginURL         string `json:"login_url,omitempty" doc:"Where a person logs in; only with sessions."`
}

// Schema is a Schema Object, as far as it is used here.
type Schema struct {
	Ref         string            `json:"$ref,omitempty"`
	Type        string            `json:"type,omitempty"`
	Description string            `json:"description,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Properties  map[string]Schema `json:"properties,omitempty"`
}

// RefusalSchema returns the schema of a [Refusal]. The caller owns the result.
func RefusalSchema() Schema {
	text := func(says string) Schema { return Schema{Type: "string", Description: says} }
	return Schema{
		Type: "object", Description: "Why a request is refused.", Required: []string{"detail"},
		Properties: map[string]Schema{
			"detail":            text("What is wrong, for people."),
			"error":             text("A code of OAuth 2.0, for programs; absent in an outage."),
			"error_description": text("The same as detail."),
			"login_url":         text("Where a person logs in; only with sessions."),
		},
	}
}

// Response is a Response Object.
type Response struct {
	Description string               `json:"description"`
	Headers     map[string]Header    `json:"headers,omitempty"`
	Content     map[string]MediaType `json:"content,omitempty"`
}

// Header is a Header Object. Required: every answer with this status has it.
type Header struct {
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required,omitempty"`
	Schema      Schema `json:"schema"`
}

// MediaType is a Media Type Object.
type MediaType struct {
	Schema Schema `json:"schema"`
}

// Responses returns the answers with which a guard of this rule refuses a request, by their statuses:
//
//   - 401: the credentials are missing or invalid, or the login is not enough
//   - 403: they do not meet a requirement, or another site made the browser send them
//   - 503: they cannot be verified, because the provider or the store is out of reach
//   - 302: a browser without a session, on GET, is sent to the login
//
// A guard of Optional refuses nobody, so it has none, unless it has RejectInvalid. Which roles and checks the rule has is not said, as it is not in
// the answers themselves; [core.Rule.String] has the words if the readers of your document may know. The caller owns the result.
func (a API) Responses(rule core.Rule) map[string]Response {
	responses := make(map[string]Response)
	if rule.Optional && !rule.RejectInvalid {
		return responses
	}
	refusal := func(says string, headers map[string]Header) Response {
		content := map[string]MediaType{"application/json": {Schema{Ref: "#/components/schemas/" + a.refusal()}}}
		if rule.Session {
			content["text/html"] = MediaType{Schema{Type: "string", Description: "A page, if a browser shows the answer to a person."}}
		}
		return Response{Description: says, Headers: headers, Content: content}
	}
	challenge := header("What is missing (RFC 6750 section 3).")
	challenge.Required = true
	says := "The credentials are missing or invalid."
	if slices.ContainsFunc(rule.Conditions, isOfLogin) {
		says = "The credentials are missing or invalid, or a stronger or more recent login is needed (RFC 9470)."
	}
	unauthorized := refusal(says, map[string]Header{"WWW-Authenticate": challenge})
	if rule.Session {
		unauthorized.Headers["HX-Redirect"] = header("Where the login is, for htmx.")
	}
	if !rule.Bearer && !rule.Session { // no credentials are looked at
		if !rule.Optional {
			responses["401"] = unauthorized
		}
		return responses
	}
	responses["401"] = unauthorized
	permissions := len(rule.Scopes) > 0 || slices.ContainsFunc(rule.Conditions, func(c core.Condition) bool { return !isOfLogin(c) })
	if permissions || rule.Session {
		says := "The caller lacks a scope, a role or another permission."
		if !permissions {
			says = "Another site made the browser send the request."
		}
		forbidden := header("Which scopes are missing (RFC 6750 section 3).")
		forbidden.Required = !rule.Session // a request of another site has no challenge
		responses["403"] = refusal(says, map[string]Header{"WWW-Authenticate": forbidden})
	}
	again := Header{Description: "After how many seconds to try again.", Required: true, Schema: Schema{Type: "integer"}}
	responses["503"] = refusal("The credentials cannot be verified at the moment.", map[string]Header{"Retry-After": again})
	if rule.Session && !rule.NoRedirect {
		location := header("The login, which returns here.")
		location.Required = true
		responses["302"] = Response{Description: "A browser without a session is sent to the login.", Headers: map[string]Header{"Location": location}}
	}
	return responses
}

// isOfLogin reports whether a new login can meet the condition: its refusal is a 401.
func isOfLogin(c core.Condition) bool {
	return c.Kind == core.ConditionACR || c.Kind == core.ConditionMaxAge
}

func header(says string) Header { return Header{Description: says, Schema: Schema{Type: "string"}} }
