package oidctest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// endSession ends the logins of the sid in the hint and the session of the browser, without asking the user, and redirects the browser to a
// registered URI of the client (OpenID Connect RP-Initiated Logout section 2).
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	clientID, ok := p.leave(r.Form.Get("id_token_hint"), r.Form.Get("client_id"))
	if !ok {
		p.renderPage(w, http.StatusBadRequest, "message", page{Title: "This request cannot be answered", Text: "The hint is no ID token of this client."})
		return
	}
	p.signOut(w, r)
	target, state := r.Form.Get("post_logout_redirect_uri"), r.Form.Get("state")
	client, known := p.client(clientID)
	if target == "" || !known || !client.mayReturn(target) {
		p.renderPage(w, http.StatusOK, "message", page{Title: "You are signed out", Text: "You can close this page."})
		return
	}
	if state != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "state=" + url.QueryEscape(state)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// leave ends the login of a hint, which may be expired, and returns its client; false for a hint of another issuer or client.
func (p *Provider) leave(hint, clientID string) (string, bool) {
	if hint == "" {
		return clientID, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	claims, own := p.hint(hint)
	if !own {
		return "", false
	}
	azp, _ := claims.String("azp") // issued by this provider
	sid, _ := claims.String("sid")
	if clientID != "" && clientID != azp {
		return "", false
	}
	if sid != "" {
		p.endSID(sid)
	}
	return azp, true
}

// hint returns the claims of an id_token_hint, which may be expired; false if this provider did not sign it. The caller holds mu.
func (p *Provider) hint(text string) (strictjson.Object, bool) {
	token, err := jose.Parse(text)
	if err != nil {
		return strictjson.Object{}, false
	}
	at := slices.IndexFunc(p.keys.signers, func(s *jose.Signer) bool { return s.ID == token.KeyID })
	if at < 0 {
		return strictjson.Object{}, false
	}
	claims, err := token.Verify(p.keys.signers[at].Public())
	return claims, err == nil
}
