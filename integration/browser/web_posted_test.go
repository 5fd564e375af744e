package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// TestBrowserPostedAnswers has a provider that posts the answer of a login. It is another site than the application, which the browser knows
// as localhost: so it sends no cookie with the form but the one that is SameSite=None.
func TestBrowserPostedAnswers(t *testing.T) {
	for _, framework := range app.Frameworks {
		mode := map[string]string{"gin": brokered, "fiber": brokered}[framework]
		if mode == "" {
			mode = passthrough
		}
		t.Run(framework+", "+mode, func(t *testing.T) {
			own := "" // the application without the proxy
			front, behind := frontend(t)
			front = strings.Replace(front, "127.0.0.1", "localhost", 1)
			if framework == "echo" { // on loopback browsers take Secure cookies without TLS
				front = ""
			}
			s := open(t, framework, mode, func(cfg *core.Config) {
				own = strings.TrimSuffix(cfg.PublicURL, app.Prefix)
				behind(own)
				if front == "" {
					front = strings.Replace(own, "127.0.0.1", "localhost", 1)
				}
				cfg.PublicURL, cfg.ResponseMode = front+app.Prefix, "form_post"
				web(cfg)
			})
			s.provider.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{s.callback}})
			s.URL = front
			browser := chromium.New(t, "ignore-certificate-errors")
			tab := newTab(t, browser)
			checks := compat.New(t, part, chromium.Version, framework, mode)
			checks.Run("browser session: an answer that the provider posts from another site", func(t *testing.T) { s.postsAnswer(t, browser, tab, own) })
			checks.Run("browser session: a posted answer of a login that another browser began is refused", func(t *testing.T) { s.postsToAnother(t, browser) })
		})
	}
}

// postsAnswer logs alice in, and then bob over her session.
func (s *site) postsAnswer(t *testing.T, browser *chromium.Browser, tab *Tab, own string) {
	wanted := s.URL + app.Prefix + "/me?from=here"
	s.reaches(t, tab, wanted)
	cookies := loginCookies(t, browser)
	if len(cookies) != 1 || cookies[0].SameSite != network.CookieSameSiteNone || !cookies[0].Secure || !cookies[0].HTTPOnly {
		t.Fatalf("the login's cookies: %+v", cookies)
	}
	tab.Press(t, as("alice"))
	s.lands(t, tab, wanted, "alice")
	first := sessionCookie(t, browser)
	if len(first.Value) != 64 || first.SameSite != network.CookieSameSiteLax || !first.HTTPOnly {
		t.Errorf("the session's cookie: %+v", first)
	}
	s.reaches(t, tab, s.URL+app.Prefix+"/auth/v2/login?prompt=login&return_to="+app.Prefix+"/me%3Ffrom=here")
	tab.Press(t, as("bob"))
	s.lands(t, tab, wanted, "bob")
	if sessionCookie(t, browser).Value == first.Value {
		t.Error("bob has the session's cookie of alice")
	}
	for _, c := range loginCookies(t, browser) {
		if c.SameSite != network.CookieSameSiteLax {
			t.Errorf("a cookie for other sites is left: %+v", c)
		}
	}
	posted := 0
	for _, request := range tab.Asked() {
		switch {
		case request == "POST "+s.callback:
			posted++
		case strings.Contains(request, "code="):
			t.Errorf("a code in an address: %s", request)
		}
	}
	if posted != 2 {
		t.Errorf("%d answers were posted: %v", posted, tab.Asked())
	}
	if old := asWith(t, own+app.Prefix+"/me", first); old == http.StatusOK {
		t.Error("the session of alice is left")
	}
	quiet(t, tab)
}

// postsToAnother drops the cookies before the form is sent.
func (s *site) postsToAnother(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	browser.DropCookies(t)
	s.reaches(t, tab, s.URL+app.Prefix+"/me?from=here")
	browser.DropCookies(t)
	tab.Press(t, as("alice"))
	tab.Until(t, `location.href.startsWith("`+s.callback+`") && document.readyState === "complete"`)
	if text := script[string](t, tab, "document.body.innerText"); !strings.Contains(text, "Log in again") {
		t.Errorf("it ends with %s", text)
	}
	if left := sessionCookie(t, browser); left.Value != "" {
		t.Errorf("there is a session: %+v", left)
	}
}

// reaches opens an address that leads to the provider's page.
func (s *site) reaches(t *testing.T, tab *Tab, address string) {
	t.Helper()
	if page := tab.Open(t, address); page.Status != 200 || !strings.HasPrefix(page.URL.String(), s.provider.URL(oidctest.Authorization)+"?") {
		t.Fatalf("%s leads to %s: %d %s", address, page.URL, page.Status, page.Text)
	}
}

// lands waits for the page that the person wanted.
func (s *site) lands(t *testing.T, tab *Tab, wanted, user string) {
	t.Helper()
	tab.Until(t, `location.href === "`+wanted+`" && document.readyState === "complete"`)
	if text := script[string](t, tab, "document.body.innerText"); !strings.Contains(text, `"username":"`+user+`"`) {
		t.Fatalf("the page of %s: %s", user, text)
	}
}

// asWith asks for a page with one cookie.
func asWith(t *testing.T, address string, cookie *network.Cookie) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
