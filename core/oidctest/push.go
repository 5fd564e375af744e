package oidctest

import (
	"cmp"
	"net/http"
	"net/url"
	"time"
)

// requestURIPrefix is the beginning of a request_uri (RFC 9126 section 2.2).
const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedLife is how long a pushed request may wait for its login.
const pushedLife = time.Minute

// pushedRequest is an authorization request that a client has pushed.
type pushedRequest struct {
	query   url.Values
	expires time.Time
	used    bool
}

// WithPushedRequests adds the endpoint for pushed authorization requests (RFC 9126). A request_uri is good for one login within a minute;
// the login page can be reloaded. Default: there is none.
func WithPushedRequests() Option { return func(s *settings) { s.pushed = true } }

// WithPushedRequestsOnly is [WithPushedRequests] for a provider that requires them: every other authorization request gets the error
// invalid_request.
func WithPushedRequestsOnly() Option {
	return func(s *settings) { s.pushed, s.pushedOnly = true, true }
}

// push answers a pushed authorization request (RFC 9126 section 2.1). It refuses what the authorization endpoint would refuse.
func (p *Provider) push(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	query := cloneValues(r.PostForm)
	for _, credential := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		query.Del(credential)
	}
	challenge := query.Get("code_challenge")
	switch fault := cmp.Or(notOffered(query), p.granted(query)); {
	case p.repeats(query), query.Get("client_id") != client.ID, !client.mayRedirect(query.Get("redirect_uri")):
		p.refuse(w, http.StatusBadRequest, "invalid_request", "the client_id is another one, or the redirect URI is not registered")
		return
	case fault != "":
		p.refuse(w, http.StatusBadRequest, fault, "the request cannot be pushed")
		return
	case client.isPublic() && challenge == "", challenge != "" && query.Get("code_challenge_method") != "S256":
		p.refuse(w, http.StatusBadRequest, "invalid_request", "PKCE with S256 is needed")
		return
	}
	p.mu.Lock()
	address := requestURIPrefix + randomHex(16)
	p.pushed.put(address, &pushedRequest{query: query, expires: p.now().Add(pushedLife)})
	p.mu.Unlock()
	p.answer(w, http.StatusCreated, PushAnswers, Claims{"request_uri": address, "expires_in": int64(pushedLife / time.Second)})
}

// resolve returns the parameters that a request_uri stands for, and those of any other request as they are. An unknown, expired, used or
// foreign request_uri is left in place, which mayAsk refuses; so is one with other parameters beside client_id, which RFC 9126 section 4
// does not need.
func (p *Provider) resolve(query url.Values) url.Values {
	address := query.Get("request_uri")
	if address == "" || len(query) != 2 {
		return query
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	request, known := p.pushed.get(address)
	if !known || request.used || request.query.Get("client_id") != query.Get("client_id") || !p.now().Before(request.expires) {
		return query
	}
	return cloneValues(request.query)
}

// spend ends the request_uri of a request, if it has one.
func (p *Provider) spend(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if request, known := p.pushed.get(r.URL.Query().Get("request_uri")); known {
		request.used = true
	}
}

// isPlain reports whether an authorization request has its parameters with it.
func isPlain(r *http.Request) bool { return r.URL.Query().Get("request_uri") == "" }
