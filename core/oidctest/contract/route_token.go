package contract

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

func invalid(detail string) string { return refused(http.StatusBadRequest, "invalid_request", detail) }

// badRequest makes a refusal whose detail begins with its code, which polling clients read.
func badRequest(code, detail string) string {
	return refused(http.StatusBadRequest, code, code+": "+detail)
}

func spentGrant() string {
	return badRequest("invalid_grant", "the code or token is not valid, was used, or has expired")
}

// tokens posts a form, which must succeed.
func (s *site) tokens(form url.Values) core.Token {
	s.t.Helper()
	got := s.post(token, form)
	got.is(tokenAnswer())
	var tokens core.Token
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
		s.t.Fatal(err)
	}
	return tokens
}

func testToken(t *testing.T, a setup) {
	t.Run("code and refresh", func(t *testing.T) {
		s := a.open(t, plan{})
		form := s.codeForm("alice")
		first := s.tokens(form)
		s.get("/me", "Authorization: Bearer "+first.AccessToken).is(seen("alice", 2))
		s.post(token, form).is(invalid("The login state is not valid: begin the login again."))

		second := s.tokens(url.Values{"refresh-token": {first.RefreshToken}})
		third := s.tokens(url.Values{"refresh_token": {second.RefreshToken}, "grant_type": {"refresh_token"}})
		s.get("/me", "Authorization: Bearer "+third.AccessToken).is(seen("alice", 2))
		s.post(token, url.Values{"refresh-token": {first.RefreshToken}}).is(s.refreshGone)
	})
	t.Run("device", func(t *testing.T) { deviceTokens(t, a) })
	t.Run("refusals", func(t *testing.T) { tokenRefusals(t, a) })
	t.Run("codes", func(t *testing.T) { codeRefusals(t, a) })
	t.Run("provider", func(t *testing.T) { tokenProvider(t, a) })
}

// deviceTokens polls as the Python client does, with only the device code.
func deviceTokens(t *testing.T, a setup) {
	s := a.open(t, plan{})
	start := func() (code, user string) {
		var started core.DeviceStart
		if err := json.Unmarshal([]byte(s.send(http.MethodPost, device, nil).body), &started); err != nil {
			t.Fatal(err)
		}
		return started.DeviceCode, started.UserCode
	}
	poll := func(code string) *answer { return s.post(token, url.Values{"device-code": {code}}) }

	code, user := start()
	poll(code).is(badRequest("authorization_pending", "the user has not answered yet"))
	poll(code).is(badRequest("slow_down", "polled too fast, wait 5 seconds longer from now on"))
	if err := s.idp.ApproveDevice(user, "bob"); err != nil {
		t.Fatal(err)
	}
	got := poll(code)
	got.is(strings.Replace(tokenAnswer(), "profile email", "profile email offline_access", 1))
	var tokens core.Token
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil {
		t.Fatal(err)
	}
	s.get("/me", "Authorization: Bearer "+tokens.AccessToken).is(seen("bob", 2))
	poll(code).is(spentGrant())

	code, user = start()
	if err := s.idp.DenyDevice(user); err != nil {
		t.Fatal(err)
	}
	poll(code).is(badRequest("access_denied", "the user or the provider refused"))

	code, _ = start()
	s.idp.Advance(11 * time.Minute)
	poll(code).is(badRequest("expired_token", "the device code has expired"))
}

