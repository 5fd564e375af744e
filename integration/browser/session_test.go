package browser

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// withSession is an application that ends a login with a cookie of its own and a redirect, so that no token comes into the
// browser.
func withSession(cfg *core.Config) {
	home := cfg.PublicURL + "/feed"
	cfg.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
		session := &http.Cookie{
			Name: "session", Value: "of-" + token.Caller().Username(), Path: "/", HttpOnly: true,
			Secure: strings.HasPrefix(home, "https:"), SameSite: http.SameSiteStrictMode,
		}
		return &core.Response{Status: http.StatusSeeOther, Header: http.Header{
			"Location": {home}, "Set-Cookie": {session.String()}, "Cache-Control": {"no-store"},
		}}
	}
}

// TestOnLogin logs a person in at an application whose OnLogin creates a session of its own.
func TestOnLogin(t *testing.T) {
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				s := open(t, framework, mode, withSession)
				browser := chromium.New(t)
				checks := compat.New(t, part, chromium.Version, framework, mode)
				checks.Run("OnLogin with a redirect and a session cookie", func(t *testing.T) { s.getsSession(t, browser) })
			})
		}
	}
}

func (s *site) getsSession(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	s.begins(t, tab)
	page := tab.Click(t, as("alice"))
	if page.Status != 200 || page.URL.Path != app.Prefix+"/feed" || page.URL.RawQuery != "" {
		t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	if left := loginCookies(t, browser); len(left) != 0 {
		t.Errorf("after the callback: %d cookies of the login", len(left))
	}
	session := cookie(t, browser, "session")
	if session.Value != "of-alice" || !session.HTTPOnly || session.SameSite != network.CookieSameSiteStrict {
		t.Errorf("the session's cookie: %+v", session)
	}
	// Back is the provider's, with the spent state: bob's click changes nothing.
	if back := tab.Back(t); !strings.HasPrefix(back.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("back is %s", back.URL)
	}
	refused(t, tab.Click(t, as("bob")), 400, spent)
	if session := cookie(t, browser, "session"); session.Value != "of-alice" {
		t.Errorf("after bob's click the session is %s", session.Value)
	}
	for _, request := range tab.Asked() {
		if strings.Contains(request, "token=") {
			t.Errorf("a token in an address: %s", request)
		}
	}
	quiet(t, tab, badRequest)
}

func cookie(t *testing.T, browser *chromium.Browser, name string) *network.Cookie {
	t.Helper()
	for _, cookie := range browser.Cookies(t) {
		if cookie.Name == name {
			return cookie
		}
	}
	t.Fatalf("no cookie %s", name)
	return nil
}

// TestHTTPS runs an application behind a TLS proxy, as in production: the name of the login cookie begins with __Host-, and the browser
// sends the cookie although the redirect comes from a provider with another scheme.
func TestHTTPS(t *testing.T) {
	for _, framework := range app.Frameworks {
		t.Run(framework, func(t *testing.T) {
			front, behind := frontend(t)
			s := open(t, framework, brokered, func(cfg *core.Config) {
				behind(strings.TrimSuffix(cfg.PublicURL, app.Prefix))
				cfg.PublicURL = front + app.Prefix
				withSession(cfg)
			})
			s.provider.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{s.callback}})
			browser := chromium.New(t, "ignore-certificate-errors")
			checks := compat.New(t, part, chromium.Version, framework, brokered)
			checks.Run("login over https with a __Host- cookie", func(t *testing.T) {
				tab := newTab(t, browser)
				s.begins(t, tab)
				cookies := loginCookies(t, browser)
				if len(cookies) != 1 {
					t.Fatalf("cookies of the login: %d", len(cookies))
				}
				if c := cookies[0]; !strings.HasPrefix(c.Name, "__Host-oidc-") || !c.Secure || !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || c.Domain != "127.0.0.1" {
					t.Errorf("the login's cookie: %+v", c)
				}
				page := tab.Click(t, as("alice"))
				if page.Status != 200 || page.URL.String() != front+app.Prefix+"/feed" {
					t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
				}
				if left := loginCookies(t, browser); len(left) != 0 {
					t.Errorf("after the callback: %d cookies of the login", len(left))
				}
				if session := cookie(t, browser, "session"); !session.Secure || session.Value != "of-alice" {
					t.Errorf("the session's cookie: %+v", session)
				}
				quiet(t, tab)
			})
		})
	}
}

// frontend is a proxy with TLS; it is told later what it stands in front of.
func frontend(t *testing.T) (address string, behind func(address string)) {
	t.Helper()
	var target *url.URL
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewUnstartedServer(proxy)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, func(address string) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			t.Fatal(errors.Join(err, errors.New("no address: "+address)))
		}
		target = u
	}
}
