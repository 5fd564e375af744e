package oidctest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// endSession ends the login that the hint names and redirects the browser to a registered URI of the client (OpenID Connect
// RP-Initiated Logout section 2).
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	clientID, ok := p.leave(r.Form.Get("id_token_hint"), r.Form.Get("client_id"))
	if !ok {
		renderPage(w, http.StatusBadRequest, "message", page{Title: "This request cannot be answered", Text: "The hint is no ID token of this client."})
		return
	}
	target, state := r.Form.Get("post_logout_redirect_uri"), r.Form.Get("state")
	client, known := p.client(clientID)
	if target == "" || !known || !client.mayReturn(target) {
		renderPage(w, http.StatusOK, "message", page{Title: "You are signed out", Text: "You can close this page."})
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
	token, err := jose.Parse(hint)
	if err != nil {
		return "", false
	}
	at := slices.IndexFunc(p.keys.signers, func(s *jose.Signer) bool { return s.ID == token.KeyID })
	if at < 0 {
		return "", false
	}
	_, claims, err := token.Verify(p.keys.signers[at].Public())
	if err != nil {
		return "", false
	}
	azp, _ := claims.String("azp") // issued by this provider
	sid, _ := claims.String("sid")
	if clientID != "" && clientID != azp {
		return "", false
	}
	for _, login := range p.families.entries {
		if login.id == sid {
			login.ended = true
		}
	}
	return azp, true
}
