package contract

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// webParts are the subjects of browser sessions.
func webParts() []part {
	return []part{
		{"web login", testWebLogin},
		{"web posted callback", testWebPosted},
		{"web guards", testWebGuards},
		{"web demands of handlers", testWebDemands},
		{"web step-up", testWebStepUp},
		{"web requests of other sites", testForeign},
		{"web cookies", testWebCookies},
		{"web session route", testSessionRoute},
		{"web sessions route", testSessionsRoute},
		{"web logout", testWebLogout},
		{"web several providers", testWebProviders},
		{"web paths", testWebPaths},
		{"web many browsers", testWebCrowd},
		{"web kept strings", testWebKept},
		{"web a client that leaves", testWebLeaving},
		{"web a store that hangs", testHangingStore},
	}
}

// Where an application with sessions has its pages, and where the routes of sessions are.
const (
	origin   = "https://app.example.org"
	page     = group + "/page" // needs a caller
	open     = group + "/open" // takes guests
	session  = group + "/auth/v2/session"
	sessions = group + "/auth/v2/sessions"

	// cookieName has eight digits of the SHA-256 of publicURL, whose host may have other applications under other paths.
	cookieName = "__Host-oidc-session-c040d537"
)

// web is a site with browser sessions.
type web struct {
	*site
	runs  *atomic.Int64 // of its handlers
	leaks *leaks
}

// openWeb opens a site with browser sessions. Without a build of its own it has the routes and the usual pages in a group.
func (a setup) openWeb(t *testing.T, p plan, build ...func(*web, App)) *web {
	t.Helper()
	w := &web{runs: new(atomic.Int64), leaks: newLeaks(t)}
	config := p.config
	p.config = func(cfg *core.Config) {
		cfg.Sessions, cfg.HTTPClient = &core.SessionConfig{}, &http.Client{Transport: w.leaks}
		if config != nil {
			config(cfg)
		}
	}
	p.build = func(app App) {
		for _, build := range build {
			build(w, app)
		}
		if len(build) == 0 {
			w.pages(t, app)
		}
	}
	w.site = a.open(t, p)
	w.idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{w.url + "/auth/v2/callback"}, PostLogoutURIs: []string{w.url + "/auth/v2/logout"},
	})
	return w
}

// pages are the routes, pages behind each kind of guard, and a handler for bearer tokens at /me.
func (w *web) pages(t *testing.T, app App) {
	t.Helper()
	in := app.Group(group)
	mount(t, in, core.Paths{})
	app.Handle("/me", who)
	for path, guard := range map[string]Guard{
		"/page":   Required(),
		"/open":   Optional(),
		"/strict": Optional(core.RejectInvalid),
		"/admin":  Required(core.Roles("admin")),
		"/bearer": Required(core.BearerOnly),
		"/cookie": Required(core.SessionOnly),
		"/quiet":  Required(core.NoRedirect),
	} {
		in.Any(path, w.whose, guard)
	}
}

// whose shows whom a guard admitted, and by which session. The adapter's getters and those of the context have to agree.
func (w *web) whose(ctx context.Context, session *core.Session, caller *core.IDToken) []byte {
	w.runs.Add(1)
	text, _ := json.Marshal(struct { // texts and a boolean
		Caller  *string `json:"caller"`
		Session string  `json:"session,omitempty"`
		Same    bool    `json:"same"`
	}{subject(caller), session.ID(), session == core.SessionFrom(ctx) && caller == core.IDTokenFrom(ctx)})
	return text
}

// in reports to a subtest.
func (w *web) in(t *testing.T) *web { return &web{w.site.in(t), w.runs, w.leaks} }

// browser is a browser: it keeps the cookies of the site.
type browser struct {
	*web
	jar map[string]string
}

func (w *web) browser() *browser { return &browser{w, make(map[string]string)} }

// in reports to a subtest.
func (b *browser) in(t *testing.T) *browser { return &browser{b.web.in(t), b.jar} }

// at is the same browser at another instance of the service.
func (b *browser) at(w *web) *browser { return &browser{w, b.jar} }

// copied is somebody who has got hold of the browser's cookies.
func (b *browser) copied() *browser { return &browser{b.web, maps.Clone(b.jar)} }

