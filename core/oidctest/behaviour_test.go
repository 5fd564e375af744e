package oidctest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

// authorizationURL returns a valid request of the public client with some parameters changed.
func authorizationURL(p *oidctest.Provider, change url.Values) string {
	query := url.Values{
		"client_id": {"spa"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	}
	for name, values := range change {
		query[name] = values
	}
	return p.URL(oidctest.Authorization) + "?" + query.Encode()
}

func TestErrorsGoBackToTheClient(t *testing.T) {
	p := oidctest.NewProvider(t)
	for want, change := range map[string]url.Values{
		"unsupported_response_type": {"response_type": {"token"}},
		"invalid_request":           {"code_challenge_method": {"plain"}},
		"login_required":            {"prompt": {"none"}},
	} {
		back, err := p.Approve(authorizationURL(p, change), "alice")
		if err != nil || back.Query().Get("error") != want || back.Query().Has("code") {
			t.Errorf("%s: %v %v", want, back, err)
		}
	}
	if back, err := p.Approve(authorizationURL(p, url.Values{"code_challenge": nil}), "alice"); err != nil || back.Query().Get("error") != "invalid_request" {
		t.Errorf("a public client without PKCE: %v %v", back, err)
	}
}

func TestRemovedEndpoints(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithoutDeviceFlow(), oidctest.WithoutUserInfo(), oidctest.WithoutRevocation(), oidctest.WithoutEndSession())
	for _, endpoint := range []oidctest.Endpoint{oidctest.UserInfo, oidctest.DevicePage, oidctest.EndSession} {
		if status, _ := getJSON(t, p.URL(endpoint), p.AccessToken("alice")); status != http.StatusNotFound {
			t.Errorf("%s answers %d", endpoint, status)
		}
	}
	_, document := getJSON(t, p.DiscoveryURL(), "")
	for _, name := range []string{"userinfo_endpoint", "device_authorization_endpoint", "revocation_endpoint", "end_session_endpoint"} {
		if document[name] != nil {
			t.Errorf("discovery names %s", name)
		}
	}
}

func TestPagesRefuseOtherOrigins(t *testing.T) {
	p := oidctest.NewProvider(t)
	for name, change := range map[string]func(*http.Request){
		"another site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another origin":  func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a rebound name":  func(r *http.Request) { r.Host = "evil.example" },
		"a null origin":   func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a foreign host!": func(r *http.Request) { r.Host = "127.0.0.1.evil.example:80" },
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, authorizationURL(p, nil), strings.NewReader("user=alice"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(request)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode < 400 || response.Header.Get("Location") != "" {
			t.Errorf("%s presses a button: %d", name, response.StatusCode)
		}
	}
}

func TestCutUsesTheCode(t *testing.T) {
	p := oidctest.NewProvider(t)
	c := oauthClient(p, false)
	token := login(t, p, c)
	p.Fault(oidctest.Token, oidctest.Times(1, oidctest.Cut()))
	if _, err := refresh(t, c, token.RefreshToken); err == nil || errorCode(err) != "" {
		t.Fatalf("the answer was not lost: %v", err)
	}
	if _, err := refresh(t, c, token.RefreshToken); errorCode(err) != "invalid_grant" {
		t.Fatalf("the lost refresh was not one: %v", err)
	}
}

func TestFaultsThatChangeTheAnswer(t *testing.T) {
	p := oidctest.NewProvider(t)
	p.Fault(oidctest.Discovery, oidctest.Oversized())
	if _, document := getJSON(t, p.DiscoveryURL(), ""); document["issuer"] != p.Issuer() || len(document["padding"].(string)) < 2<<20 {
		t.Error("an oversized answer is not the true one with padding")
	}
	p.Fault(oidctest.Discovery, oidctest.WrongIssuer())
	if _, document := getJSON(t, p.DiscoveryURL(), ""); document["issuer"] != "https://evil.example" || document["token_endpoint"] != p.URL(oidctest.Token) {
		t.Errorf("a wrong issuer: %v", document["issuer"])
	}
	p.Fault(oidctest.Discovery, oidctest.Redirect(http.StatusTemporaryRedirect))
	if _, _ = getJSON(t, p.DiscoveryURL(), ""); p.Hits(oidctest.Elsewhere) != 1 {
		t.Error("nobody sees who follows a redirect")
	}
}

func TestLateAnswer(t *testing.T) {
	p := oidctest.NewProvider(t)
	p.Fault(oidctest.Discovery, oidctest.Late(20*time.Millisecond))
	begin := time.Now()
	if _, document := getJSON(t, p.DiscoveryURL(), ""); document["issuer"] != p.Issuer() || time.Since(begin) < 20*time.Millisecond {
		t.Errorf("got %v after %s", document["issuer"], time.Since(begin))
	}
}

func TestLogoutEndsTheHintsLogin(t *testing.T) {
	p := oidctest.NewProvider(t)
	c := oauthClient(p, false)
	token := login(t, p, c)
	hint, _ := token.Extra("id_token").(string)
	if status, _ := getJSON(t, p.URL(oidctest.EndSession)+"?id_token_hint=made.up.hint", ""); status != http.StatusBadRequest {
		t.Errorf("a made-up hint: %d", status)
	}
	if status, _ := getJSON(t, p.URL(oidctest.EndSession)+"?client_id=spa&id_token_hint="+hint, ""); status != http.StatusBadRequest {
		t.Errorf("another client's hint: %d", status)
	}
	if status, _ := getJSON(t, p.URL(oidctest.EndSession)+"?id_token_hint="+hint, ""); status != http.StatusOK {
		t.Errorf("a good hint: %d", status)
	}
	if _, err := refresh(t, c, token.RefreshToken); errorCode(err) != "invalid_grant" {
		t.Errorf("the login lives on: %v", err)
	}
}

func TestTamperDoesNotStick(t *testing.T) {
	p := oidctest.NewProvider(t)
	p.Tamper(oidctest.AccessTokens, func(claims oidctest.Claims) {
		claims["realm_access"].(oidctest.Claims)["roles"] = []string{"root"}
	})
	_ = p.AccessToken("alice")
	p.Tamper(oidctest.AccessTokens, nil)
	roles := p.AccessClaims("alice")["realm_access"].(oidctest.Claims)["roles"].([]string)
	if len(roles) != 2 || roles[0] != "admin" {
		t.Fatalf("alice is changed for good: %v", roles)
	}
}

func TestOverridesReachUserInfo(t *testing.T) {
	p := oidctest.NewProvider(t)
	if _, claims := getJSON(t, p.URL(oidctest.UserInfo), p.AccessToken("alice", oidctest.Claims{"sub": "x", "email": nil})); claims["sub"] != "x" || claims["email"] != nil {
		t.Errorf("userinfo: %v", claims)
	}
	if status, _ := getJSON(t, p.URL(oidctest.UserInfo), p.AccessToken("alice", oidctest.Claims{"exp": int64(1)})); status != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", status)
	}
}

