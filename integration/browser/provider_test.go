package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// TestNodeProvider logs a person in on the pages of a provider of another project: the person types a name and a password, and gives
// consent.
func TestNodeProvider(t *testing.T) {
	var provider *parts.NodeProvider
	s := &site{App: app.Start(t, "gin", nil, func(publicURL string) core.Config {
		provider = parts.NewNodeProvider(t, publicURL, parts.Shape{})
		return core.Config{
			DiscoveryURL: provider.Issuer + "/.well-known/openid-configuration", ClientID: "web", ClientSecret: parts.NodeSecret("web"),
			PostLogoutURIs: []string{publicURL + "/bye"}, Store: store.NewMemory(), Broker: &core.BrokerConfig{},
		}
	})}
	s.at(s.URL + app.Prefix)
	browser := chromium.New(t)
	checks := compat.New(t, part, chromium.Version, "gin", brokered)
	checks.Lacks("node-oidc-provider " + parts.NodeVersion + ": its built-in pages ask fonts.googleapis.com for a web font, which is not found in these tests")
	tab := newTab(t, browser)
	var token core.Token
	checks.Run("login and consent on the pages of node-oidc-provider", func(t *testing.T) {
		if page := tab.Open(t, s.login); page.Status != 200 || !strings.HasPrefix(page.URL.String(), provider.Issuer+"/interaction/") {
			t.Fatalf("the login leads to %s: %d %s", page.URL, page.Status, page.Text)
		}
		if cookies := loginCookies(t, browser); len(cookies) != 1 {
			t.Errorf("cookies of the login: %d", len(cookies))
		}
		err := chromedp.Do(tab.Ctx,
			chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), "alice"),
			chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), "any will do"))
		if err != nil {
			t.Fatal(err)
		}
		if page := tab.Click(t, `button[type="submit"]`); !strings.HasPrefix(page.URL.String(), provider.Issuer+"/interaction/") || !strings.Contains(page.Text, "Authorize") {
			t.Fatalf("the consent is %s: %d %s", page.URL, page.Status, page.Text)
		}
		page := tab.Click(t, `button[type="submit"]`)
		token = s.token(t, page, "alice")
		refused(t, tab.Reload(t), 400, spent)
	})
	checks.Run("a second login at the provider's session asks nothing", func(t *testing.T) {
		again := newTab(t, browser)
		s.token(t, again.Open(t, s.login), "alice")
		quiet(t, again)
	})
	checks.Run("logout on the pages of node-oidc-provider", func(t *testing.T) {
		bye := s.URL + app.Prefix + "/bye"
		answer := s.Get(t, "/auth/v2/logout?state=s1&post_logout_redirect_uri="+bye, token.AccessToken)
		if page := tab.Open(t, answer.Header.Get("Location")); page.Status != 200 || !strings.HasPrefix(page.URL.String(), provider.Issuer+"/session/end") {
			t.Fatalf("the logout leads to %s: %d %s", page.URL, page.Status, page.Text)
		}
		page := tab.Click(t, `button[name="logout"]`)
		if page.URL.String() != bye+"?state=s1" {
			t.Errorf("the logout ends at %s", page.URL)
		}
		if got := s.Get(t, "/me", token.AccessToken); got.Status != 401 {
			t.Errorf("the token after the logout: %d", got.Status)
		}
		if page := tab.Open(t, s.login); !strings.HasPrefix(page.URL.String(), provider.Issuer+"/interaction/") {
			t.Errorf("the login after the logout leads to %s", page.URL)
		}
	})
	for _, request := range tab.Foreign() {
		if !strings.Contains(request, "https://fonts.googleapis.com/") {
			t.Errorf("a foreign request: %s", request)
		}
	}
	if faults := tab.Faults("fonts.googleapis.com", badRequest, "status of 404"); len(faults) > 0 {
		t.Errorf("in the console: %v", faults)
	}
}
