package provider

import (
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"
)

// Client is the identity of this service at the provider, and how it authenticates there (RFC 6749 section 2.3).
type Client struct {
	ID     string
	secret string
}

// NewClient makes a client with an id and a secret. Without a secret it is a public client.
func NewClient(id, secret string) Client { return Client{ID: id, secret: secret} }

// IsPublic reports whether the client has no secret. Only PKCE protects its codes.
func (c Client) IsPublic() bool { return c.secret == "" }

// style returns how the client authenticates, given the methods in the discovery document. x/oauth2 would otherwise try one way
// and then the other, and send a code twice. Basic is preferred by RFC 6749 section 2.3.1 and the default in discovery.
func (c Client) style(methods []string) oauth2.AuthStyle {
	basic := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if c.IsPublic() || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// sign adds the credentials to a form, if the client authenticates in the form.
func (c Client) sign(form url.Values, methods []string) {
	if c.style(methods) != oauth2.AuthStyleInParams {
		return
	}
	form.Set("client_id", c.ID)
	if !c.IsPublic() {
		form.Set("client_secret", c.secret)
	}
}

// authorize adds the credentials to the header of a request, if the client authenticates there. They are form-urlencoded first
// (RFC 6749 section 2.3.1).
func (c Client) authorize(request *http.Request, methods []string) {
	if c.style(methods) == oauth2.AuthStyleInHeader {
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.secret))
	}
}
