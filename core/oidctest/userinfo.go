package oidctest

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// userInfo answers an active access token with the scope openid (OpenID Connect Core section 5.3).
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	p.mu.Lock()
	access, known := p.access.get(token)
	good := strings.EqualFold(scheme, "bearer") && known && access.active(p.now())
	p.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") == "":
		w.Header().Set("WWW-Authenticate", "Bearer") // no code: RFC 6750 section 3.1
		p.answer(w, http.StatusUnauthorized, errorAnswers, Claims{"error": "invalid_token"})
	case !good:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		p.answer(w, http.StatusUnauthorized, errorAnswers, Claims{"error": "invalid_token"})
	case !hasWord(access.claims["scope"], "openid"):
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		p.answer(w, http.StatusForbidden, errorAnswers, Claims{"error": "insufficient_scope"})
	default:
		p.answer(w, http.StatusOK, UserInfoAnswers, deepCopy(access.profile))
	}
}

func hasWord(scope any, word string) bool {
	text, _ := scope.(string)
	return slices.Contains(strings.Fields(text), word)
}

// introspect answers clients that authenticate (RFC 7662), with a JWT if the provider signs its answers and the client accepts them
// (RFC 9701).
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok || client.isPublic() {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	if r.PostForm.Get("token") == "" {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "the parameter token is missing")
		return
	}
	answer := p.inspect(r.PostForm.Get("token"))
	if !p.set.signedIntrospection || !strings.Contains(r.Header.Get("Accept"), signedAnswer) {
		p.answer(w, http.StatusOK, IntrospectionAnswers, answer)
		return
	}
	p.tamper(IntrospectionAnswers, answer)
	claims := Claims{"iss": p.issuer, "aud": client.ID, "iat": p.clockNow().Unix(), "token_introspection": answer}
	p.tamper(SignedIntrospectionAnswers, claims)
	w.Header().Set("Content-Type", signedAnswer)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, p.Sign("token-introspection+jwt", withoutNil(claims))) // an error only means that the client has disconnected
}

// signedAnswer is the media type of introspection answers that are JWTs.
const signedAnswer = "application/token-introspection+jwt"

// subjectOf returns the claim sub of a user. The caller holds mu.
func (p *Provider) subjectOf(name string) any {
	if user, _ := p.user(name); user.Claims["sub"] != nil {
		return user.Claims["sub"]
	}
	return name
}

func (p *Provider) inspect(token string) Claims {
	p.mu.Lock()
	defer p.mu.Unlock()
	if access, known := p.access.get(token); known && access.active(p.now()) {
		claims := deepCopy(access.claims)
		claims["active"], claims["token_type"], claims["exp"] = true, "Bearer", access.expires.Unix()
		return claims
	}
	login, known := p.families.get(token)
	if known && !login.ended && login.current == token && p.now().Before(login.expires) {
		return Claims{"active": true, "client_id": login.client, "scope": login.grant.scope, "sub": p.subjectOf(login.grant.user), "exp": login.expires.Unix()}
	}
	return Claims{"active": false}
}

// revoke revokes a token (RFC 7009). A refresh token ends its family; an unknown token is not an error.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	token := r.PostForm.Get("token")
	if token == "" {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "the parameter token is missing")
		return
	}
	p.mu.Lock()
	if login, known := p.families.get(token); known && login.client == client.ID {
		login.ended = true
	}
	if access, known := p.access.get(token); known && access.family.client == client.ID {
		access.ended = true
	}
	p.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}
