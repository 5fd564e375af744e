package pyclient_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/pyclient"
)

// The unmodified client with every adapter, in both modes. Its routes stand in a group with a prefix throughout.
func TestClient(t *testing.T) {
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				t.Parallel() // the client waits most of the time
				checks := checksOf(t, framework, mode)
				s := open(t, framework, mode)
				s.deviceFlow(t, checks)
				s.refused(checks)
				offline(checks, framework, mode)
				codeFlow(checks, framework, mode)
				if framework == "gin" && mode == brokered || framework == "fiber" && mode == passthrough {
					s.tool(checks)
					s.unanswered(checks)
				}
			})
		}
	}
}

// pending are the requests of a device flow in which the user does not answer at once.
var pending = regexp.MustCompile(`^device 200, (token 400, )+token 200$`)

// deviceFlow is the life of a token: login, cache, refresh, and login again.
func (s *site) deviceFlow(t *testing.T, checks *compat.Checks) {
	checks.Run("device flow", func(t *testing.T) {
		s.Browser = func(t testing.TB, address string) {
			go s.late(t, address) // the client goes on while she thinks
		}
		got := s.Authenticate(t, pyclient.Options{})
		s.works(t, got)
		if paths := got.Paths(); !pending.MatchString(paths) {
			t.Errorf("the client asked for %q", paths)
		}
		if len(got.Opened) != 1 || !strings.HasPrefix(got.Opened[0], s.idp.URL(oidctest.DevicePage)+"?user_code=") {
			t.Errorf("it opened %v", got.Opened)
		}
	})
	s.Browser = alice
	last := s.Authenticate(t, pyclient.Options{})
	checks.Run("a cached token without a request", func(t *testing.T) {
		s.works(t, last)
		asked(t, last, "", 0)
	})
	checks.Run("refresh", func(t *testing.T) {
		for range 2 { // the second with the refresh token of the first
			got := s.Authenticate(t, pyclient.Options{Stale: true})
			s.works(t, got)
			asked(t, got, "token 200", 0)
			if got.Token.AccessToken == last.Token.AccessToken || got.Token.RefreshToken == last.Token.RefreshToken {
				t.Error("a token is the old one")
			}
			last = got
		}
	})
	checks.Run("a refresh that is refused ends in a new login", func(t *testing.T) {
		got := s.Authenticate(t, pyclient.Options{Stale: true, Spoilt: true})
		s.works(t, got)
		if want := map[string]string{passthrough: "token 400, device 200, token 200", brokered: "token 401, device 200, token 200"}[s.mode]; got.Paths() != want {
			t.Errorf("the client asked for %q", got.Paths())
		}
	})
	checks.Run("forced login", func(t *testing.T) {
		got := s.Authenticate(t, pyclient.Options{Force: true})
		s.works(t, got)
		asked(t, got, "device 200, token 200", 1)
	})
}

// refused are device logins that do not go well.
func (s *site) refused(checks *compat.Checks) {
	checks.Run("denial", func(t *testing.T) {
		s.Browser = s.refuses
		got := s.Authenticate(t, pyclient.Options{Force: true})
		if got.Token != nil || got.Error != "Device flow failed: access_denied" {
			t.Errorf("got %+v", got)
		}
		asked(t, got, "device 200, token 400", 1)
	})
	checks.Run("slow_down", func(t *testing.T) {
		s.Browser = alice
		s.idp.Fault(oidctest.Token, oidctest.Times(2, oidctest.ErrorCode(http.StatusBadRequest, "slow_down")))
		got := s.Authenticate(t, pyclient.Options{Force: true})
		s.works(t, got)
		asked(t, got, "device 200, token 400, token 400, token 200", 1)
		if polls := got.Requests[1:]; len(polls) == 3 && polls[2].At-polls[1].At < 5 { // it slows down from the second pause on
			t.Errorf("polls %+v", polls)
		}
	})
	checks.Run("an outage of the provider while it polls", func(t *testing.T) {
		s.idp.Fault(oidctest.Token, oidctest.Times(1, oidctest.Status(http.StatusServiceUnavailable)))
		got := s.Authenticate(t, pyclient.Options{Force: true})
		s.works(t, got)
		asked(t, got, "device 200, token 503, token 200", 1)
	})
	s.Browser = alice
}

