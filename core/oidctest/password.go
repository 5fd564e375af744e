package oidctest

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// wrongPassword is what the pages say of an unknown name too: it tells nobody which names exist.
const wrongPassword = "The name or the password is wrong."

// passwordOf returns the password of a user, "" for none.
func (p *Provider) passwordOf(user User) string { return cmp.Or(user.Password, p.set.password) }

// proves reports whether the form of a page has the password of a user, who may have none.
func (p *Provider) proves(user string, form url.Values) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.user(user)
	password := p.passwordOf(known)
	return ok && (password == "" || subtle.ConstantTimeCompare([]byte(password), []byte(form.Get("password"))) == 1)
}

func (p *Provider) hasPasswords() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.users, func(user User) bool { return p.passwordOf(user) != "" })
}

// mistyped reports whether a page is to be shown again: the user of its form exists and has another password, or the form with a password
// names nobody.
func (p *Provider) mistyped(form url.Values) bool {
	user := form.Get("user")
	return !form.Has("deny") && (form.Has("password") || p.knows(user)) && !p.proves(user, form)
}

// buttons are what [Browser.Approve] sends for a user: the name, and the password if there is one.
func (p *Provider) buttons(user string) url.Values {
	form := url.Values{"user": {user}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.user(user); ok && p.passwordOf(known) != "" {
		form.Set("password", p.passwordOf(known))
	}
	return form
}

// loginPage asks who the user is. fault is what was wrong with the last answer, "" for the first time.
func (p *Provider) loginPage(w http.ResponseWriter, r *http.Request, query url.Values, fault string) {
	status := http.StatusOK
	if fault != "" {
		status = http.StatusForbidden
	}
	back := query
	if !isPlain(r) {
		back = r.URL.Query()
	}
	p.renderPage(w, status, "login", page{
		Title: "Sign in", Text: fault, Client: query.Get("client_id"), Users: p.userNames(), Action: p.set.path + paths[Authorization] + "?" + back.Encode(), Scopes: strings.Fields(query.Get("scope")),
	})
}
