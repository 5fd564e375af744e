package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func testDevice(t *testing.T, a setup) {
	const ok = `{"device_code":"…","user_code":"…","verification_uri":"…","verification_uri_complete":"…","expires_in":600,"interval":5}`
	t.Run("ok", func(t *testing.T) {
		s := a.open(t, plan{})
		s.send(http.MethodPost, device, nil).is(jsonWith(http.StatusOK, ok))
		s.post(device, url.Values{"anything": {"at", "all"}}).is(jsonWith(http.StatusOK, ok))
		s.idp.Tamper(oidctest.DeviceAnswers, func(answer oidctest.Claims) {
			delete(answer, "verification_uri_complete")
			delete(answer, "interval")
		})
		s.send(http.MethodPost, device, nil).is(jsonWith(http.StatusOK,
			`{"device_code":"…","user_code":"…","verification_uri":"…","expires_in":600,"interval":5}`))
	})
	t.Run("public client", func(t *testing.T) {
		s := a.open(t, plan{provider: []oidctest.Option{oidctest.WithDevicePKCE()}, config: func(cfg *core.Config) {
			cfg.ClientID, cfg.ClientSecret = oidctest.PublicClient, ""
		}})
		got := s.send(http.MethodPost, device, nil)
		got.is(jsonWith(http.StatusOK, ok))
		var started core.DeviceStart
		if err := json.Unmarshal([]byte(got.body), &started); err != nil {
			t.Fatal(err)
		}
		if err := s.idp.ApproveDevice(started.UserCode, "alice"); err != nil {
			t.Fatal(err)
		}
		s.post(token, url.Values{"device_code": {started.DeviceCode}}).hasStatus(http.StatusOK)
	})
	t.Run("form of another site", func(t *testing.T) {
		a.open(t, plan{}).post(device, nil, foreign...).is(foreignForm())
	})
	t.Run("no device flow", func(t *testing.T) {
		s := a.open(t, plan{provider: []oidctest.Option{oidctest.WithoutDeviceFlow()}})
		s.send(http.MethodPost, device, nil).is(jsonWith(http.StatusServiceUnavailable, `{"detail":"OIDC endpoint 'device_authorization_endpoint' not found in discovery."}`))
	})
	t.Run("no discovery", func(t *testing.T) {
		s := a.open(t, plan{})
		s.idp.Fault(oidctest.Discovery, oidctest.Refused())
		s.send(http.MethodPost, device, nil).is(outage(http.StatusBadGateway, "Failed to contact OIDC endpoint"))
	})
	for name, test := range map[string]struct {
		fault oidctest.Fault
		want  string
	}{
		"outage":  {oidctest.Status(http.StatusBadGateway), outage(http.StatusBadGateway, "Failed to contact OIDC endpoint")},
		"page":    {oidctest.HTML(http.StatusOK), refused(http.StatusBadGateway, "server_error", "The OIDC provider gave an unusable answer.")},
		"refusal": {oidctest.ErrorCode(http.StatusUnauthorized, "invalid_client"), refused(http.StatusBadGateway, "server_error", "The OIDC provider refused this service's request.")},
		"missing": {oidctest.Reply(http.StatusOK, "application/json", `{"device_code":"x"}`),
			refused(http.StatusBadGateway, "server_error", "upstream_malformed_response, missing: user_code")},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.open(t, plan{})
			s.idp.Fault(oidctest.Device, test.fault)
			s.send(http.MethodPost, device, nil).is(test.want)
		})
	}
}

func testUserInfo(t *testing.T, a setup) {
	s := a.open(t, plan{})
	nobody := oidctest.Claims{"preferred_username": nil}
	s.get(userInfo, s.bearer("alice")).is(jsonWith(http.StatusOK, aliceInfo))
	s.get(userInfo).is(noCredentials())
	s.get(userInfo, "Authorization: Bearer x.y.z").is(badToken())
	s.get(userInfo, s.bearer("alice", nobody)).is(s.nameless)

	s.idp.Tamper(oidctest.AccessTokens, func(claims oidctest.Claims) { delete(claims, "preferred_username") })
	thin := s.bearer("alice")
	s.get(userInfo, thin).is(jsonWith(http.StatusOK, aliceInfo)) // the provider has the name
	for _, test := range s.userInfoFaults {
		t.Run(test.name, func(t *testing.T) {
			s.idp.Fault(oidctest.UserInfo, test.fault)
			s.in(t).get(userInfo, thin).is(test.want)
		})
	}
}

