package contract

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// What the suite's application says of itself: nobody listens there.
const (
	publicURL   = "https://app.example.org/api"
	ownCallback = publicURL + "/auth/v2/callback"
	loopback    = "http://127.0.0.1:7777/callback"
	afterLogout = "https://app.example.org/bye"
)

// Where the routes are, unless a test says otherwise: in a group of the framework.
const (
	group    = "/api"
	login    = group + "/auth/v2/login"
	callback = group + "/auth/v2/callback"
	token    = group + "/auth/v2/token"
	device   = group + "/auth/v2/device"
	logout   = group + "/auth/v2/logout"
	userInfo = group + "/auth/v2/userinfo"
)

// plan is what a test changes; each zero value is the usual.
type plan struct {
	provider []oidctest.Option
	config   func(*core.Config)
	build    func(App) // nil: the routes, and the handler who at /me
}

// site is one application that serves, and its provider.
type site struct {
	*client
	idp  *oidctest.Provider
	auth *core.Auth
}

func (a Adapter) open(t *testing.T, p plan) *site {
	t.Helper()
	idp := oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, p.provider...)...)
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{ownCallback}})
	cfg := idp.Config()
	cfg.PublicURL = publicURL
	cfg.PostLogoutURIs = []string{afterLogout}
	if p.config != nil {
		p.config(&cfg)
	}
	app, err := a.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Auth().Close() }) // it always returns nil
	if p.build == nil {
		p.build = func(app App) { standard(t, app) }
	}
	p.build(app)
	return &site{newClient(t, app.Serve(t)), idp, app.Auth()}
}

func standard(t *testing.T, app App) {
	t.Helper()
	mount(t, app.Group(group), core.Paths{})
	app.Handle("/me", who)
}

func mount(t *testing.T, router Router, paths core.Paths) {
	t.Helper()
	if err := router.Mount(paths); err != nil {
		t.Fatal(err)
	}
}

// bearer is a header line with the token of a user.
func (s *site) bearer(user string, claims ...oidctest.Claims) string {
	return "Authorization: " + s.idp.Bearer(user, claims...)
}

// begin starts a login and lets a user approve it: what the provider sends back, and the cookies of the browser.
func (s *site) begin(redirect, user string) (query url.Values, cookies string) {
	s.t.Helper()
	start := s.get(login + "?redirect_uri=" + url.QueryEscape(redirect))
	if start.status != http.StatusFound {
		s.t.Fatalf("no login: %s", start.text())
	}
	back, err := s.idp.Approve(start.location(), user)
	if err != nil {
		s.t.Fatal(err)
	}
	return back.Query(), start.cookies()
}

// codeForm is what a program on the user's machine posts: the state as verifier.
func (s *site) codeForm(user string) url.Values {
	s.t.Helper()
	query, _ := s.begin(loopback, user)
	return url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {loopback},
		"code": {query.Get("code")}, "code_verifier": {query.Get("state")},
	}
}

// tokenAnswer is a good answer of the token and callback routes.
func tokenAnswer(headers ...string) string {
	return jsonWith(http.StatusOK, `{"access_token":"…","token_type":"Bearer","expires":…,"expires_in":…,"refresh_token":"…","refresh_expires":…,"scope":"openid profile email"}`, headers...)
}
