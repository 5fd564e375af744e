package pyclient_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
	"github.com/go-oidc-auth/oidcauth/integration/pyclient"
)

// real is an application at a provider that nobody here wrote, and a machine with the client.
type real struct {
	*pyclient.Client
	provider string
	subject  string
	port     int // where the client may wait for the browser
}

// newReal makes them. configure gets the application's public URL and the client's port.
func newReal(t *testing.T, provider, framework, mode string, configure func(publicURL string, port int) core.Config) *real {
	t.Helper()
	r := &real{provider: provider, port: parts.FreePort(t)}
	a := app.Start(t, framework, nil, func(publicURL string) core.Config {
		cfg := configure(publicURL, r.port)
		if mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		return cfg
	})
	r.Client = pyclient.New(t, a.URL+app.Prefix, alice)
	return r
}

// run logs in by both flows, and refreshes after each.
func (r *real) run(t *testing.T, checks *compat.Checks) {
	checks.Run("device flow and refresh at "+r.provider, func(t *testing.T) {
		got := r.Authenticate(t, pyclient.Options{})
		r.works(t, got)
		if paths := got.Paths(); len(got.Opened) != 1 || !strings.HasPrefix(paths, "device 200, ") || !strings.HasSuffix(paths, ", token 200") {
			t.Errorf("the client asked for %q and opened %v", paths, got.Opened)
		}
		r.refreshes(t, got)
	})
	checks.Run("code flow and refresh at "+r.provider, func(t *testing.T) {
		got := r.Authenticate(t, pyclient.Options{Force: true, Code: true, Ports: []int{r.port}})
		r.works(t, got)
		asked(t, got, "token 200", 1)
		loginURL(t, r.Host, got.Opened[0], r.port)
		r.refreshes(t, got)
	})
}

func (r *real) works(t *testing.T, got pyclient.Answer) {
	t.Helper()
	if got.Token == nil {
		t.Fatalf("no token: %d %s, after %s", got.Status, got.Error, got.Paths())
	}
	if me := meOf(t, got); me.Subject != r.subject {
		t.Errorf("the guard says %+v", me)
	}
}

// refreshes is what the client has to do with a token that has expired, more than once.
func (r *real) refreshes(t *testing.T, last pyclient.Answer) {
	t.Helper()
	for range 2 {
		got := r.Authenticate(t, pyclient.Options{Stale: true})
		r.works(t, got)
		asked(t, got, "token 200", 0)
		if got.Token.AccessToken == last.Token.AccessToken {
			t.Error("the access token is the old one")
		}
		last = got
	}
}

// Keycloak says of the refresh token of an offline session that it expires in 0 seconds, and the client asks for such
// sessions: with the Python server it logs in again each time.
func TestKeycloak(t *testing.T) {
	k := parts.NewKeycloak(t)
	for framework, mode := range map[string]string{"gin": brokered, "fiber": passthrough} {
		t.Run(framework+", "+mode, func(t *testing.T) {
			r := newReal(t, "Keycloak "+parts.KeycloakVersion, framework, mode, func(string, int) core.Config {
				return core.Config{DiscoveryURL: k.Issuer + "/.well-known/openid-configuration", ClientID: "app", ClientSecret: parts.KeycloakSecret("app")}
			})
			r.subject = k.User(t, "alice")
			checks := checksOf(t, framework, mode)
			r.run(t, checks)
			checks.Run("offline session of Keycloak", func(t *testing.T) {
				got := r.Authenticate(t, pyclient.Options{Stale: true})
				if got.Token == nil || !strings.Contains(got.Token.Scope, "offline_access") {
					t.Errorf("got %+v", got.Token)
				}
			})
		})
	}
}

func TestNodeProvider(t *testing.T) {
	for framework, mode := range map[string]string{"echo": brokered, "chi": passthrough} {
		t.Run(framework+", "+mode, func(t *testing.T) {
			r := newReal(t, "node-oidc-provider "+parts.NodeVersion, framework, mode, func(publicURL string, port int) core.Config {
				command := parts.Node(t, "op.mjs")
				command.Env = append(os.Environ(), "OP_CALLBACKS="+publicURL+"/auth/v2/callback "+redirect(port), "OP_JWT=1")
				issuer := fmt.Sprint(parts.Start(t, command).Ready["issuer"])
				return core.Config{DiscoveryURL: issuer + "/.well-known/openid-configuration", ClientID: "web", ClientSecret: parts.NodeSecret("web"), Audience: []string{parts.API}}
			})
			r.subject = "alice"
			r.run(t, checksOf(t, framework, mode))
		})
	}
}

// A person's real browser: Chromium opens what the client says, and alice presses her button.
func TestChromium(t *testing.T) {
	checks := checksOf(t, "gin", brokered)
	checks.Run("device flow in Chromium", func(t *testing.T) { inChromium(t, "The device is connected") })
	checks.Run("code flow in Chromium", func(t *testing.T) {
		inChromium(t, "Login successful! You can close this tab.", oidctest.WithoutDeviceFlow())
	})
}

// inChromium is a login; text is on the page that the browser shows in the end.
func inChromium(t *testing.T, text string, options ...oidctest.Option) {
	t.Helper()
	s := open(t, "gin", brokered, options...)
	browser := chromium.New(t)
	s.Browser = func(t testing.TB, address string) {
		ctx, release := context.WithTimeout(browser.Ctx, time.Minute)
		defer release()
		if _, err := chromedp.RunResponse(ctx, chromedp.Navigate(address)); err != nil {
			t.Fatal(err)
		}
		response, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(`button[name="user"][value="alice"]`), chromedp.NodeVisible))
		if err != nil {
			t.Fatal(err)
		}
		page, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if err != nil || response == nil || response.Status != http.StatusOK || !strings.Contains(page, text) {
			t.Errorf("the browser shows %q, %v", page, err)
		}
	}
	got := s.Authenticate(t, pyclient.Options{Ports: []int{parts.FreePort(t)}})
	s.works(t, got)
	if len(got.Opened) != 1 {
		t.Errorf("the client opened %v", got.Opened)
	}
}
