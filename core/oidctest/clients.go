package oidctest

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Client is an OAuth client of the provider.
type Client struct {
	ID             string
	Secret         string   // "": a public client, which needs PKCE
	RedirectURIs   []string // compared byte for byte; every http loopback address whose path ends in /callback is registered too
	PostLogoutURIs []string // compared byte for byte; every loopback address is registered too

	// Audience is aud of the client's access tokens. Empty: ID.
	Audience []string

	// BackChannelLogoutURI is where [Provider.EndSessions] posts logout tokens; "": nowhere.
	BackChannelLogoutURI string
}

// The built-in clients of every provider.
const (
	ConfidentialClient = "app"
	ClientSecret       = "4pp53cr3tF0rT3stsOnly"
	PublicClient       = "spa"
)

func builtinClients() map[string]Client {
	return map[string]Client{
		ConfidentialClient: {ID: ConfidentialClient, Secret: ClientSecret},
		PublicClient:       {ID: PublicClient},
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

// authenticate checks the client (RFC 6749 section 2.3): Basic with form-urlencoded id and secret, or parameters, never both.
func (p *Provider) authenticate(r *http.Request) (Client, bool) {
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
	offered := len(p.set.authMethods) == 0 || client.Secret == "" || slices.Contains(p.set.authMethods, method)
	return client, known && offered && subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) == 1
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
	return strings.HasSuffix(u.Path, "/callback")
}

func (c Client) mayReturn(uri string) bool {
	u, err := url.Parse(uri)
	return slices.Contains(c.PostLogoutURIs, uri) || err == nil && isLoopback(u)
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && u.User == nil && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
