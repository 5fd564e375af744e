package browser

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// Modes of the library.
const (
	passthrough = "passthrough"
	brokered    = "broker"
)

// part is the table's name for what these tests are about.
const part = "Chromium"

// site is an application with its provider.
type site struct {
	*app.App
	provider *oidctest.Provider
	callback string
	login    string // the address that begins a login
}

// open starts an application with the provider of oidctest. change gets the configuration before it is used.
func open(t *testing.T, framework, mode string, change func(cfg *core.Config)) *site {
	t.Helper()
	s := &site{provider: oidctest.NewProvider(t, oidctest.WithoutSingleSignOn())}
	s.App = app.Start(t, framework, nil, func(publicURL string) core.Config {
		cfg := s.provider.Config()
		cfg.PublicURL = publicURL
		cfg.PostLogoutURIs = []string{publicURL + "/feed"}
		if mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		if change != nil {
			change(&cfg)
		}
		s.at(cfg.PublicURL)
		return cfg
	})
	return s
}

func (s *site) at(publicURL string) {
	s.callback = publicURL + "/auth/v2/callback"
	s.login = publicURL + "/auth/v2/login?" + url.Values{"redirect_uri": {s.callback}, "offline_access": {"true"}}.Encode()
}

// begins opens the login and holds the provider's page against what it has to be.
func (s *site) begins(t *testing.T, tab *Tab) View {
	t.Helper()
	page := tab.Open(t, s.login)
	if page.Status != 200 || !strings.HasPrefix(page.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("the login leads to %s: %d %s", page.URL, page.Status, page.Text)
	}
	return page
}

// as is the button of a user on the provider's page.
func as(user string) string { return `button[name="user"][value="` + user + `"]` }

// deny is the button of somebody who does not want to.
const deny = `button[name="deny"]`

// token reads the token that the callback answered with, and asks the guard whose it is.
func (s *site) token(t *testing.T, page View, user string) core.Token {
	t.Helper()
	if page.Status != 200 || !strings.HasPrefix(page.URL.String(), s.callback+"?") {
		t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	var token core.Token
	if err := json.Unmarshal([]byte(page.Text), &token); err != nil {
		t.Fatalf("%v: %s", err, page.Text)
	}
	if me := s.Me(t, token.AccessToken); me.Username != user {
		t.Errorf("the token is %s's, not %s's", me.Username, user)
	}
	return token
}

// refused holds a page against a refusal: its status, a text, and no token.
func refused(t *testing.T, page View, status int, detail string) {
	t.Helper()
	var body struct{ Detail string }
	err := json.Unmarshal([]byte(page.Text), &body)
	if page.Status != status || err != nil || !strings.Contains(body.Detail, detail) || strings.Contains(page.Text, "access_token") {
		t.Errorf("%s: %d %s; want %d and %q", page.URL.Path, page.Status, page.Text, status, detail)
	}
	if page.Header["cache-control"] != "no-store" {
		t.Errorf("a refusal that may be kept: %q", page.Header["cache-control"])
	}
}

// loginCookies are the cookies of logins under way.
func loginCookies(t *testing.T, browser *chromium.Browser) (list []*network.Cookie) {
	t.Helper()
	for _, cookie := range browser.Cookies(t) {
		if strings.HasPrefix(strings.TrimPrefix(cookie.Name, "__Host-"), "oidc-") {
			list = append(list, cookie)
		}
	}
	return list
}

// quiet holds a tab against what every page has to keep: nothing is asked of another host, and nothing goes wrong but what
// is expected.
func quiet(t *testing.T, tab *Tab, expected ...string) {
	t.Helper()
	if foreign := tab.Foreign(); len(foreign) > 0 {
		t.Errorf("foreign requests: %v", foreign)
	}
	if faults := tab.Faults(expected...); len(faults) > 0 {
		t.Errorf("in the console: %v", faults)
	}
	if len(tab.Asked()) == 0 {
		t.Error("no request was seen at all")
	}
}

// script runs an expression in a page and returns what its promise brings.
func script[T any](t *testing.T, tab *Tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab.Ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}
