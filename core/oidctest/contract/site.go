package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The public addresses of the suite's application; nothing listens there.
const (
	publicURL   = "https://app.example.org/api"
	ownCallback = publicURL + "/auth/v2/callback"
	loopback    = "http://127.0.0.1:7777/callback"
	afterLogout = "https://app.example.org/bye"
)

// The default paths of the routes, in a group of the framework.
const (
	group    = "/api"
	login    = group + "/auth/v2/login"
	callback = group + "/auth/v2/callback"
	token    = group + "/auth/v2/token"
	device   = group + "/auth/v2/device"
	logout   = group + "/auth/v2/logout"
	userInfo = group + "/auth/v2/userinfo"
	jwks     = group + "/auth/v2/.well-known/jwks.json"
	revoke   = group + "/auth/v2/revoke"

	issuing = "/issuing" // where the suite itself gets tokens, whatever a test mounts
)

// plan has the settings that a test changes; each zero value is the default.
type plan struct {
	provider []oidctest.Option
	config   func(*core.Config)
	build    func(App) // nil: the routes, and the handler who at /me
	beside   *site     // another instance of the service: the same provider, and, with the same PublicURL, the same store
}

// site is one application that serves, and its provider.
type site struct {
	*client
	*mode
	idp   *oidctest.Provider
	auth  *core.Auth
	store *testStore // of broker mode, and of browser sessions
	url   string     // PublicURL
}

func (a setup) open(t *testing.T, p plan) *site {
	t.Helper()
	s := &site{mode: a.mode}
	if p.beside != nil {
		s.idp, s.store = p.beside.idp, p.beside.store
	} else {
		s.idp, s.store = newProvider(t, p.provider), newStore()
	}
	cfg := s.idp.Config()
	cfg.PublicURL = publicURL
	cfg.PostLogoutURIs = []string{afterLogout}
	a.configure(&cfg, s.store)
	if p.config != nil {
		p.config(&cfg)
	}
	s.url = cfg.PublicURL
	if cfg.Broker != nil || cfg.Sessions != nil {
		if p.beside != nil && p.beside.url != s.url { // another service: neither can decrypt the rows of the other
			s.store = newStore()
			cfg.Store = s.store
		}
		if cfg.Store == nil {
			cfg.Store = s.store
		}
	}
	if cfg.Broker != nil {
		s.store.seed(t, cfg)
	}
	app, err := a.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.auth = app.Auth()
	t.Cleanup(func() { _ = s.auth.Close() }) // it always returns nil
	if p.build == nil {
		p.build = func(app App) { standard(t, app) }
	}
	p.build(app)
	mount(t, app.Group(issuing), core.Paths{})
	s.client = newClient(t, app.Serve(t))
	return s
}

func newProvider(t *testing.T, options []oidctest.Option) *oidctest.Provider {
	t.Helper()
	idp := oidctest.NewProvider(t, append([]oidctest.Option{oidctest.WithAlgorithm("ES256")}, options...)...)
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{ownCallback}})
	return idp
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

// bearer returns a header line with a token of a user that guards accept.
func (s *site) bearer(user string, claims ...oidctest.Claims) string {
	s.t.Helper()
	return "Authorization: Bearer " + s.token(user, claims...)
}

// token returns such a token, made from one of the provider with these claims.
func (s *site) token(user string, claims ...oidctest.Claims) string {
	s.t.Helper()
	return s.access(s, s.idp.AccessToken(user, claims...))
}

// exchanged returns an own token for one of the provider.
func (s *site) exchanged(providers string) string {
	s.t.Helper()
	got := s.post(issuing+"/auth/v2/token", exchangeOf(providers))
	var tokens core.Token
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil || got.status != http.StatusOK {
		s.t.Fatalf("no own token: %s", got.text())
	}
	return tokens.AccessToken
}

// exchangeOf returns the form of a token exchange (RFC 8693 section 2.1), with further fields.
func exchangeOf(subject string, fields ...string) url.Values {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject}}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return form
}

// begin starts a login and lets a user approve it. It returns the query that the provider sends back and the browser's cookies.
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

// codeForm returns the form of a program on the user's machine, with the state as verifier.
func (s *site) codeForm(user string) url.Values {
	s.t.Helper()
	query, _ := s.begin(loopback, user)
	return url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {loopback},
		"code": {query.Get("code")}, "code_verifier": {query.Get("state")},
	}
}

// tokenAnswer is a successful answer of the token and callback routes.
func tokenAnswer(headers ...string) string {
	return jsonWith(http.StatusOK, `{"access_token":"…","token_type":"Bearer","expires":…,"expires_in":…,"refresh_token":"…","refresh_expires":…,"scope":"openid profile email"}`, headers...)
}