func testLogout(t *testing.T, a setup) {
	bye := url.QueryEscape(afterLogout)
	t.Run("at the provider", func(t *testing.T) {
		s := a.open(t, plan{})
		end := s.idp.URL(oidctest.EndSession) + "?client_id=app"
		s.get(logout).is(moved(end))
		s.get(logout + "?state=a+b&id_token_hint=h&post_logout_redirect_uri=" + bye).is(moved(end + s.clientsHint + "&post_logout_redirect_uri=" + bye + "&state=a+b"))
		s.get(logout + "?post_logout_redirect_uri=" + url.QueryEscape("https://evil.example/")).is(moved(end))
		s.get(logout + "?post_logout_redirect_uri=" + bye + "&post_logout_redirect_uri=" + bye).is(moved(end))
		s.get(logout, "Authorization: Bearer x").is(moved(end))
		if hits := s.idp.Hits(oidctest.Revocation); hits != 0 {
			t.Errorf("%d revocations of no token", hits)
		}
		tokens := s.tokens(s.codeForm("alice"))
		s.get(logout, "Authorization: Bearer "+tokens.AccessToken).is(moved(end + s.sessionsHint))
		form := s.idp.Last(oidctest.Revocation).Form
		if got := form.Get("token_type_hint"); got != s.revoked || form.Get("token") == "" {
			t.Errorf("revoked: %v", form)
		}
		s.idp.Fault(oidctest.Revocation, oidctest.Refused())
		s.get(logout, s.bearer("bob")).is(moved(end))
	})
	t.Run("posted", func(t *testing.T) { postedLogout(t, a) })
	t.Run("at home", func(t *testing.T) {
		s := a.open(t, plan{provider: []oidctest.Option{oidctest.WithoutEndSession()}})
		s.get(logout).is(moved("/"))
		s.get(logout + "?state=x&post_logout_redirect_uri=" + bye).is(moved(afterLogout + "?state=x"))
		s.get(logout + "?post_logout_redirect_uri=" + url.QueryEscape("//evil.example")).is(moved("/"))
	})
	t.Run("outage", func(t *testing.T) {
		s := a.open(t, plan{})
		s.idp.Fault(oidctest.Discovery, oidctest.Refused())
		s.get(logout, "Authorization: Bearer x").is(moved("/"))
	})
}

// postedLogout: a program gets the address as JSON, a browser a redirect; a refresh token is read from a form.
func postedLogout(t *testing.T, a setup) {
	s := a.open(t, plan{})
	bye := url.QueryEscape(afterLogout)
	end := s.idp.URL(oidctest.EndSession) + "?client_id=app"
	form := url.Values{"post_logout_redirect_uri": {afterLogout}, "state": {"x"}}
	program := func(address string) string {
		return jsonWith(http.StatusOK, `{"logout_url":"`+strings.ReplaceAll(address, "&", `\u0026`)+`"}`)
	}
	s.send(http.MethodPost, logout, nil).is(program(end))
	s.post(logout, form).is(program(end + "&post_logout_redirect_uri=" + bye + "&state=x"))
	s.post(logout, form, "Sec-Fetch-Mode: navigate").is(moved(end + "&post_logout_redirect_uri=" + bye + "&state=x"))
	s.post(logout, nil, "Accept: text/html,*/*;q=0.8").is(moved(end))
	s.post(logout, url.Values{"refresh_token": {"x", "y"}}).is(invalid("Parameter refresh_token is given more than once."))
	for _, field := range []string{"refresh_token", "refresh-token"} {
		tokens := s.tokens(s.codeForm("alice"))
		s.post(logout, url.Values{field: {tokens.RefreshToken}}).is(program(end + s.sessionsHint))
		form := s.idp.Last(oidctest.Revocation).Form
		if form.Get("token_type_hint") != "refresh_token" || form.Get("token") == "" {
			t.Errorf("revoked: %v", form)
		}
		s.refresh(tokens.RefreshToken).is(s.bookGone)
	}
}
