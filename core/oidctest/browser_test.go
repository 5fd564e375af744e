package oidctest_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

// asks returns a request of the confidential client, which needs no PKCE. pairs are more parameters.
func asks(p *oidctest.Provider, pairs ...string) string {
	query := url.Values{"client_id": {oidctest.ConfidentialClient}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return p.URL(oidctest.Authorization) + "?" + query.Encode()
}

// outcome returns what the provider does in a browser: "page", "code" or an error code.
func outcome(t *testing.T, b *oidctest.Browser, address string) string {
	t.Helper()
	back, err := b.Open(address)
	switch {
	case err != nil:
		t.Fatal(err)
	case back == nil:
		return "page"
	case back.Query().Has("code"):
		return "code"
	}
	return back.Query().Get("error")
}

// approve logs a user in with the login page, if there is one, and returns the tokens and the claims of the ID token.
func approve(t *testing.T, p *oidctest.Provider, b *oidctest.Browser, user string, pairs ...string) (*oauth2.Token, map[string]any) {
	t.Helper()
	back, err := b.Approve(asks(p, pairs...), user)
	if err != nil {
		t.Fatal(err)
	}
	token, err := oauthClient(p, false).Exchange(t.Context(), back.Query().Get("code"))
	if err != nil {
		t.Fatalf("%v at %s", err, back)
	}
	return token, claimsOf(t, token)
}

func claimsOf(t *testing.T, token *oauth2.Token) (claims map[string]any) {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw+"..", ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return claims
}

// A second login in a browser shows no form: it is the same session, with the time of the login.
func TestSecondLoginWithoutForm(t *testing.T) {
	for name, options := range map[string][]oidctest.Option{"network": nil, "memory": {oidctest.WithoutNetwork("https://idp.example/realm")}} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.NewProvider(t, options...)
			b := p.Browser()
			if got := outcome(t, b, asks(p)); got != "page" {
				t.Fatalf("the first login: %s", got)
			}
			if _, err := b.Approve(asks(p), "alice"); err != nil {
				t.Fatal(err)
			}
			if got := outcome(t, b, asks(p, "max_age", "0")); got != "page" {
				t.Errorf("max_age=0 right after the login: %s", got)
			}
			p.Advance(time.Hour)
			for _, address := range []string{asks(p), asks(p, "prompt", "none"), authorizationURL(p, nil)} {
				if got := outcome(t, b, address); got != "code" {
					t.Errorf("%s: %s", address, got)
				}
			}
			if got := outcome(t, p.Browser(), asks(p, "prompt", "none")); got != "login_required" {
				t.Errorf("another browser: %s", got)
			}
		})
	}
}

// The logins of one browser have one sid and the auth_time of the last form; another user begins another session.
func TestSIDIsOfTheBrowser(t *testing.T) {
	p := oidctest.NewProvider(t)
	b := p.Browser()
	_, first := approve(t, p, b, "alice")
	p.Advance(time.Minute)
	_, second := approve(t, p, b, "alice")
	if second["sid"] != first["sid"] || second["auth_time"] != first["auth_time"] || second["sub"] != "alice" {
		t.Errorf("without a form: %v, then %v", first, second)
	}
	_, third := approve(t, p, b, "alice", "prompt", "login")
	if third["sid"] != first["sid"] || third["auth_time"].(float64) < first["auth_time"].(float64)+60 {
		t.Errorf("with a form: %v, then %v", first, third)
	}
	_, fourth := approve(t, p, b, "bob", "prompt", "select_account")
	if fourth["sid"] == first["sid"] || fourth["sub"] != "bob" {
		t.Errorf("another user: %v, then %v", first, fourth)
	}
	if _, other := approve(t, p, p.Browser(), "alice"); other["sid"] == first["sid"] {
		t.Errorf("another browser: %v", other)
	}
}

