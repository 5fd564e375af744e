package openapi

import (
	"cmp"

	"github.com/go-oidc-auth/oidcauth/core"
)

// API has what a document says about the whole service. [New] makes one; the zero value describes a service without sessions. Safe for
// concurrent use while nobody changes it.
type API struct {
	// Bearer and Session are the names of the security schemes, for a bearer token and for the session of a browser. Empty: bearer, session.
	Bearer, Session string
	// DiscoveryURL is the discovery document of the provider whose access tokens the service accepts: the scheme for bearer tokens is then
	// openIdConnect. Empty, as in broker mode, with opaque tokens and with several providers: it is http with the scheme bearer.
	DiscoveryURL string
	// Cookie is the name of the session's cookie. Empty: there are no sessions.
	Cookie string
	// Refusal is the name of the schema of a refusal's body in the document. Empty: Refusal.
	Refusal string
}

// New returns the API of a service, with its cookie. Set DiscoveryURL and the names after it.
func New(auth *core.Auth) API { return API{Cookie: auth.SessionCookie()} }

func (a API) bearer() string  { return cmp.Or(a.Bearer, "bearer") }
func (a API) session() string { return cmp.Or(a.Session, "session") }
func (a API) refusal() string { return cmp.Or(a.Refusal, "Refusal") }

// Components has the entries of the document's components that Security and Responses refer to.
type Components struct {
	SecuritySchemes map[string]SecurityScheme `json:"securitySchemes"`
	Schemas         map[string]Schema         `json:"schemas"`
}

// SecurityScheme is a Security Scheme Object (OpenAPI 3.1 section 4.8.27).
type SecurityScheme struct {
	Type             string `json:"type"` // openIdConnect, http or apiKey
	Description      string `json:"description,omitempty"`
	OpenIDConnectURL string `json:"openIdConnectUrl,omitempty"` // of openIdConnect
	Scheme           string `json:"scheme,omitempty"`           // of http
	In               string `json:"in,omitempty"`               // of apiKey: cookie
	Name             string `json:"name,omitempty"`             // of apiKey: the cookie's name
}

// Components returns the security schemes and the schema of a refusal. The caller owns the result.
func (a API) Components() Components {
	schemes := map[string]SecurityScheme{
		a.bearer(): {Type: "http", Scheme: "bearer", Description: "An access token for this service."},
	}
	if a.DiscoveryURL != "" {
		schemes[a.bearer()] = SecurityScheme{Type: "openIdConnect", OpenIDConnectURL: a.DiscoveryURL, Description: "An access token of this provider for this service."}
	}
	if a.Cookie != "" {
		schemes[a.session()] = SecurityScheme{Type: "apiKey", In: "cookie", Name: a.Cookie, Description: "The session of a browser, which a login begins."}
	}
	return Components{SecuritySchemes: schemes, Schemas: map[string]Schema{a.refusal(): RefusalSchema()}}
}