// The headers of a browser's request: the person typed the address, followed a link on another site, or a script of the application
// sent it; a form of the application was submitted; a script of another site sent it; a browser without Fetch Metadata sent it.
var (
	visiting   = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none", "Accept: text/html,*/*;q=0.8"}
	linked     = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site", "Accept: text/html,*/*;q=0.8"}
	scripted   = []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin", "Accept: */*"}
	submitted  = []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin", "Origin: " + origin, "Accept: text/html"}
	crossSite  = []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Origin: https://evil.example"}
	oldBrowser = []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}
)

// cookieLine is the header with all cookies, none without cookies.
func (b *browser) cookieLine() []string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(b.jar)) {
		pairs = append(pairs, name+"="+b.jar[name])
	}
	if len(pairs) == 0 {
		return nil
	}
	return []string{"Cookie: " + strings.Join(pairs, "; ")}
}

// do makes a request with the cookies, and takes those of the answer.
func (b *browser) do(method, target string, headers ...string) *answer {
	b.t.Helper()
	return b.took(b.send(method, target, nil, slices.Concat(headers, b.cookieLine())...))
}

// submit posts a form.
func (b *browser) submit(target string, form url.Values, headers ...string) *answer {
	b.t.Helper()
	return b.took(b.post(target, form, slices.Concat(headers, b.cookieLine())...))
}

func (b *browser) took(got *answer) *answer {
	b.leaks.add(got)
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.jar, cookie.Name)
		} else {
			b.jar[cookie.Name] = cookie.Value
		}
	}
	return got
}

// visit goes to an address, by way of the provider, where user logs in, and returns the last answer and its target.
func (b *browser) visit(target, user string) (last *answer, at string) {
	b.t.Helper()
	for range 10 {
		got := b.do(http.MethodGet, target, visiting...)
		to := got.location()
		if strings.HasPrefix(to, b.idp.URL(oidctest.Authorization)) {
			to = b.approve(to, user)
		}
		next, own := strings.CutPrefix(to, origin)
		if !own {
			return got, target
		}
		target = next
	}
	b.t.Fatal("the browser goes round in circles")
	return nil, ""
}

// approve logs a user in at the provider, and returns where the browser goes then.
func (b *browser) approve(location, user string) string {
	b.t.Helper()
	back, err := b.idp.Approve(location, user)
	if err != nil {
		b.t.Fatal(err)
	}
	return back.String()
}

// setOut begins a login and returns the target at which the provider sends the browser back.
func (b *browser) setOut(user string, query ...string) string {
	b.t.Helper()
	start := b.do(http.MethodGet, loginQuery(query...), visiting...)
	if start.status != http.StatusFound {
		b.t.Fatalf("no login: %s", start.text())
	}
	return strings.TrimPrefix(b.approve(start.location(), user), origin)
}

// logIn logs a user in and returns the ID of the session.
func (b *browser) logIn(user string) string {
	b.t.Helper()
	got, at := b.visit(page, user)
	id := sessionIn(got)
	if at != page || id == "" {
		b.t.Fatalf("the login ends at %s: %s", at, got.text())
	}
	got.is(seenBy(user, id))
	return id
}

// session is the value of the session's cookie.
func (b *browser) session() string { return b.jar[cookieName] }

// sessionIn is the session that an answer of whose shows.
func sessionIn(got *answer) string {
	var shown struct{ Session string }
	_ = json.Unmarshal([]byte(got.body), &shown)
	return shown.Session
}

// seenBy is the answer of whose to a session: no cache may give it to another person.
func seenBy(user, session string) string {
	return whole(http.StatusOK, `{"caller":"`+user+`","session":"`+session+`","same":true}`, "Content-Type: application/json", "Cache-Control: private", "Vary: Cookie")
}

// seenBearer is the answer of whose to a bearer token, and seenGuest to nobody.
func seenBearer(user string) string { return shown(`{"caller":"` + user + `","same":true}`) }

func seenGuest() string {
	return whole(http.StatusOK, `{"caller":null,"same":true}`, "Content-Type: application/json", "Vary: Cookie")
}