// prompt, max_age, login_hint and id_token_hint as OpenID Connect Core sections 3.1.2.1 and 3.1.2.6 have them.
func TestWhenTheFormIsShown(t *testing.T) {
	p := oidctest.NewProvider(t)
	b := p.Browser()
	token, _ := approve(t, p, b, "alice")
	mine, _ := token.Extra("id_token").(string)
	bobs := p.IDToken("bob")
	p.Advance(time.Minute)
	for request, want := range map[string]string{
		"":                               "code",
		"prompt=none":                    "code",
		"prompt=login":                   "page",
		"prompt=consent":                 "page",
		"prompt=select_account":          "page",
		"prompt=login+consent":           "page",
		"prompt=none+login":              "invalid_request",
		"max_age=3600":                   "code",
		"max_age=3600&prompt=none":       "code",
		"max_age=59":                     "page",
		"max_age=59&prompt=none":         "login_required",
		"max_age=0":                      "page",
		"max_age=0&prompt=none":          "login_required",
		"max_age=-1":                     "invalid_request",
		"max_age=soon":                   "invalid_request",
		"login_hint=alice":               "code",
		"login_hint=nobody":              "code",
		"login_hint=bob":                 "page",
		"login_hint=bob&prompt=none":     "login_required",
		"id_token_hint=mine":             "code",
		"id_token_hint=mine&prompt=none": "code",
		"id_token_hint=bobs":             "page",
		"id_token_hint=bobs&prompt=none": "login_required",
		"id_token_hint=x.y.z":            "invalid_request",
	} {
		query, err := url.ParseQuery(strings.NewReplacer("=mine", "="+mine, "=bobs", "="+bobs).Replace(request))
		if err != nil {
			t.Fatal(err)
		}
		var pairs []string
		for name := range query {
			pairs = append(pairs, name, query.Get(name))
		}
		if got := outcome(t, b, asks(p, pairs...)); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	back, err := b.Approve(asks(p, "id_token_hint", bobs), "carol")
	if err != nil || back.Query().Get("error") != "login_required" {
		t.Errorf("carol logs in where bob was meant: %v %v", back, err)
	}
	if back, err = b.Approve(asks(p, "id_token_hint", bobs), "bob"); err != nil || !back.Query().Has("code") {
		t.Errorf("bob logs in: %v %v", back, err)
	}
}

// A refusal in the form ends no session.
func TestDenyKeepsTheSession(t *testing.T) {
	p := oidctest.NewProvider(t)
	b := p.Browser()
	approve(t, p, b, "alice")
	if back, err := b.Deny(asks(p, "prompt", "login")); err != nil || back.Query().Get("error") != "access_denied" {
		t.Errorf("%v %v", back, err)
	}
	if got := outcome(t, b, asks(p)); got != "code" {
		t.Errorf("afterwards: %s", got)
	}
}

// A logout ends the browser's session with every login that began in it, whether the hint or the cookie names it.
func TestLogoutEndsTheBrowserSession(t *testing.T) {
	p := oidctest.NewProvider(t)
	for name, leave := range map[string]func(b *oidctest.Browser, hint string) (*url.URL, error){
		"cookie": func(b *oidctest.Browser, _ string) (*url.URL, error) { return b.Open(p.URL(oidctest.EndSession)) },
		"both": func(b *oidctest.Browser, hint string) (*url.URL, error) {
			return b.Open(p.URL(oidctest.EndSession) + "?id_token_hint=" + hint)
		},
		"hint without the cookie": func(_ *oidctest.Browser, hint string) (*url.URL, error) {
			return p.Browser().Open(p.URL(oidctest.EndSession) + "?id_token_hint=" + hint)
		},
	} {
		b, other := p.Browser(), p.Browser()
		first, _ := approve(t, p, b, "alice")
		second, _ := approve(t, p, b, "alice")
		elsewhere, _ := approve(t, p, other, "alice")
		hint, _ := first.Extra("id_token").(string)
		if _, err := leave(b, hint); err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, b, asks(p, "prompt", "none")); got != "login_required" {
			t.Errorf("%s: prompt=none then gives %s", name, got)
		}
		for _, token := range []*oauth2.Token{first, second} {
			if _, err := refresh(t, oauthClient(p, false), token.RefreshToken); errorCode(err) != "invalid_grant" {
				t.Errorf("%s: a login lives on: %v", name, err)
			}
		}
		if _, err := refresh(t, oauthClient(p, false), elsewhere.RefreshToken); err != nil || outcome(t, other, asks(p)) != "code" {
			t.Errorf("%s: the other browser's session has ended: %v", name, err)
		}
		if _, err := b.Open(p.URL(oidctest.EndSession)); err != nil {
			t.Errorf("%s: a second logout: %v", name, err)
		}
	}
}

// EndSessions ends what a user has in browsers, and sends one logout token for a client and a sid.
func TestEndSessionsEndsBrowsers(t *testing.T) {
	p := oidctest.NewProvider(t)
	var mu sync.Mutex
	var told int
	client := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		told++
	}))
	defer client.Close()
	p.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, BackChannelLogoutURI: client.URL})
	alices, bobs := p.Browser(), p.Browser()
	approve(t, p, alices, "alice")
	approve(t, p, alices, "alice")
	approve(t, p, bobs, "bob")
	if err := p.EndSessions(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if told != 1 {
		t.Errorf("%d logout tokens", told)
	}
	if got := outcome(t, alices, asks(p)); got != "page" {
		t.Errorf("alice: %s", got)
	}
	if got := outcome(t, bobs, asks(p)); got != "code" {
		t.Errorf("bob: %s", got)
	}
}