// tool is the command line tool of the client.
func (s *site) tool(checks *compat.Checks) {
	checks.Run("command line tool", func(t *testing.T) {
		code, output, fault := s.Tool(t, s.Host, "--json")
		var token pyclient.Token
		if err := json.Unmarshal([]byte(output), &token); code != 0 || err != nil || token.AccessToken == "" {
			t.Fatalf("%d, %v: %s", code, err, fault)
		}
		if code, output, _ := s.Tool(t, s.Host); code != 0 || !strings.Contains(output, "Authenticated to "+s.Host) || !strings.Contains(output, token.AccessToken[:20]+"...") {
			t.Errorf("with a cached token: %d %s", code, output)
		}
		host := strings.TrimSuffix(s.Host, app.Prefix)
		if code, output, _ := s.Tool(t, "--list"); code != 0 || strings.TrimSpace(output) != host+"  (valid)" {
			t.Errorf("--list: %d %s", code, output)
		}
		s.Browser = s.refuses
		if code, _, fault := s.Tool(t, s.Host, "--force"); code != 1 || !strings.Contains(fault, "Authentication failed: Device flow failed: access_denied") {
			t.Errorf("after a denial: %d %s", code, fault)
		}
		s.Browser = alice
		if code, output, _ := s.Tool(t, "--remove", host); code != 0 || !strings.Contains(output, "Removed token for "+host) {
			t.Errorf("--remove: %d %s", code, output)
		}
	})
	checks.Lacks("command line tool: it parses its options for routes and ports and then does not use them, so routes under other names than the default ones cannot be reached with it")
	checks.Lacks("two applications under prefixes of one host: the client caches by host and port alone, so the second one is sent the first one's token")
}

// unanswered are logins that end with the client's patience.
func (s *site) unanswered(checks *compat.Checks) {
	checks.Run("nobody answers", func(t *testing.T) {
		s.Browser = away
		got := s.Authenticate(t, pyclient.Options{Force: true, Timeout: 2})
		if got.Token != nil || !strings.Contains(got.Error, "allotted time") {
			t.Errorf("got %+v", got)
		}
	})
	checks.Run("a login that is refused ends with the client's time", func(t *testing.T) {
		code := open(t, "chi", s.mode, oidctest.WithoutDeviceFlow())
		code.Browser = func(t testing.TB, address string) {
			agent := app.NewAgent()
			back, err := code.idp.Deny(agent.Open(t, address, code.idp.URL(oidctest.Authorization)).URL.String())
			if err != nil {
				t.Fatal(err)
			}
			if page := agent.Open(t, back.String(), ""); back.Query().Get("error") != "access_denied" || page.Status != http.StatusBadRequest {
				t.Errorf("the client answered %s with %d", back, page.Status)
			}
		}
		got := code.Authenticate(t, pyclient.Options{Timeout: 2, Ports: []int{parts.FreePort(t)}})
		if got.Token != nil || !strings.Contains(got.Error, "did not complete within 2s") {
			t.Errorf("got %+v", got)
		}
		asked(t, got, "device 503", 1)
	})
}

// offline has a provider that says as Keycloak does of an offline token: it expires in 0 seconds, which means never.
func offline(checks *compat.Checks, framework, mode string) {
	checks.Run("a refresh token that never expires is used", func(t *testing.T) {
		s := open(t, framework, mode, oidctest.WithRefreshExpiresIn(0))
		s.works(t, s.Authenticate(t, pyclient.Options{}))
		if scope := s.idp.Last(oidctest.Device).Form.Get("scope"); !strings.Contains(scope, "offline_access") {
			t.Errorf("the provider was asked for %q", scope)
		}
		got := s.Authenticate(t, pyclient.Options{Stale: true})
		s.works(t, got)
		asked(t, got, "token 200", 0)
	})
	checks.Run("expiry of a device code", func(t *testing.T) {
		s := open(t, framework, mode, oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second, Device: 2 * time.Second}))
		s.Browser = away
		got := s.Authenticate(t, pyclient.Options{})
		if got.Token != nil || got.Error != "Device flow failed: expired_token" {
			t.Errorf("got %+v", got)
		}
	})
}

// codeFlow has a provider without a device flow.
func codeFlow(checks *compat.Checks, framework, mode string) {
	checks.Run("code flow at a provider without device flow", func(t *testing.T) {
		s := open(t, framework, mode, oidctest.WithoutDeviceFlow())
		port := parts.FreePort(t)
		got := s.Authenticate(t, pyclient.Options{Ports: []int{port}})
		s.works(t, got)
		asked(t, got, "device 503, token 200", 1)
		loginURL(t, s.Host, got.Opened[0], port)
		if scope := got.Token.Scope; !strings.Contains(scope, "offline_access") {
			t.Errorf("the scope is %q", scope)
		}
		again := s.Authenticate(t, pyclient.Options{Stale: true, Ports: []int{port}})
		s.works(t, again)
		asked(t, again, "token 200", 0)
	})
	checks.Lacks("denial in a code flow: the client does not read error in what the provider sends back, and waits until its time is over")
}

// loginURL is what the client opens in a code flow.
func loginURL(t *testing.T, host, opened string, port int) {
	t.Helper()
	u, err := url.Parse(opened)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(opened, host+"/auth/v2/login?") || q.Get("redirect_uri") != redirect(port) || q.Get("offline_access") != "true" || q.Get("prompt") != "consent" {
		t.Errorf("the client opened %s", opened)
	}
}
