package oidctest

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// family is one login with all its tokens.
type family struct {
	id      string
	client  string
	grant   grant
	current string // the valid refresh token
	expires time.Time
	ended   bool
}

// sid returns the sid of the ID tokens; a logout ends the family. Logins of one browser have the same, any other login has its own.
func (f *family) sid() string { return cmp.Or(f.grant.session, f.id) }

// accessGrant is the data of an access token for userinfo and introspection.
type accessGrant struct {
	family  *family
	expires time.Time
	claims  Claims // of the token
	profile Claims // of the user, for userinfo
	ended   bool
}

func (a *accessGrant) active(now time.Time) bool {
	return !a.ended && now.Before(a.expires) && !a.family.ended
}

// token answers POST /token.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok {
		p.refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	if p.repeats(r.PostForm) {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "a parameter is repeated")
		return
	}
	grant := r.PostForm.Get("grant_type")
	if needed, known := grantParameters[grant]; known && r.PostForm.Get(needed) == "" {
		p.refuse(w, http.StatusBadRequest, "invalid_request", "the parameter "+needed+" is missing")
		return
	}
	if (grant == clientCredentials || grant == tokenExchange) && !p.servesServices() {
		grant = "" // not offered, as the discovery document says
	}
	switch grant {
	case "authorization_code":
		p.codeGrant(w, r, client)
	case "refresh_token":
		p.refreshGrant(w, r, client)
	case deviceGrantType:
		p.deviceGrant(w, r, client)
	case clientCredentials:
		p.clientGrant(w, r, client)
	case tokenExchange:
		p.exchangeGrant(w, r, client)
	default:
		p.refuse(w, http.StatusBadRequest, "unsupported_grant_type", "this grant type is not offered")
	}
}

// grantParameters lists the required parameters of each grant.
var grantParameters = map[string]string{
	"": "grant_type", "authorization_code": "code", "refresh_token": "refresh_token", deviceGrantType: "device_code",
	tokenExchange: "subject_token",
}

// codeGrant redeems a code (RFC 6749 section 4.1.3). A second use ends the login (section 4.1.2).
func (p *Provider) codeGrant(w http.ResponseWriter, r *http.Request, client Client) {
	name := r.PostForm.Get("code")
	p.mu.Lock()
	code, known := p.codes.get(name)
	good := known && code.client == client.ID && code.redirect == r.PostForm.Get("redirect_uri") &&
		provesChallenge(code.challenge, r.PostForm.Get("code_verifier")) && p.now().Before(code.expires)
	if known && code.client == client.ID && code.used != nil {
		code.used.ended = true
		good = false
	}
	var login *family
	if good {
		login = newFamily(client.ID, code.grant)
		code.used = login
		p.codes.put(name, code)
	}
	p.mu.Unlock()
	if !good {
		p.refuse(w, http.StatusBadRequest, "invalid_grant", "the code is not valid")
		return
	}
	p.grantTokens(w, r, login, login.grant.scope, !p.set.noRefresh, code.grant.nonce)
}

// refreshGrant redeems a refresh token (RFC 6749 section 6) and rotates it (RFC 9700 section 4.14): reuse ends the family.
func (p *Provider) refreshGrant(w http.ResponseWriter, r *http.Request, client Client) {
	name, target := r.PostForm.Get("refresh_token"), false
	p.mu.Lock()
	login, known := p.families.get(name)
	good := known && login.client == client.ID && !login.ended && login.current == name && p.now().Before(login.expires)
	if known && login.client == client.ID && login.current != name {
		login.ended = true
	}
	scope, narrower := narrow(r.PostForm.Get("scope"), login, good)
	if good {
		_, target = p.resources(r.PostForm, login.grant.resources)
	}
	if good && target && narrower && !p.set.keepRefresh {
		login.current = "" // used; grantTokens makes the next one
	}
	p.mu.Unlock()
	if good && !target {
		p.refuse(w, http.StatusBadRequest, "invalid_target", noTarget)
		return
	}
	if good && !narrower {
		p.refuse(w, http.StatusBadRequest, "invalid_scope", "the scope is wider than the grant")
		return
	}
	if !good {
		p.refuse(w, http.StatusBadRequest, "invalid_grant", "the refresh token is not valid")
		return
	}
	p.grantTokens(w, r, login, scope, !p.set.keepRefresh, "")
}

// noTarget describes an invalid_target (RFC 8707 section 2).
const noTarget = "the resource is not offered, or not one of the login"

// narrow returns the requested scope, which must be that of the grant or a part of it (RFC 6749 section 6).
func narrow(asked string, login *family, known bool) (string, bool) {
	if !known {
		return "", false
	}
	if asked == "" {
		return login.grant.scope, true
	}
	for _, word := range strings.Fields(asked) {
		if !login.grant.has(word) {
			return "", false
		}
	}
	return asked, true
}

func newFamily(client string, g grant) *family {
	return &family{id: randomHex(8), client: client, grant: g}
}

// grantTokens answers with tokens (RFC 6749 section 5.1) and an ID token (OpenID Connect Core section 3.1.3.3).
func (p *Provider) grantTokens(w http.ResponseWriter, r *http.Request, login *family, scope string, withRefresh bool, nonce string) {
	resources, ok := p.resources(r.PostForm, login.grant.resources)
	if !ok {
		p.refuse(w, http.StatusBadRequest, "invalid_target", noTarget)
		return
	}
	user := p.claimsOf(login.grant.user)
	access := p.accessToken(login, user, scope, resources, p.writeAccess)
	answer := Claims{"access_token": access, "token_type": "Bearer", "expires_in": int64(p.set.life.AccessToken / time.Second)}
	if p.set.lowerCaseType {
		answer["token_type"] = "bearer"
	}
	if !p.set.noScope {
		answer["scope"] = scope
	}
	if withRefresh {
		answer["refresh_token"] = p.newRefresh(login)
	}
	if p.set.refreshExpiresIn != nil {
		answer["refresh_expires_in"] = *p.set.refreshExpiresIn
	}
	if login.grant.has("openid") {
		answer["id_token"] = p.idToken(login, user, access, nonce)
	}
	p.answer(w, http.StatusOK, TokenAnswers, answer)
}

func (p *Provider) newRefresh(login *family) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := randomHex(16)
	login.current, login.expires = name, p.now().Add(p.set.life.RefreshToken)
	p.families.put(name, login)
	return name
}

// deviceGrant answers a poll of a device (RFC 8628 section 3.5).
func (p *Provider) deviceGrant(w http.ResponseWriter, r *http.Request, client Client) {
	login, fault := p.pollDevice(client, r.PostForm.Get("device_code"), r.PostForm.Get("code_verifier"))
	if fault != "" {
		p.refuse(w, http.StatusBadRequest, fault, strings.ReplaceAll(fault, "_", " "))
		return
	}
	p.grantTokens(w, r, login, login.grant.scope, !p.set.noRefresh, "")
}
