package provider

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"golang.org/x/oauth2"
)

// The methods of client authentication, under their names in the IANA registry "OAuth Token Endpoint Authentication Methods".
const (
	SecretBasic   = "client_secret_basic"
	SecretPost    = "client_secret_post"
	PrivateKeyJWT = "private_key_jwt"

	noMethod = "none"
)

// Client is the identity of this service at the provider, and how it authenticates there (RFC 6749 section 2.3).
type Client struct {
	ID     string
	secret string
	fixed  string // the only method; "": the provider's document decides
	key    *Key   // nil: no key
}

// NewClient makes a client with an id and a secret. Without a secret it is a public client. method is [SecretBasic] or
// [SecretPost]; "" means the one that the provider's document announces.
func NewClient(id, secret, method string) Client {
	return Client{ID: id, secret: secret, fixed: method}
}

// NewKeyClient makes a client that authenticates with a key.
func NewKeyClient(id string, key *Key) Client { return Client{ID: id, key: key} }

// IsPublic reports whether the client has neither a secret nor a key. Only PKCE protects its codes.
func (c Client) IsPublic() bool { return c.secret == "" && c.key == nil }

// HasKey reports whether the client authenticates with a key.
func (c Client) HasKey() bool { return c.key != nil }

// Algorithm returns the algorithm of the client's assertions, "" without a key.
func (c Client) Algorithm() string {
	if c.key == nil {
		return ""
	}
	return c.key.Alg
}

// Stranger returns a client that the provider does not know, and that authenticates as this one does.
func (c Client) Stranger(id string) (Client, error) {
	if c.key == nil {
		return Client{ID: id, secret: rand.Text(), fixed: c.fixed}, nil
	}
	signer, err := jose.NewSigner(rand.Text(), c.key.Alg)
	if err != nil {
		return Client{}, err
	}
	return NewKeyClient(id, &Key{Signer: signer, Audience: c.key.Audience}), nil
}

// method returns how the client authenticates, given the methods in the discovery document. Basic is preferred by RFC 6749 section
// 2.3.1 and the default in discovery.
func (c Client) method(announced []string) string {
	switch {
	case c.key != nil:
		return PrivateKeyJWT
	case c.IsPublic():
		return noMethod
	case c.fixed != "":
		return c.fixed
	case len(announced) == 0 || slices.Contains(announced, SecretBasic):
		return SecretBasic
	default:
		return SecretPost
	}
}

// style is the method for x/oauth2, which would otherwise try one way and then the other, and send a code twice. An assertion is one
// of the parameters, and there is no secret to send beside it.
func (c Client) style(announced []string) oauth2.AuthStyle {
	if c.method(announced) == SecretBasic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// sign adds the credentials to a form, if the client authenticates in the form. [Provider.assert] adds an assertion.
func (c Client) sign(form url.Values, announced []string) {
	method := c.method(announced)
	if method == SecretBasic {
		return
	}
	form.Set("client_id", c.ID)
	if method == SecretPost {
		form.Set("client_secret", c.secret)
	}
}

// authorize adds the credentials to the header of a request, if the client authenticates there. They are form-urlencoded first
// (RFC 6749 section 2.3.1).
func (c Client) authorize(request *http.Request, announced []string) {
	if c.method(announced) == SecretBasic {
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.secret))
	}
}

// Authenticates reports whether this service can authenticate in one of the ways that the provider states.
func (c Client) Authenticates(announced []string) bool {
	return c.IsPublic() || len(announced) == 0 || slices.Contains(announced, c.method(announced))
}