func TestAutoLogin(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithAutoLogin())
	back, err := p.Deny(authorizationURL(p, url.Values{"login_hint": {"carol"}})) // the login page is skipped
	if err != nil || !back.Query().Has("code") {
		t.Fatalf("%v %v", back, err)
	}
}

func TestAuthMethodsAreEnforced(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithAuthMethods("client_secret_post"))
	c := oauthClient(p, false)
	if _, err := refresh(t, c, "x"); errorCode(err) != "invalid_client" {
		t.Errorf("Basic: %v", err)
	}
	c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if _, err := refresh(t, c, "x"); errorCode(err) != "invalid_grant" {
		t.Errorf("parameters: %v", err)
	}
}

func TestBadPaths(t *testing.T) {
	for _, path := range []string{"r", "/r/", "/{x", "//r", "/r?x"} {
		if p, err := oidctest.Start(oidctest.WithPath(path)); err == nil {
			_ = p.Close()
			t.Errorf("path %q is taken", path)
		}
	}
	p := oidctest.NewProvider(t, oidctest.WithPath("/realms/demo"), oidctest.WithKeyID("k1"))
	if _, document := getJSON(t, p.DiscoveryURL(), ""); document["issuer"] != p.Issuer() || !strings.HasSuffix(p.Issuer(), "/realms/demo") {
		t.Errorf("issuer %v", document["issuer"])
	}
}

func TestDevicePage(t *testing.T) {
	p := oidctest.NewProvider(t)
	start := deviceStart(t, p, oidctest.PublicClient)
	typed := strings.ToLower(strings.ReplaceAll(start.UserCode, "-", " "))
	for code, want := range map[string]int{typed: http.StatusOK, "ZZZZ-ZZZZ": http.StatusNotFound, "": http.StatusOK} {
		if status, _ := getJSON(t, p.URL(oidctest.DevicePage)+"?user_code="+url.QueryEscape(code), ""); status != want {
			t.Errorf("%q: %d", code, status)
		}
	}
	response, err := http.PostForm(p.URL(oidctest.DevicePage), url.Values{"user_code": {typed}, "user": {"bob"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := poll(t, p, start.Code); got != "tokens" {
		t.Fatalf("after the page: %s", got)
	}
}
