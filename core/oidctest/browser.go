package oidctest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// signedIn is who is logged in at the provider in a browser.
type signedIn struct {
	sid      string // in the ID tokens of every login of this browser, until the user logs out
	user     string
	authTime int64  // when the user last used the login page, in Unix seconds
	acr      string // see [WithACR]
	ended    bool
}

// cookieName is the name of the provider's session cookie. Browsers send a cookie to every port of a host: each provider has a name of
// its own.
func (p *Provider) cookieName() string {
	sum := sha256.Sum256([]byte(p.issuer))
	return "oidctest-" + hex.EncodeToString(sum[:4])
}

// sessionCookie returns the session cookie. It ends with the browser.
func (p *Provider) sessionCookie(value string) *http.Cookie {
	return &http.Cookie{
		Name: p.cookieName(), Value: value, Path: cmp.Or(p.set.path, "/"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(p.issuer, "https://"),
	}
}

// inBrowser returns who is logged in in the browser of a request, nil if nobody is. The caller holds mu.
func (p *Provider) inBrowser(r *http.Request) *signedIn {
	cookie, err := r.Cookie(p.cookieName())
	if err != nil {
		return nil
	}
	session, known := p.browsers.get(cookie.Value)
	if !known || session.ended {
		return nil
	}
	return session
}

// signedIn returns a copy of who is logged in in the browser of a request.
func (p *Provider) signedIn(r *http.Request) (signedIn, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	session := p.inBrowser(r)
	if session == nil {
		return signedIn{}, false
	}
	return *session, true
}

// signIn logs a user in: the browser gets a new cookie, and keeps its sid if this user was logged in before.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request, query url.Values, user string) signedIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	session := signedIn{user: user, authTime: p.now().Unix()}
	session.acr, _ = p.acrFor(query)
	if p.set.noSingleSignOn {
		return session
	}
	session.sid = randomHex(8)
	if old := p.inBrowser(r); old != nil {
		if old.user == user {
			session.sid = old.sid
		}
		old.ended = true
	}
	id := randomHex(32)
	p.browsers.put(id, &session)
	http.SetCookie(w, p.sessionCookie(id))
	return session
}

// mustAsk reports whether the login page is shown although somebody is logged in (OpenID Connect Core section 3.1.2.1): for any prompt but
// none, for a login that is older than max_age or has another acr than acr_values, and for a hint that names another user.
func (p *Provider) mustAsk(query url.Values, session signedIn) bool {
	isAsked := func(word string) bool { return word != "none" && !(p.set.consent && word == "consent") }
	hint := query.Get("login_hint")
	if slices.ContainsFunc(strings.Fields(query.Get("prompt")), isAsked) || p.isTooWeak(query, session) || p.knows(hint) && hint != session.user || !p.mayBe(query, session.user) {
		return true
	}
	maxAge, err := strconv.ParseInt(query.Get("max_age"), 10, 64)
	return err == nil && !p.set.noStepUp && (maxAge == 0 || p.clockNow().Unix()-session.authTime > maxAge) // 0 is prompt=login
}

// mayBe reports whether the id_token_hint, if there is one, names this user.
func (p *Provider) mayBe(query url.Values, user string) bool {
	hint := query.Get("id_token_hint")
	if hint == "" {
		return true
	}
	p.mu.Lock()
	claims, _ := p.hint(hint)
	p.mu.Unlock()
	sub, _ := claims.String("sub")
	return sub == p.claimsOf(user)["sub"]
}

// isHint reports whether an id_token_hint is absent, or a token of this provider.
func (p *Provider) isHint(text string) bool {
	if text == "" {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, own := p.hint(text)
	return own
}

// signOut ends the session of the browser with every login that began in it.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	session := p.inBrowser(r)
	if session == nil {
		return
	}
	p.endSID(session.sid)
	gone := p.sessionCookie("")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
}

// endSID ends the logins with this sid, and the browser's session. The caller holds mu.
func (p *Provider) endSID(sid string) {
	for _, login := range p.families.entries {
		if login.sid() == sid {
			login.ended = true
		}
	}
	for _, session := range p.browsers.entries {
		if session.sid == sid {
			session.ended = true
		}
	}
}
