package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
)

// Modes of the library.
const (
	passthrough = "passthrough"
	brokered    = "broker"
)

// journey is what a user does with an application: each field that is set or not says what the provider has.
type journey struct {
	part, version  string
	framework      string
	mode           string
	config         func(t *testing.T, publicURL string) core.Config // without the mode
	user, password string
	subject        string // what the guard says of the user; "": some text

	email string                        // what the guard of broker mode knows: out of ID token or userinfo; "": nothing
	sees  func(t *testing.T, me app.Me) // what else the guard has to see after a login; nil: nothing

	opaque     bool // access tokens are no JWTs: guards of passthrough mode refuse them
	noUserInfo bool // the provider's userinfo refuses its own access tokens
	noRefresh  bool
	sameToken  bool                                                         // a refresh brings no new refresh token
	device     func(t *testing.T, agent *app.Agent, start core.DeviceStart) // approves; nil: the provider has none
	deviceFlaw deviceFlaw
	noLogout   bool
	revocation bool     // a logout in broker mode revokes at the provider
	lacks      []string // for the table
}

// deviceFlaw is what a provider gets wrong after a device flow.
type deviceFlaw struct {
	reuse     bool // a device code that was used is good once more
	noRefresh bool // its refresh tokens are good for nothing
}

// site is an application and its calls to the provider.
type site struct {
	*app.App
	mode  string
	calls *calls
}

func (j journey) open(t *testing.T) *site {
	t.Helper()
	s := &site{mode: j.mode, calls: &calls{}}
	s.App = app.Start(t, j.framework, nil, func(publicURL string) core.Config {
		cfg := j.config(t, publicURL)
		cfg.HTTPClient = &http.Client{Transport: s.calls}
		cfg.PostLogoutURIs = append(cfg.PostLogoutURIs, publicURL+"/bye")
		if j.mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		return cfg
	})
	return s
}

// run walks the whole journey and writes a row of the table.
func (j journey) run(t *testing.T) {
	s := j.open(t)
	checks := compat.New(t, j.part, j.version, j.framework, j.mode)
	for _, what := range j.lacks {
		checks.Lacks(what)
	}
	agent := app.NewAgent()
	var token core.Token
	checks.Run("login with PKCE and ID token", func(t *testing.T) {
		token = app.JSON[core.Token](t, s.Login(t, agent, j.user, j.password))
		s.works(t, j, token)
		if me := s.Get(t, "/me", token.AccessToken); j.mode == brokered && j.email != "" && app.JSON[app.Me](t, me).Email != j.email {
			t.Errorf("the guard says %s", me.Body)
		}
		if j.sees != nil {
			j.sees(t, s.Me(t, token.AccessToken))
		}
	})
	checks.Run("login of a program", func(t *testing.T) {
		form := s.ProgramLogin(t, agent, j.user, j.password)
		s.works(t, j, s.Token(t, form))
		if again := s.Post(t, "/auth/v2/token", form); again.Status < 400 || again.Status > 499 {
			t.Errorf("the same code again: %d %s", again.Status, again.Body)
		}
	})
	if !j.noUserInfo || j.mode == brokered {
		checks.Run("userinfo", func(t *testing.T) { s.userInfo(t, j, token) })
	}
	if !j.noRefresh {
		checks.Run("refresh", func(t *testing.T) { token = s.refreshed(t, j, token) })
	}
	if j.device != nil {
		checks.Run("device flow", func(t *testing.T) { s.device(t, j) })
	} else {
		checks.Run("no device flow: 503", func(t *testing.T) {
			if got := s.Post(t, "/auth/v2/device", nil); got.Status != http.StatusServiceUnavailable {
				t.Errorf("device start: %d %s", got.Status, got.Body)
			}
		})
	}
	if !j.noLogout {
		checks.Run("logout", func(t *testing.T) { s.logout(t, j, agent, token) })
	}
}

// works holds a token against the guard.
func (s *site) works(t *testing.T, j journey, token core.Token) {
	t.Helper()
	if token.AccessToken == "" || token.TokenType != "Bearer" || token.Expires <= time.Now().Unix() {
		t.Fatalf("no token that is good now: type %q, expires %d", token.TokenType, token.Expires)
	}
	if j.opaque && j.mode == passthrough {
		if got := s.Get(t, "/me", token.AccessToken); got.Status != http.StatusUnauthorized {
			t.Errorf("an opaque token: %d", got.Status)
		}
		return
	}
	if me := s.Me(t, token.AccessToken); me.Subject == "" || j.subject != "" && me.Subject != j.subject {
		t.Errorf("the guard says %+v", me)
	}
}

