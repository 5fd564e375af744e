package oidctest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// codeGrant is the data of a code.
type codeGrant struct {
	client, redirect, challenge string
	grant                       grant
	expires                     time.Time
	used                        *family // set when the code is redeemed; a second use ends it
}

// grant is the user of a login and what the user allowed.
type grant struct {
	user, scope, nonce string
	session            string // sid of the browser's session; "" for a login without one
	authTime           int64
	acr                string
	resources          []string // see [WithResources]
}

func (g grant) has(scope string) bool { return slices.Contains(strings.Fields(g.scope), scope) }

// authorizePage answers a GET of the authorization endpoint.
func (p *Provider) authorizePage(w http.ResponseWriter, r *http.Request) {
	p.authorize(w, r, p.resolve(r.URL.Query()))
}

// authorizePost answers a POST: the form of the login page, whose address has the parameters of the request, or an authorization request,
// which has them in the body (OpenID Connect Core section 3.1.2.1). Only the form must come from this origin: clients send requests from
// theirs.
func (p *Provider) authorizePost(w http.ResponseWriter, r *http.Request) {
	consent := p.set.consent && r.PostForm.Has("consent")
	switch pressed := consent || r.PostForm.Has("user") || r.PostForm.Has("deny"); {
	case !pressed:
		p.authorize(w, r, r.PostForm)
	case p.pages.Check(r) != nil:
		http.Error(w, "this form is not of this provider", http.StatusForbidden)
	case consent:
		p.consentAnswer(w, r)
	default:
		p.decide(w, r, p.resolve(r.URL.Query()))
	}
}

// authorize answers an authorization request: with a code if somebody is logged in in this browser and the request does not want the user to
// be asked, otherwise with the login page.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request, query url.Values) {
	if !p.mayAsk(w, r, query) {
		return
	}
	hint := query.Get("login_hint")
	if p.set.autoLogin && p.knows(hint) {
		p.allowed(w, r, query, p.signIn(w, r, query, hint))
		return
	}
	session, known := p.signedIn(r)
	switch {
	case known && !p.mustAsk(query, session):
		p.allowed(w, r, query, session)
	case slices.Contains(strings.Fields(query.Get("prompt")), "none"):
		p.sendBack(w, r, query, url.Values{"error": {"login_required"}})
	default:
		p.loginPage(w, r, query, "")
	}
}

// decide answers the form of the login page: the button of a user, or Deny.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, query url.Values) {
	if !p.mayAsk(w, r, query) {
		return
	}
	user := r.PostForm.Get("user")
	if p.mistyped(r.PostForm) {
		p.loginPage(w, r, query, wrongPassword)
		return
	}
	if user == "" || !p.knows(user) {
		p.sendBack(w, r, query, url.Values{"error": {"access_denied"}, "error_description": {"the user refused"}})
		return
	}
	session := p.signIn(w, r, query, user)
	if !p.mayBe(query, user) {
		p.sendBack(w, r, query, url.Values{"error": {"login_required"}, "error_description": {"another user logged in"}})
		return
	}
	p.allowed(w, r, query, session)
}

func (p *Provider) sendCode(w http.ResponseWriter, r *http.Request, query url.Values, session signedIn) {
	p.sendBack(w, r, query, url.Values{"code": {p.newCode(query, session)}})
}

func (p *Provider) newCode(query url.Values, session signedIn) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := randomHex(16)
	resources, _ := p.resources(query, nil) // checked before
	p.codes.put(code, codeGrant{
		client: query.Get("client_id"), redirect: query.Get("redirect_uri"), challenge: query.Get("code_challenge"),
		grant:   grant{user: session.user, scope: query.Get("scope"), nonce: query.Get("nonce"), session: session.sid, authTime: session.authTime, acr: session.acr, resources: resources},
		expires: p.now().Add(p.set.life.Code),
	})
	return code
}

// mayAsk checks an authorization request: client and redirect URI first, whose errors must not be sent to the redirect URI,
// then the rest, whose errors are (RFC 6749 section 4.1.2.1).
func (p *Provider) mayAsk(w http.ResponseWriter, r *http.Request, query url.Values) bool {
	client, known := p.client(query.Get("client_id"))
	if !known || p.repeats(query) || !client.mayRedirect(query.Get("redirect_uri")) {
		p.renderPage(w, http.StatusBadRequest, "message", page{Title: "This request cannot be answered", Text: "The client is not known, or its redirect URI is not registered."})
		return false
	}
	challenge := query.Get("code_challenge")
	switch fault := cmp.Or(notOffered(query), p.granted(query)); {
	case fault != "":
		p.sendBack(w, r, query, url.Values{"error": {fault}})
	case p.set.pushedOnly && isPlain(r) && !r.PostForm.Has("consent"):
		p.sendBack(w, r, query, url.Values{"error": {"invalid_request"}, "error_description": {"the request has to be pushed"}})
	case p.isUnmet(query):
		p.sendBack(w, r, query, url.Values{"error": {"unmet_authentication_requirements"}})
	case !p.isHint(query.Get("id_token_hint")):
		p.sendBack(w, r, query, url.Values{"error": {"invalid_request"}, "error_description": {"the id_token_hint is not an ID token of this provider"}})
	case client.isPublic() && challenge == "", challenge != "" && query.Get("code_challenge_method") != "S256":
		p.sendBack(w, r, query, url.Values{"error": {"invalid_request"}, "error_description": {"PKCE with S256 is needed"}})
	default:
		return true
	}
	return false
}

// notOffered returns the error code for a request that uses what discovery does not announce (OpenID Connect Core sections
// 3.1.2.6 and 6.1) or has a malformed max_age, "" for any other request.
func notOffered(query url.Values) string {
	for _, parameter := range []string{"request", "request_uri", "registration"} {
		if query.Get(parameter) != "" {
			return parameter + "_not_supported"
		}
	}
	mode, prompt := query.Get("response_mode"), strings.Fields(query.Get("prompt"))
	if maxAge := query.Get("max_age"); maxAge != "" {
		if _, err := strconv.ParseUint(maxAge, 10, 32); err != nil {
			return "invalid_request"
		}
	}
	switch query.Get("response_type") {
	case "code":
	case "":
		return "invalid_request"
	default:
		return "unsupported_response_type"
	}
	if mode != "" && mode != "query" && mode != formPost || slices.Contains(prompt, "none") && len(prompt) > 1 {
		return "invalid_request"
	}
	return ""
}

// sendBack sends the browser to the client with the answer (RFC 6749 section 4.1.2) and iss (RFC 9207): by a redirect, or with
// response_mode=form_post by a page that posts it.
func (p *Provider) sendBack(w http.ResponseWriter, r *http.Request, query, answer url.Values) {
	p.spend(r)
	target, err := url.Parse(query.Get("redirect_uri"))
	if err != nil {
		p.renderPage(w, http.StatusBadRequest, "message", page{Title: "This request cannot be answered"})
		return
	}
	if state := query.Get("state"); state != "" {
		answer.Set("state", state)
	}
	if !p.set.noIss {
		answer.Set("iss", p.issuer)
	}
	if query.Get("response_mode") == formPost {
		p.renderPost(w, target.String(), answer)
		return
	}
	merged := target.Query()
	for name, values := range answer {
		merged[name] = values
	}
	target.RawQuery = merged.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}

// provesChallenge checks the code_verifier (RFC 7636 section 4.6).
func provesChallenge(challenge, verifier string) bool {
	if challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}
