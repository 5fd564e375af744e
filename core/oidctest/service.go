package oidctest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The grants of clients that have Client.Targets.
const (
	clientCredentials = "client_credentials"                              // RFC 6749 section 4.4
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693
)

// accessTokenType is the type of access tokens (RFC 8693 section 3).
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// targets returns the values of audience and resource of a request, and false if the client may not have one of them.
func (c Client) targets(form url.Values) ([]string, bool) {
	var all []string
	for _, name := range slices.Concat(form["audience"], form["resource"]) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all, !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(c.Targets, name) })
}

// servesServices reports whether a client gets tokens for other services.
func (p *Provider) servesServices() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, client := range p.clients {
		if len(client.Targets) > 0 {
			return true
		}
	}
	return false
}

// serviceGrant answers a request for a token for another service, in the client's own name or by exchange.
func (p *Provider) serviceGrant(w http.ResponseWriter, r *http.Request, client Client, user Claims, login *family, scope string) {
	targets, ok := client.targets(r.PostForm)
	if !ok {
		p.refuse(w, http.StatusBadRequest, "invalid_target", "the client may not have tokens for this service")
		return
	}
	answer := Claims{
		"access_token": p.accessToken(login, user, scope, targets, p.writeAccess), "token_type": "Bearer",
		"expires_in": int64(p.set.life.AccessToken / time.Second), "scope": scope,
	}
	if r.PostForm.Get("grant_type") == tokenExchange {
		answer["issued_token_type"] = accessTokenType
	}
	p.answer(w, http.StatusOK, TokenAnswers, answer)
}

// mayServe refuses clients without a credential or without targets.
func (p *Provider) mayServe(w http.ResponseWriter, client Client) bool {
	if client.isPublic() || len(client.Targets) == 0 {
		p.refuse(w, http.StatusBadRequest, "unauthorized_client", "the client has no Targets")
		return false
	}
	return true
}

// clientGrant answers a request in the client's own name (RFC 6749 section 4.4). There is no refresh token.
func (p *Provider) clientGrant(w http.ResponseWriter, r *http.Request, client Client) {
	if !p.mayServe(w, client) {
		return
	}
	p.serviceGrant(w, r, client, Claims{"sub": client.ID}, newFamily(client.ID, grant{}), r.PostForm.Get("scope"))
}

// exchangeGrant answers a request for a token of the same user for another service (RFC 8693). The client must be the one to which the
// subject token was issued, or in its aud. The claim act names the client, and those before it. A logout ends the new token, too.
func (p *Provider) exchangeGrant(w http.ResponseWriter, r *http.Request, client Client) {
	if !p.mayServe(w, client) {
		return
	}
	form := r.PostForm
	kind := form.Get("requested_token_type")
	if form.Get("subject_token_type") != accessTokenType || kind != "" && kind != accessTokenType || form.Has("actor_token") {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "access tokens alone are exchanged for access tokens, without actor_token")
		return
	}
	p.mu.Lock()
	subject, known := p.access.get(form.Get("subject_token"))
	known = known && subject.active(p.now())
	p.mu.Unlock()
	switch {
	case !known: // RFC 8693 section 2.2.2
		p.refuse(w, http.StatusBadRequest, "invalid_request", "the subject token is not valid")
		return
	case subject.claims["azp"] != client.ID && !hasAudience(subject.claims["aud"], client.ID):
		p.refuse(w, http.StatusForbidden, "access_denied", "the subject token is not for this client")
		return
	}
	granted, _ := subject.claims["scope"].(string)
	scope := granted
	if asked := form.Get("scope"); asked != "" {
		scope = asked
	}
	for _, word := range strings.Fields(scope) {
		if !slices.Contains(strings.Fields(granted), word) {
			p.refuse(w, http.StatusBadRequest, "invalid_scope", "the scope is wider than that of the subject token")
			return
		}
	}
	user := deepCopy(subject.profile)
	act := Claims{"sub": client.ID}
	if before, ok := user["act"]; ok {
		act["act"] = before
	}
	maps.Copy(user, Claims{"azp": client.ID, "client_id": client.ID, "act": act})
	p.serviceGrant(w, r, client, user, subject.family, scope)
}

func hasAudience(aud any, name string) bool {
	switch aud := aud.(type) {
	case string:
		return aud == name
	case []string:
		return slices.Contains(aud, name)
	case []any:
		return slices.Contains(aud, any(name))
	default:
		return false
	}
}
