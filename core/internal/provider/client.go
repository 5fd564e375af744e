package provider

import (
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"
)

// Client is who this service is at the provider, and how it authenticates there (RFC 6749 section 2.3).
type Client struct {
	ID     string
	secret string
}

// NewClient makes a client of an id and a secret; without a secret it is a public client.
func NewClient(id, secret string) Client { return Client{ID: id, secret: secret} }

// IsPublic reports a client without credentials: PKCE alone binds what it does.
func (c Client) IsPublic() bool { return c.secret == "" }

// style is fixed from discovery: a library that tries one way and then the other would post a code twice. RFC 6749
// section 2.3.1 prefers Basic, and it is what discovery's default means.
func (c Client) style(methods []string) oauth2.AuthStyle {
	basic := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if c.IsPublic() || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// sign adds the client to a form, where it authenticates in the form.
func (c Client) sign(form url.Values, methods []string) {
	if c.style(methods) != oauth2.AuthStyleInParams {
		return
	}
	form.Set("client_id", c.ID)
	if !c.IsPublic() {
		form.Set("client_secret", c.secret)
	}
}

// authorize adds the client to a request, where it authenticates in the header: form-urlencoded first, RFC 6749 section
// 2.3.1.
func (c Client) authorize(request *http.Request, methods []string) {
	if c.style(methods) == oauth2.AuthStyleInHeader {
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.secret))
	}
}