func tokenRefusals(t *testing.T, a setup) {
	s := a.open(t, plan{})
	long := strings.Repeat("x", 16<<10+1)
	for name, test := range map[string]struct {
		form url.Values
		want string
	}{
		"nothing":          {nil, invalid("Missing (device) code or refresh_token")},
		"empty values":     {url.Values{"code": {""}, "refresh-token": {""}}, invalid("Missing (device) code or refresh_token")},
		"grant type alone": {url.Values{"grant_type": {"refresh_token"}}, invalid("Missing (device) code or refresh_token")},
		"two grants":       {url.Values{"code": {"x"}, "refresh-token": {"y"}}, invalid("More than one grant is given.")},
		"another grant":    {url.Values{"grant_type": {"refresh_token"}, "device-code": {"y"}}, invalid("The grant_type names another grant than the parameters.")},
		"unknown grant":    {url.Values{"grant_type": {"password"}, "code": {"x"}}, badRequest("unsupported_grant_type", "this grant_type is not offered")},
		"repeated field":   {url.Values{"code": {"x", "x"}}, invalid("Parameter code is given more than once.")},
		"two spellings":    {url.Values{"device-code": {"x"}, "device_code": {"x"}}, invalid("Parameter device-code is given more than once.")},
		"too long":         {url.Values{"refresh-token": {long}}, invalid("Parameter refresh-token is too long.")},
		"no verifier":      {url.Values{"code": {"x"}, "redirect_uri": {loopback}}, invalid("Missing code_verifier")},
		"bad verifier":     {url.Values{"code": {"x"}, "redirect_uri": {loopback}, "code_verifier": {"short"}}, invalid("The code_verifier is malformed.")},
		"forged state":     {url.Values{"code": {"x"}, "redirect_uri": {loopback}, "code_verifier": {strings.Repeat("x", 129)}}, invalid("The login state is not valid: begin the login again.")},
		"unknown refresh":  {url.Values{"refresh_token": {"x"}}, s.refreshGone},
		"exchange":         {exchangeOf("x"), s.badSubject},
		"exchange alone":   {exchangeOf(""), nothingUsable()},
		"no exchange":      {url.Values{"subject_token": {"x"}}, nothingUsable()},
		"unknown device":   {url.Values{"device_code": {"x"}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}}, spentGrant()},
		"foreign redirect": {url.Values{"code": {"x"}, "redirect_uri": {"https://evil.example/"}, "code_verifier": {strings.Repeat("x", 43)}}, badRequest("invalid_grant", "this redirect_uri is not allowed")},
	} {
		t.Run(name, func(t *testing.T) { s.in(t).post(token, test.form).is(test.want) })
	}
}

// codeRefusals: a state is valid only at its own route, with its own redirect URI.
func codeRefusals(t *testing.T, a setup) {
	s := a.open(t, plan{})
	notThis := invalid("The login state is not valid: begin the login again.")
	query, _ := s.begin(ownCallback, "alice")
	s.post(token, url.Values{"code": {query.Get("code")}, "redirect_uri": {ownCallback}, "code_verifier": {query.Get("state")}}).is(notThis)

	form := s.codeForm("alice")
	form.Set("redirect_uri", "http://127.0.0.1:7778/callback")
	s.post(token, form).is(notThis)
	form.Set("redirect_uri", loopback)
	s.post(token, form).is(tokenAnswer())

	form = s.codeForm("alice")
	form.Set("code", "x")
	s.post(token, form).is(spentGrant())
}

func tokenProvider(t *testing.T, a setup) {
	s := a.open(t, plan{})
	refresh := url.Values{"refresh_token": {s.tokens(s.codeForm("alice")).RefreshToken}}
	refusedService := refused(http.StatusBadGateway, "server_error", "The OIDC provider refused this service's request.")
	unusable := refused(http.StatusBadGateway, "server_error", "The OIDC provider gave an unusable answer.")
	away := outage(http.StatusServiceUnavailable, "The OIDC provider cannot be reached.")
	for name, test := range map[string]struct {
		fault oidctest.Fault
		want  string
	}{
		"refuses this service": {oidctest.ErrorCode(http.StatusUnauthorized, "invalid_client"), refusedService},
		"unknown code":         {oidctest.ErrorCode(http.StatusBadRequest, "nonsense"), refusedService},
		"page instead of code": {oidctest.HTML(http.StatusForbidden), refusedService},
		"scope":                {oidctest.ErrorCode(http.StatusBadRequest, "invalid_scope"), badRequest("invalid_scope", "the requested scope is not available")},
		"refused connection":   {oidctest.Refused(), away},
		"server error":         {oidctest.Status(http.StatusInternalServerError), away},
		"too many requests":    {oidctest.Status(http.StatusTooManyRequests), away},
		"page":                 {oidctest.HTML(http.StatusOK), unusable},
		"no token":             {oidctest.Reply(http.StatusOK, "application/json", "{}"), unusable},
		"redirect":             {oidctest.Redirect(http.StatusTemporaryRedirect), unusable},
		"oversized":            {oidctest.Reply(http.StatusOK, "application/json", `{"a":"`+strings.Repeat("x", 1<<20)+`"}`), unusable},
	} {
		t.Run(name, func(t *testing.T) {
			s.idp.Fault(oidctest.Token, test.fault)
			s.in(t).post(token, refresh).is(test.want)
		})
	}
	s.idp.Heal()
	refresh.Set("refresh_token", s.tokens(refresh).RefreshToken) // none of these has used the token

	s = a.open(t, plan{beside: s})
	s.idp.Fault(oidctest.Discovery, oidctest.Refused())
	s.post(token, refresh).is(outage(http.StatusServiceUnavailable, "OIDC server unavailable."))
}