// WithoutSingleSignOn is a provider that knows no browser.
func TestWithoutSingleSignOn(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithoutSingleSignOn())
	b := p.Browser()
	_, first := approve(t, p, b, "alice")
	if got := outcome(t, b, asks(p, "prompt", "none")); got != "login_required" {
		t.Errorf("prompt=none: %s", got)
	}
	if _, second := approve(t, p, b, "bob"); second["sub"] != "bob" || second["sid"] == first["sid"] || second["sid"] == nil {
		t.Errorf("%v, then %v", first, second)
	}
}

// A login of the file keeps its sid; the browser's session is not in the file.
func TestSIDSurvivesInTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "provider.json")
	first := oidctest.NewProvider(t, oidctest.WithFile(file))
	token, claims := approve(t, first, first.Browser(), "alice")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := oidctest.NewProvider(t, oidctest.WithFile(file))
	next, err := refresh(t, oauthClient(second, false), token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if again := claimsOf(t, next); again["sid"] != claims["sid"] {
		t.Errorf("%v, then %v", claims, again)
	}
}

var loginForm = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// The authorization endpoint takes POST from any origin (OpenID Connect Core section 3.1.2.1); the form of the login page only from its own.
func TestAuthorizationByPost(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithPath("/realms/demo"))
	var cookie *http.Cookie
	post := func(address string, form url.Values, headers ...string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		if cookie != nil {
			request.AddCookie(cookie)
		}
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	asked, err := url.Parse(asks(p, "state", "a b&c"))
	if err != nil {
		t.Fatal(err)
	}
	form := asked.Query()
	with := func(name, value string) url.Values {
		changed := asked.Query()
		changed.Set(name, value)
		return changed
	}
	foreign := []string{"Origin", "https://app.example.org", "Sec-Fetch-Site", "cross-site"}
	answer := post(p.URL(oidctest.Authorization), form, foreign...)
	text, _ := io.ReadAll(answer.Body)
	action := loginForm.FindSubmatch(text)
	if answer.StatusCode != http.StatusOK || action == nil {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	button, err := asked.Parse(html.UnescapeString(string(action[1])))
	if err != nil {
		t.Fatal(err)
	}
	if refused := post(button.String(), url.Values{"user": {"alice"}}, foreign...); refused.StatusCode != http.StatusForbidden || len(refused.Cookies()) != 0 {
		t.Errorf("another site presses the button: %d", refused.StatusCode)
	}
	pressed := post(button.String(), url.Values{"user": {"alice"}}, "Sec-Fetch-Site", "same-origin")
	if to := pressed.Header.Get("Location"); !strings.Contains(to, "code=") || !strings.Contains(to, "state=a+b%26c") || len(pressed.Cookies()) != 1 {
		t.Fatalf("the button: %d to %s, %v", pressed.StatusCode, to, pressed.Cookies())
	}
	cookie = pressed.Cookies()[0]
	if !strings.HasPrefix(cookie.Name, "oidctest-") || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/realms/demo" || cookie.MaxAge != 0 || cookie.Secure {
		t.Errorf("the cookie is %v", cookie)
	}
	for want, form := range map[string]url.Values{
		"code=": form, "error=login_required": with("id_token_hint", p.IDToken("bob")), "error=invalid_request": with("prompt", "none login"), "": with("client_id", "nobody"),
	} {
		if want == "error=login_required" {
			form.Set("prompt", "none")
		}
		answer := post(p.URL(oidctest.Authorization), form, foreign...)
		if to := answer.Header.Get("Location"); !strings.Contains(to, want) || (to == "") != (want == "") || want == "" && answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d to %s", want, answer.StatusCode, to)
		}
	}
	again := post(button.String(), url.Values{"user": {"alice"}}, "Sec-Fetch-Site", "same-origin")
	if next := again.Cookies(); len(next) != 1 || next[0].Value == cookie.Value {
		t.Errorf("a second login has the cookies %v", next)
	}
	if answer := post(p.URL(oidctest.Authorization), form); answer.StatusCode != http.StatusOK {
		t.Errorf("the cookie of before leads to %s", answer.Header.Get("Location"))
	}
	if answer := post(asked.String(), nil, foreign...); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("parameters of a POST in the address: %d", answer.StatusCode)
	}
}

// Providers on one host have cookies of their own names; over https the cookie is Secure.
func TestSessionCookies(t *testing.T) {
	names := map[string]bool{}
	for _, issuer := range []string{"https://idp.example", "https://idp.example:8443", "http://127.0.0.1:9"} {
		p := oidctest.NewProvider(t, oidctest.WithoutNetwork(issuer))
		client := p.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		answer, err := client.PostForm(asks(p), url.Values{"user": {"alice"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		for _, cookie := range answer.Cookies() {
			names[cookie.Name] = true
			if cookie.Secure != strings.HasPrefix(issuer, "https") || cookie.Path != "/" {
				t.Errorf("%s: %v", issuer, cookie)
			}
		}
	}
	if len(names) != 3 {
		t.Errorf("three providers have the cookies %v", names)
	}
}
