package oidctest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
)

// WithConsent adds a consent page after the login, on which the user allows or denies the scopes that the client requests. The provider
// shows it again if the client requests a scope that this user has not yet allowed it, and with prompt=consent. Where it would be shown,
// prompt=none fails with consent_required. The file of [WithFile] does not contain consents. [Provider.Approve] and [Provider.Deny] press
// the page's buttons. A device login does not show this page. Default: no consent page.
func WithConsent() Option { return func(s *settings) { s.consent = true } }

// consent names who allowed something to whom.
type consent struct{ user, client string }

// asking is a login that waits for the user's consent.
type asking struct {
	query   url.Values
	session signedIn
	decided bool
}

// allowed sends the code if the user has allowed the client these scopes, and asks for consent otherwise.
func (p *Provider) allowed(w http.ResponseWriter, r *http.Request, query url.Values, session signedIn) {
	prompt := strings.Fields(query.Get("prompt"))
	switch {
	case !p.set.consent, p.hasConsent(query, session.user) && !slices.Contains(prompt, "consent"):
		p.sendCode(w, r, query, session)
	case slices.Contains(prompt, "none"):
		p.sendBack(w, r, query, url.Values{"error": {"consent_required"}})
	default:
		p.spend(r)
		p.renderPage(w, http.StatusOK, "consent", page{
			Title: "Allow access", Client: query.Get("client_id"), User: session.user, Scopes: strings.Fields(query.Get("scope")),
			Action: p.set.path + paths[Authorization], Code: p.ask(query, session),
		})
	}
}

func (p *Provider) hasConsent(query url.Values, user string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	given := p.consents[consent{user, query.Get("client_id")}]
	missing := func(scope string) bool { return !slices.Contains(given, scope) }
	return given != nil && !slices.ContainsFunc(strings.Fields(query.Get("scope")), missing)
}

// ask keeps a login until its form comes back, and returns the form's secret.
func (p *Provider) ask(query url.Values, session signedIn) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	secret := randomHex(16)
	p.asking.put(secret, &asking{query: query, session: session})
	return secret
}

// consentAnswer answers the form of the consent page.
func (p *Provider) consentAnswer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	login, known := p.asking.get(r.PostForm.Get("consent"))
	waits, allowed := known && !login.decided, !r.PostForm.Has("deny")
	if waits {
		login.decided = true
	}
	if waits && allowed {
		who := consent{login.session.user, login.query.Get("client_id")}
		p.consents[who] = claims.Distinct(append([]string{}, append(p.consents[who], strings.Fields(login.query.Get("scope"))...)...))
	}
	p.mu.Unlock()
	switch {
	case !waits:
		p.renderPage(w, http.StatusBadRequest, "message", page{Title: "This request cannot be answered", Text: "This page was answered already. Begin the login again."})
	case allowed:
		p.sendCode(w, r, login.query, login.session)
	default:
		p.sendBack(w, r, login.query, url.Values{"error": {"access_denied"}, "error_description": {"the user refused"}})
	}
}
