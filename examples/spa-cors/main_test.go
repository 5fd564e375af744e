package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	app  = "https://app.example.com"
	evil = "https://evil.example"
)

func newService(t *testing.T) (http.Handler, *oidctest.Provider) {
	t.Helper()
	idp := oidctest.NewProvider(t) // a whole provider, in this process
	idp.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{app + "/"}, PostLogoutURIs: []string{app + "/"},
	})
	cfg := idp.Config()
	cfg.PublicURL = "https://api.example.org"
	cfg.RedirectURIs, cfg.PostLogoutURIs = []string{app + "/"}, []string{app + "/"}
	router, err := newRouter(cfg, app)
	if err != nil {
		t.Fatal(err)
	}
	return router, idp
}

// fetch sends a request as a script of another site does.
func fetch(handler http.Handler, method, target, origin string, form url.Values, headers http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	for name, values := range headers {
		request.Header[name] = values
	}
	request.Header.Set("Origin", origin)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	request.Header.Set("Sec-Fetch-Mode", "cors")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestPreflight(t *testing.T) {
	router, _ := newService(t)
	ask := func(origin, method, header string) http.Header {
		return fetch(router, http.MethodOptions, "/me", origin, nil, http.Header{
			"Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {header},
		}).Header()
	}
	allowed := ask(app, http.MethodGet, "authorization")
	if allowed.Get("Access-Control-Allow-Origin") != app || !strings.EqualFold(allowed.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("the application's origin: %v", allowed)
	}
	for name, header := range map[string]http.Header{
		"another origin": ask(evil, http.MethodGet, "authorization"),
		"no page":        ask("null", http.MethodGet, "authorization"),
		"another method": ask(app, http.MethodDelete, "authorization"),
		"another header": ask(app, http.MethodGet, "x-other"),
	} {
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed: %v", name, header)
		}
	}
}

func TestRequests(t *testing.T) {
	router, idp := newService(t)
	bob := idp.Bearer("bob")
	for _, c := range []struct {
		origin, authorization string
		status                int
		readable              bool // by the script
	}{
		{app, bob, http.StatusOK, true},
		{app, "", http.StatusUnauthorized, true},
		{app, "Bearer nonsense", http.StatusUnauthorized, true},
		{evil, bob, http.StatusOK, false}, // whoever has a token needs no browser
		{evil, "", http.StatusUnauthorized, false},
	} {
		headers := http.Header{}
		if c.authorization != "" {
			headers.Set("Authorization", c.authorization)
		}
		answer := fetch(router, http.MethodGet, "/me", c.origin, nil, headers)
		header := answer.Header()
		if readable := header.Get("Access-Control-Allow-Origin") == c.origin; answer.Code != c.status || readable != c.readable {
			t.Errorf("%s as %.12q: %d %v, want %d, readable %t", c.origin, c.authorization, answer.Code, header, c.status, c.readable)
		}
		if header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s as %.12q: %v", c.origin, c.authorization, header)
		}
		if c.readable && c.status == http.StatusUnauthorized && !strings.Contains(strings.ToLower(header.Get("Access-Control-Expose-Headers")), "www-authenticate") {
			t.Errorf("the script cannot read the challenge: %v", header)
		}
	}
}

// The script's login: a verifier that never leaves the browser but to the token route, and a state of its own.
func TestLogin(t *testing.T) {
	router, idp := newService(t)
	verifier := strings.Repeat("v", 43)
	hash := sha256.Sum256([]byte(verifier))
	login := url.Values{
		"redirect_uri": {app + "/"}, "state": {"s"}, "offline_access": {"true"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(hash[:])}, "code_challenge_method": {"S256"},
	}
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/auth/v2/login?"+login.Encode(), nil))
	back, err := idp.Approve(answer.Header().Get("Location"), "bob")
	if err != nil || back.Host != "app.example.com" || back.Query().Get("state") != "s" {
		t.Fatalf("login: %d %s, back at %v, %v", answer.Code, answer.Body, back, err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {app + "/"}, "code_verifier": {verifier}}
	tokens := redeem(t, router, form)
	tokens = redeem(t, router, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}})
	bearer := http.Header{"Authorization": {"Bearer " + tokens.AccessToken}}
	if me := fetch(router, http.MethodGet, "/me", app, nil, bearer); me.Code != http.StatusOK || !strings.Contains(me.Body.String(), "bob") {
		t.Errorf("me: %d %s", me.Code, me.Body)
	}
	out := fetch(router, http.MethodPost, "/auth/v2/logout", app, url.Values{"post_logout_redirect_uri": {app + "/"}}, bearer)
	if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), url.QueryEscape(app+"/")) {
		t.Errorf("logout: %d %s", out.Code, out.Body)
	}
}

func redeem(t *testing.T, router http.Handler, form url.Values) (tokens core.Token) {
	t.Helper()
	answer := fetch(router, http.MethodPost, "/auth/v2/token", app, form, nil)
	err := json.Unmarshal(answer.Body.Bytes(), &tokens)
	if err != nil || answer.Code != http.StatusOK || tokens.RefreshToken == "" || answer.Header().Get("Access-Control-Allow-Origin") != app {
		t.Fatalf("token: %d %s %v", answer.Code, answer.Body, answer.Header())
	}
	return tokens
}
