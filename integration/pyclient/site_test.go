package pyclient_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/pyclient"
)

// Modes of the library.
const (
	passthrough = "passthrough"
	brokered    = "broker"
)

func checksOf(t *testing.T, framework, mode string) *compat.Checks {
	return compat.New(t, "py-oidc-auth-client", parts.PythonClientVersion, framework, mode)
}

// site is an application at the provider for tests, and a machine with the client.
type site struct {
	*pyclient.Client
	idp  *oidctest.Provider
	auth *core.Auth
	mode string
}

// open starts them, with alice at the browser. The provider lets a device ask every second.
func open(t *testing.T, framework, mode string, options ...oidctest.Option) *site {
	t.Helper()
	lifetimes := oidctest.WithLifetimes(oidctest.Lifetimes{Interval: time.Second})
	s := &site{idp: oidctest.NewProvider(t, append([]oidctest.Option{lifetimes}, options...)...), mode: mode}
	a := app.Start(t, framework, nil, func(publicURL string) core.Config {
		cfg := s.idp.Config()
		cfg.PublicURL = publicURL
		if mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		return cfg
	})
	s.auth = a.Auth
	s.Client = pyclient.New(t, a.URL+app.Prefix, alice)
	return s
}

// alice opens an address and presses the first button that she finds, which says that she is alice.
func alice(t testing.TB, address string) { app.NewAgent().SignIn(t, address, "", "alice", "alice") }

// away is somebody who does not see the browser.
func away(testing.TB, string) {}

// late is alice, slower than the first poll that comes to the provider.
func (s *site) late(t testing.TB, address string) {
	for s.idp.Hits(oidctest.Token) == 0 && t.Context().Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.idp.ApproveDevice(userCode(address), "alice"); err != nil {
		t.Error(err)
	}
}

// refuses is a browser in which a device is not allowed.
func (s *site) refuses(t testing.TB, address string) {
	if err := s.idp.DenyDevice(userCode(address)); err != nil {
		t.Error(err)
	}
}

// userCode is the code in the address that a device shows.
func userCode(address string) string {
	_, code, _ := strings.Cut(address, "user_code=")
	return code
}

// works holds an answer against everything that the client reads, and the guard.
func (s *site) works(t *testing.T, got pyclient.Answer) {
	t.Helper()
	if got.Token == nil {
		t.Fatalf("no token: %d %s, after %s", got.Status, got.Error, got.Paths())
	}
	if me := meOf(t, got); me.Subject != "alice" || !slices.Contains(me.Roles, "admin") {
		t.Errorf("the guard says %+v", me)
	}
	now := time.Now().Unix()
	life := int64(5 * 60)
	if s.mode == brokered {
		life = 60 * 60
	}
	token := got.Token
	if token.TokenType != "Bearer" || token.RefreshToken == "" || !slices.Contains(strings.Fields(token.Scope), "openid") {
		t.Errorf("type %q, scope %q, a refresh token: %t", token.TokenType, token.Scope, token.RefreshToken != "")
	}
	if token.Expires < now+life-30 || token.Expires > now+life || token.RefreshExpires < now+60*60 {
		t.Errorf("it expires in %d s, the refresh token in %d s", token.Expires-now, token.RefreshExpires-now)
	}
	if got.Stored == nil || got.Stored.AccessToken != token.AccessToken || got.Stored.RefreshToken != token.RefreshToken {
		t.Error("the cache has another token")
	}
}

// meOf is what the guarded handler said to the headers of the client.
func meOf(t *testing.T, got pyclient.Answer) (me app.Me) {
	t.Helper()
	if got.Me.Status != http.StatusOK {
		t.Fatalf("the guard: %d %s", got.Me.Status, got.Me.Body)
	}
	if err := json.Unmarshal([]byte(got.Me.Body), &me); err != nil {
		t.Fatal(err)
	}
	return me
}

// asked says which requests the client should have made, and how often it should have opened a browser.
func asked(t *testing.T, got pyclient.Answer, want string, opened int) {
	t.Helper()
	if got.Paths() != want || len(got.Opened) != opened {
		t.Errorf("the client asked for %q and opened %v, want %q and %d", got.Paths(), got.Opened, want, opened)
	}
}

// redirect is where the client waits for the browser in a code flow.
func redirect(port int) string { return "http://localhost:" + strconv.Itoa(port) + "/callback" }
