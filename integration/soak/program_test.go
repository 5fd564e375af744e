package soak

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const (
	prefix   = "/api/auth/v2"
	redirect = "http://localhost:53100/callback"
	// leaseTime is how long the lease of a killed instance may be in the way: Timeout, ten seconds, and what a busy machine adds.
	leaseTime = callTimeout + 10*time.Second + busy
)

// program is a session with tokens.
type program struct {
	name    string
	token   atomic.Pointer[credential]
	leaving atomic.Bool // a logout has begun, or the session is lost

	mu       sync.Mutex // held by a refresh and by the logout
	held     time.Time  // until then the lease of a killed instance may be in the way
	unheard  bool       // a killed instance took the last refresh along: its provider may have spent the token
	lastGood time.Time
}

// credential is a token pair and the header of its requests.
type credential struct {
	core.Token
	header http.Header
}

func newCredential(text string) *credential {
	c := new(credential)
	if json.Unmarshal([]byte(text), &c.Token) != nil || c.AccessToken == "" || c.RefreshToken == "" {
		return nil
	}
	c.header = bearerHeader(c.AccessToken)
	return c
}

// logIn logs a user in as a program on the user's machine does; nil if that is not possible now.
func (r *run) logIn(name string) *program {
	i := r.any()
	a := i.ask(http.MethodGet, prefix+"/login?redirect_uri="+url.QueryEscape(redirect), nil, nil)
	if r.judge("login", a, false) != healthy {
		return nil
	}
	back, err := r.idp.Approve(a.header.Get("Location"), name)
	if err != nil {
		r.violation("login", "%v", err)
		return nil
	}
	a = r.any().ask(http.MethodPost, prefix+"/token", http.Header{"Content-Type": {form}}, url.Values{
		"code": {back.Query().Get("code")}, "redirect_uri": {redirect}, "code_verifier": {back.Query().Get("state")}})
	if r.judge("code", a, false) != healthy {
		return nil
	}
	token := newCredential(a.body)
	if token == nil {
		r.violation("contract", "a login without tokens: %.200s", a.body)
		return nil
	}
	p := &program{name: name, lastGood: time.Now()}
	p.token.Store(token)
	r.count.logins.Add(1)
	return p
}

// use sends the access token to a guard.
func (r *run) use(p *program) {
	token := p.token.Load()
	if time.Until(time.Unix(token.Expires, 0)) < 2*time.Second {
		return // refreshes were not possible
	}
	a := r.any().ask(http.MethodGet, "/me", token.header, nil)
	if p.leaving.Load() {
		return
	}
	if a.status == http.StatusOK && a.body != p.name {
		r.violation("contract", "%s is taken for %s", p.name, a.body)
	}
	if r.judge("token at a guard", a, false) == healthy {
		r.count.verified.Add(1)
	}
}

// refresh takes the next tokens. It returns false if the session is lost.
func (r *run) refresh(p *program) bool {
	if !p.mu.TryLock() {
		return true // it is being refreshed, or leaves
	}
	defer p.mu.Unlock()
	if p.leaving.Load() {
		return true
	}
	a := r.any().ask(http.MethodPost, prefix+"/token", http.Header{"Content-Type": {form}}, url.Values{"refresh-token": {p.token.Load().RefreshToken}})
	if a.status == http.StatusUnauthorized || a.status == http.StatusBadRequest {
		p.leaving.Store(true)
		r.lost("a program's session, refreshed last "+time.Since(p.lastGood).Round(time.Millisecond).String()+" ago", a, p.unheard)
		return false
	}
	switch r.judge("refresh", a, time.Now().Before(p.held)) {
	case healthy:
		if token := newCredential(a.body); token != nil {
			p.token.Store(token)
			p.lastGood, p.unheard = time.Now(), false
			r.count.refreshed.Add(1)
		} else {
			r.violation("contract", "a refresh without tokens: %.200s", a.body)
		}
	case announced:
		r.count.refused.Add(1)
		if a.status == 0 {
			p.held, p.unheard = time.Now().Add(leaseTime), true
		}
	}
	return true
}

// logOut ends the session, and remembers its tokens: nothing may take them again.
func (r *run) logOut(p *program) {
	p.leaving.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	token, i := p.token.Load(), r.any()
	header := token.header.Clone()
	header.Set("Content-Type", form)
	a := i.ask(http.MethodPost, prefix+"/logout", header, url.Values{})
	if r.judge("logout of a program", a, false) == broken || a.status == 0 {
		return // nobody knows whether it has ended
	}
	r.count.logouts.Add(1)
	r.gone.add(&goner{what: "a token", header: token.header, refresh: token.RefreshToken, at: a.to, until: time.Unix(token.Expires, 0)})
	r.goneHere(i, "a token", token.header)
}