// userInfo: who the caller is, which an opaque token tells nobody in passthrough mode.
func (s *site) userInfo(t *testing.T, j journey, token core.Token) {
	answer := s.Get(t, "/auth/v2/userinfo", token.AccessToken)
	if j.opaque && j.mode == passthrough {
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("with an opaque token: %d %s", answer.Status, answer.Body)
		}
		return
	}
	info := app.JSON[map[string]any](t, answer)
	if name, _ := info["username"].(string); name == "" {
		t.Errorf("userinfo knows no name: %v", info)
	}
}

func (s *site) refreshed(t *testing.T, j journey, token core.Token) core.Token {
	t.Helper()
	if token.RefreshToken == "" {
		t.Fatal("no refresh token")
	}
	next := s.Refresh(t, token.RefreshToken)
	s.works(t, j, next)
	last := s.Refresh(t, next.RefreshToken)
	s.works(t, j, last)
	if same := last.RefreshToken == token.RefreshToken; j.mode == passthrough && same != j.sameToken {
		t.Errorf("the refresh token is the old one: %v", same)
	}
	return last
}

func (s *site) device(t *testing.T, j journey) {
	start := app.JSON[core.DeviceStart](t, s.Post(t, "/auth/v2/device", nil))
	form := url.Values{"device-code": {start.DeviceCode}}
	if early := s.Post(t, "/auth/v2/token", form); early.Status < 400 || !strings.Contains(early.Body, "authorization_pending") {
		t.Errorf("before the user answers: %d %s", early.Status, early.Body)
	}
	j.device(t, app.NewAgent(), start)
	time.Sleep(time.Duration(start.Interval) * time.Second) // what the provider asks for
	token := s.Token(t, form)
	s.works(t, j, token)
	switch {
	case j.deviceFlaw.noRefresh:
		status := http.StatusBadRequest
		if j.mode == brokered { // whose sessions end then
			status = http.StatusUnauthorized
		}
		s.refused(t, "a refresh after a device flow", token.RefreshToken, status, core.CodeInvalidGrant)
	case !j.noRefresh:
		s.works(t, j, s.Refresh(t, token.RefreshToken))
	}
	if again := s.Post(t, "/auth/v2/token", form); (again.Status < 400 || again.Status > 499) != j.deviceFlaw.reuse {
		t.Errorf("the same device code again: %d %s", again.Status, again.Body)
	}
}

// logout ends the session here and at the provider, which asks the user for a yes where it wants one.
func (s *site) logout(t *testing.T, j journey, agent *app.Agent, token core.Token) {
	before := s.calls.count(http.MethodPost, http.StatusOK)
	bye := s.URL + app.Prefix + "/bye"
	answer := s.Get(t, "/auth/v2/logout?"+url.Values{"post_logout_redirect_uri": {bye}, "state": {"s1"}}.Encode(), token.AccessToken)
	if answer.Status != http.StatusFound {
		t.Fatalf("logout: %d %s", answer.Status, answer.Body)
	}
	target := answer.Header.Get("Location")
	if hinted := strings.Contains(target, "id_token_hint="); hinted != (j.mode == brokered && !strings.HasPrefix(target, bye)) {
		t.Errorf("the provider is told whose logout that is: %v", hinted)
	}
	back := agent.SignIn(t, target, bye, j.user, j.password)
	if back.URL.Query().Get("state") != "s1" {
		t.Errorf("the browser ends at %s", back.URL)
	}
	callback := s.URL + app.Prefix + "/auth/v2/callback"
	login := s.URL + app.Prefix + "/auth/v2/login?" + url.Values{"redirect_uri": {callback}}.Encode()
	if page := agent.Open(t, login, callback); page.Status != http.StatusOK || strings.HasPrefix(page.URL.String(), s.URL) {
		t.Errorf("the provider shows no form at the next login: status %d at %s%s", page.Status, page.URL.Host, page.URL.Path)
	}
	if j.revocation && s.calls.count(http.MethodPost, http.StatusOK) != before+1 {
		t.Error("nothing was revoked at the provider")
	}
	if j.mode != brokered {
		return
	}
	if got := s.Post(t, "/auth/v2/token", url.Values{"refresh-token": {token.RefreshToken}}); got.Status != http.StatusUnauthorized {
		t.Errorf("refresh after logout: %d %s", got.Status, got.Body)
	}
	if got := s.Get(t, "/me", token.AccessToken); got.Status != http.StatusUnauthorized {
		t.Errorf("the access token after logout: %d", got.Status)
	}
}
