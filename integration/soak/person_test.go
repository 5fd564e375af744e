package soak

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// person is somebody with a browser and a session.
type person struct {
	name    string
	cookies string
	header  http.Header // of a script's requests
	leaving atomic.Bool

	seen    [2]atomic.Pointer[instance] // which instance of each slot has admitted the session
	asked   [2]atomic.Int64             // when it did last, in Unix milliseconds
	excused atomic.Int64                // until then a loss may be that of a killed instance, in Unix milliseconds
}

// signIn opens a page in a new browser and logs in; nil if that is not possible now. Each request goes to any instance.
func (r *run) signIn(name string) *person {
	jar, target, kind := map[string]string{}, "/me", "login"
	for range 8 {
		a := r.any().ask(http.MethodGet, target, navigation(cookiesOf(jar)), nil)
		location := a.header.Get("Location")
		if a.status == http.StatusOK && target == "/me" && a.body == name {
			p := &person{name: name, cookies: cookiesOf(jar)}
			p.header = script(p.cookies)
			r.count.logins.Add(1)
			return p
		}
		if len(jar) > 0 && target == "/me" { // the first request after the login
			kind = "session new to an instance"
		}
		if r.judge(kind, a, false) != healthy {
			return nil
		}
		for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
			if cookie.MaxAge < 0 {
				delete(jar, cookie.Name)
			} else {
				jar[cookie.Name] = cookie.Value
			}
		}
		if strings.HasPrefix(location, r.idp.URL(oidctest.Authorization)) {
			back, err := r.idp.Approve(location, name)
			if err != nil {
				r.violation("login", "%v", err)
				return nil
			}
			location, kind = back.String(), "callback"
		}
		target = strings.TrimPrefix(location, site)
	}
	r.violation("login", "it goes round in circles at %s", target)
	return nil
}

func cookiesOf(jar map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(jar)) {
		all = append(all, name+"="+jar[name])
	}
	return strings.Join(all, "; ")
}

// visit sends a script's request. It returns false if the session is lost.
func (r *run) visit(p *person) bool {
	i := r.any()
	kind := "session new to an instance"
	if p.seen[i.slot].Load() == i {
		kind = "session at a guard"
	}
	a := i.ask(http.MethodGet, "/me", p.header, nil)
	if p.leaving.Load() {
		return true
	}
	switch {
	case a.status == http.StatusUnauthorized:
		if !p.leaving.Swap(true) {
			r.lost("a browser's session", a, time.Now().UnixMilli() < p.excused.Load())
		}
		return false
	case a.status == http.StatusOK && a.body != p.name:
		r.violation("contract", "%s is taken for %s", p.name, a.body)
	}
	if kind == "session at a guard" && a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "2" && r.board.during(store, a.from, a.to, settle) {
		r.count.forgotten.Add(1) // its place in memory went to another session: from now on it is new to this instance
		p.seen[i.slot].Store(nil)
		return true
	}
	if r.judge(kind, a, false) == healthy {
		p.seen[i.slot].Store(i)
		p.asked[i.slot].Store(a.to.UnixMilli())
		r.count.verified.Add(1)
	}
	return true
}

// killed notes that an instance was killed, which may have been asking the provider about the session: what a request starts
// goes on behind it for at most a moment.
func (p *person) killed(i *instance, at time.Time) {
	if at.UnixMilli()-p.asked[i.slot].Load() < 1000 {
		p.excused.Store(at.Add(3 * time.Minute).UnixMilli())
	}
}

// signOut presses the logout button, and remembers the cookies.
func (r *run) signOut(p *person) {
	p.leaving.Store(true)
	i := r.any()
	known := p.seen[i.slot].Load() == i
	a := i.ask(http.MethodPost, prefix+"/logout", posted(p.cookies), url.Values{})
	if r.judge("logout of a browser", a, false) == broken || a.status == 0 || a.status == http.StatusServiceUnavailable && !known {
		return
	}
	r.count.logouts.Add(1)
	r.gone.add(&goner{what: "a session", header: p.header, at: a.to, until: a.to.Add(10 * time.Minute)})
	r.goneHere(i, "a session", p.header)
}
