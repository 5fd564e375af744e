package oidctest

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Client is an OAuth client of the provider, for [WithClients] and [Provider.AddClient].
type Client struct {
	ID             string   // client_id
	Secret         string   // client_secret; "", without Keys: a public client, which must use PKCE
	Keys           []byte   // JWK set of a client that authenticates with private_key_jwt (RFC 7523) and with nothing else; nil: it has none
	RedirectURIs   []string // compared byte for byte; http addresses on loopback without query whose path ends in /callback or /callback/NAME are allowed too
	PostLogoutURIs []string // compared byte for byte; http addresses on loopback are allowed too

	// Audience is the aud claim of the client's access tokens. Empty: ID.
	Audience []string

	// Targets are the services for which the client gets access tokens: in its own name with client credentials (RFC 6749 section 4.4), and
	// in the name of a user by exchange of an access token (RFC 8693), with the parameters audience or resource. Without these
	// parameters aud is as in every other token of the client. Any other service is refused with invalid_target. Empty: the client may use
	// neither grant.
	Targets []string

	// BackChannelLogoutURI is the address to which [Provider.EndSessions] posts logout tokens (OpenID Connect Back-Channel Logout
	// section 2.5). "": none are posted.
	BackChannelLogoutURI string
}

// The built-in clients of a provider without [WithClients].
const (
	ConfidentialClient = "app"                   // ID of the client with a secret
	ClientSecret       = "4pp53cr3tF0rT3stsOnly" // secret of the client "app"
	PublicClient       = "spa"                   // ID of the client without a secret
	KeyClient          = "signed"                // ID of the client with a key, see [ClientKey]
)

func builtinClients() map[string]Client {
	return map[string]Client{
		ConfidentialClient: {ID: ConfidentialClient, Secret: ClientSecret},
		PublicClient:       {ID: PublicClient},
		KeyClient:          {ID: KeyClient, Keys: clientKey().public},
	}
}

// AddClient adds a client, or replaces the one with the same ID.
func (p *Provider) AddClient(client Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client.ID] = client
}

func (p *Provider) client(id string) (Client, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client, ok := p.clients[id]
	return client, ok
}

func (c Client) isPublic() bool { return c.Secret == "" && c.Keys == nil }

// authenticate checks the client (RFC 6749 section 2.3): Basic with form-urlencoded id and secret, parameters, or an assertion, never two of
// them.
func (p *Provider) authenticate(r *http.Request) (Client, bool) {
	if r.PostForm.Has("client_assertion") {
		return p.authenticateKey(r)
	}
	id, secret, basic := r.BasicAuth()
	if basic {
		var errs [2]error
		id, errs[0] = url.QueryUnescape(id)
		secret, errs[1] = url.QueryUnescape(secret)
		if errs[0] != nil || errs[1] != nil || r.PostForm.Has("client_secret") {
			return Client{}, false
		}
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	client, known := p.client(id)
	method := "client_secret_post"
	if basic {
		method = "client_secret_basic"
	}
	offered := len(p.set.authMethods) == 0 || client.isPublic() || slices.Contains(p.set.authMethods, method)
	return client, known && offered && client.Keys == nil && subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) == 1
}

// mayRedirect compares exactly, except that loopback addresses may have any port (RFC 8252 section 7.3).
func (c Client) mayRedirect(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	u, err := url.Parse(uri)
	if err != nil || !isLoopback(u) || strings.ContainsAny(uri, "?#") {
		return false
	}
	if strings.HasSuffix(u.Path, "/callback") {
		return true
	}
	return path.Base(path.Dir(u.Path)) == "callback" // that of one of several providers
}

func (c Client) mayReturn(uri string) bool {
	u, err := url.Parse(uri)
	return slices.Contains(c.PostLogoutURIs, uri) || err == nil && isLoopback(u)
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && u.User == nil && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
