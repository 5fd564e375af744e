package oidctest

import (
	"maps"
	"net/http"
	"strings"
)

// userInfo is OpenID Connect Core section 5.3: for a living access token with the scope openid.
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	p.mu.Lock()
	access, known := p.access.get(token)
	good := strings.EqualFold(scheme, "bearer") && known && access.active(p.now())
	p.mu.Unlock()
	switch {
	case !good:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		p.answer(w, http.StatusUnauthorized, errorAnswers, Claims{"error": "invalid_token"})
	case !access.grant.has("openid"):
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		p.answer(w, http.StatusForbidden, errorAnswers, Claims{"error": "insufficient_scope"})
	default:
		p.answer(w, http.StatusOK, UserInfoAnswers, p.claimsOf(access.grant.user))
	}
}

// introspect is RFC 7662: only for a client that authenticates.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok || client.Secret == "" {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	p.answer(w, http.StatusOK, IntrospectionAnswers, p.inspect(r.PostForm.Get("token")))
}

func (p *Provider) inspect(token string) Claims {
	p.mu.Lock()
	defer p.mu.Unlock()
	if access, known := p.access.get(token); known && access.active(p.now()) {
		claims := maps.Clone(access.claims)
		claims["active"], claims["token_type"], claims["exp"] = true, "Bearer", access.expires.Unix()
		return claims
	}
	login, known := p.families.get(token)
	if known && !login.ended && login.current == token && p.now().Before(login.expires) {
		return Claims{"active": true, "client_id": login.client, "scope": login.grant.scope, "sub": login.grant.user, "exp": login.expires.Unix()}
	}
	return Claims{"active": false}
}

// revoke is RFC 7009: a refresh token takes its family along, and a token that nobody knows is fine.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	token := r.PostForm.Get("token")
	p.mu.Lock()
	if login, known := p.families.get(token); known && login.client == client.ID {
		login.ended = true
	}
	if access, known := p.access.get(token); known && access.client == client.ID {
		access.ended = true
	}
	p.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

// endSession is OpenID Connect RP-Initiated Logout section 2. There is no session of a browser to end: what counts is
// where the browser goes.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	target, state := r.Form.Get("post_logout_redirect_uri"), r.Form.Get("state")
	client, known := p.client(r.Form.Get("client_id"))
	if target == "" || !known || !client.mayReturn(target) {
		renderPage(w, http.StatusOK, "message", page{Title: "You are signed out", Text: "You can close this page."})
		return
	}
	if state != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "state=" + queryEscape(state)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}
