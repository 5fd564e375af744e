package soak

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const (
	prefix   = "/api/auth/v2"
	redirect = "http://localhost:53100/callback"
	// leaseTime is how long the lease of an instance that was killed, or that could not write, may be in the way: Timeout and ten seconds,
	// the minute that clocks may differ, and what a busy machine adds.
	leaseTime = callTimeout + 10*time.Second + time.Minute + busy
)

// program is a session with tokens.
type program struct {
	name    string
	token   atomic.Pointer[credential]
	leaving atomic.Bool // a logout has begun, or the session is lost

	waits atomic.Bool // it tries its refresh again later, as it was told

	mu      sync.Mutex // held by a refresh and by the logout
	held    time.Time  // until then a lease that nobody releases may be in the way
	unheard bool       // a killed instance took the last refresh along: the provider may have spent its token
	history string     // of the refreshes since the last one that succeeded
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
	p := &program{name: name}
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

// refresh takes the next tokens. A client that is told to come again later does so with the same token.
func (r *run) refresh(p *program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving.Load() {
		return
	}
	a := r.any().ask(http.MethodPost, prefix+"/token", http.Header{"Content-Type": {form}}, url.Values{"refresh-token": {p.token.Load().RefreshToken}})
	p.history += fmt.Sprintf(" %s-%s: %d of %d;", a.from.Format("05.000"), a.to.Format("05.000"), a.status, a.on.number)
	if a.status == http.StatusUnauthorized || a.status == http.StatusBadRequest {
		p.leaving.Store(true)
		r.lost("a program's session, after"+p.history, a, p.unheard)
		return
	}
	result := r.judge("refresh", a, time.Now().Before(p.held))
	if result == healthy {
		p.held, p.unheard, p.history = time.Time{}, false, ""
		r.take(p, a.body)
		return
	}
	wait := pause // an answer that does not say when to come again is no reason to hurry: 500 clients that did were seven times the load
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	if result == announced {
		r.count.refused.Add(1)
	}
	if a.status == 0 {
		wait, p.unheard = time.Second, true
		r.count.unheard.Add(1)
	}
	if a.status == 0 || r.board.during(store, a.from, a.to, settle) {
		p.held = time.Now().Add(leaseTime)
	}
	p.waits.Store(true)
	time.AfterFunc(wait+rand.N(wait), func() { // not all at the same moment
		p.waits.Store(false)
		r.refresh(p)
	})
}

// take keeps the tokens of a refresh.
func (r *run) take(p *program, text string) {
	token := newCredential(text)
	if token == nil {
		r.violation("contract", "a refresh without tokens: %.200s", text)
		return
	}
	p.token.Store(token)
	r.count.refreshed.Add(1)
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
