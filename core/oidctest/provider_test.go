package oidctest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

const redirectURI = "http://127.0.0.1:7000/callback"

// oauthClient is the OAuth client of x/oauth2, registered at the provider.
func oauthClient(p *oidctest.Provider, public bool) *oauth2.Config {
	c := &oauth2.Config{
		ClientID: oidctest.ConfidentialClient, ClientSecret: oidctest.ClientSecret, RedirectURL: redirectURI,
		Scopes: []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{
			AuthURL: p.Issuer() + "/authorize", TokenURL: p.Issuer() + "/token",
			DeviceAuthURL: p.Issuer() + "/device_authorization", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
	if public {
		c.ClientID, c.ClientSecret, c.Endpoint.AuthStyle = oidctest.PublicClient, "", oauth2.AuthStyleInParams
	}
	return c
}

// login logs a user in and redeems the code.
func login(t *testing.T, p *oidctest.Provider, c *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	back, err := p.Approve(c.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n")), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if back.Query().Get("state") != "st" || back.Query().Get("iss") != p.Issuer() {
		t.Fatalf("the answer lacks state or iss: %v", back)
	}
	token, err := c.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// errorCode returns the OAuth error code of a refusal.
func errorCode(err error) string {
	if refused, ok := err.(*oauth2.RetrieveError); ok {
		return refused.ErrorCode
	}
	return ""
}

func refresh(t *testing.T, c *oauth2.Config, token string) (*oauth2.Token, error) {
	t.Helper()
	return c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token}).Token()
}

func getJSON(t *testing.T, address, bearer string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body map[string]any
	_ = json.NewDecoder(response.Body).Decode(&body)
	return response.StatusCode, body
}

func TestCodeFlow(t *testing.T) {
	for name, public := range map[string]bool{"confidential": false, "public": true} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.NewProvider(t)
			token := login(t, p, oauthClient(p, public))
			if token.RefreshToken == "" || token.Extra("id_token") == nil {
				t.Fatal("tokens are missing")
			}
			status, claims := getJSON(t, p.Issuer()+"/userinfo", token.AccessToken)
			if status != http.StatusOK || claims["sub"] != "alice" {
				t.Fatalf("userinfo: %d %v", status, claims)
			}
		})
	}
}

func TestCodeIsSingleUse(t *testing.T) {
	p := oidctest.NewProvider(t)
	c := oauthClient(p, false)
	verifier := oauth2.GenerateVerifier()
	back, err := p.Approve(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "bob")
	if err != nil {
		t.Fatal(err)
	}
	code := back.Query().Get("code")
	if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); errorCode(err) != "invalid_grant" {
		t.Fatalf("a foreign verifier: %v", err)
	}
	token, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); errorCode(err) != "invalid_grant" {
		t.Fatalf("a replayed code: %v", err)
	}
	if status, _ := getJSON(t, p.Issuer()+"/userinfo", token.AccessToken); status != http.StatusUnauthorized {
		t.Fatalf("a replay leaves the tokens alive: %d", status)
	}
}

func TestRefreshRotatesAndDetectsReuse(t *testing.T) {
	p := oidctest.NewProvider(t)
	c := oauthClient(p, false)
	first := login(t, p, c)
	second, err := refresh(t, c, first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatalf("no rotation: %v", err)
	}
	if _, err := refresh(t, c, first.RefreshToken); errorCode(err) != "invalid_grant" {
		t.Fatalf("a spent token: %v", err)
	}
	if _, err := refresh(t, c, second.RefreshToken); errorCode(err) != "invalid_grant" {
		t.Fatalf("the family lives on after a reuse: %v", err)
	}
}

func TestOptionsOfTheTokenAnswer(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithoutRotation(), oidctest.WithoutScope(), oidctest.WithLowerCaseType(), oidctest.WithRefreshExpiresIn(0), oidctest.WithOpaqueTokens())
	c := oauthClient(p, false)
	token := login(t, p, c)
	if token.TokenType != "bearer" || token.Extra("scope") != nil || token.Extra("refresh_expires_in") != float64(0) || strings.Contains(token.AccessToken, ".") {
		t.Fatalf("options are not followed: %q %v %v", token.TokenType, token.Extra("scope"), token.Extra("refresh_expires_in"))
	}
}

func TestLifetimes(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithLifetimes(oidctest.Lifetimes{AccessToken: time.Minute, RefreshToken: time.Hour}))
	c := oauthClient(p, false)
	token := login(t, p, c)
	p.Advance(2 * time.Minute)
	if status, _ := getJSON(t, p.Issuer()+"/userinfo", token.AccessToken); status != http.StatusUnauthorized {
		t.Fatalf("an expired access token: %d", status)
	}
	p.Advance(time.Hour)
	if _, err := refresh(t, c, token.RefreshToken); errorCode(err) != "invalid_grant" {
		t.Fatalf("an expired refresh token: %v", err)
	}
}

func deviceStart(t *testing.T, p *oidctest.Provider, client string) (start struct {
	Code     string `json:"device_code"`
	UserCode string `json:"user_code"`
}) {
	t.Helper()
	response, err := http.PostForm(p.Issuer()+"/device_authorization", url.Values{"client_id": {client}, "scope": {"openid"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&start); err != nil {
		t.Fatal(err)
	}
	return start
}

func poll(t *testing.T, p *oidctest.Provider, code string) string {
	t.Helper()
	response, err := http.PostForm(p.Issuer()+"/token", url.Values{
		"client_id": {oidctest.PublicClient}, "device_code": {code}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if fault, ok := body["error"].(string); ok {
		return fault
	}
	return "tokens"
}

func TestDeviceFlow(t *testing.T) {
	p := oidctest.NewProvider(t)
	start := deviceStart(t, p, oidctest.PublicClient)
	for i, want := range []string{"authorization_pending", "slow_down", "slow_down"} {
		if got := poll(t, p, start.Code); got != want {
			t.Fatalf("poll %d: %s", i, got)
		}
	}
	p.Advance(20 * time.Second)
	if got := poll(t, p, start.Code); got != "authorization_pending" {
		t.Fatalf("a patient poll: %s", got)
	}
	if err := p.ApproveDevice(strings.ToLower(start.UserCode), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := poll(t, p, start.Code); got != "tokens" {
		t.Fatalf("after the approval: %s", got)
	}
	if got := poll(t, p, start.Code); got != "invalid_grant" {
		t.Fatalf("a spent device code: %s", got)
	}
	denied := deviceStart(t, p, oidctest.PublicClient)
	if err := p.DenyDevice(denied.UserCode); err != nil {
		t.Fatal(err)
	}
	if got := poll(t, p, denied.Code); got != "access_denied" {
		t.Fatalf("after the refusal: %s", got)
	}
	late := deviceStart(t, p, oidctest.PublicClient)
	p.Advance(time.Hour)
	if got := poll(t, p, late.Code); got != "expired_token" {
		t.Fatalf("a late poll: %s", got)
	}
	if err := p.ApproveDevice(late.UserCode, "alice"); err == nil {
		t.Fatal("an expired device was approved")
	}
}

func TestIntrospectionAndRevocation(t *testing.T) {
	p := oidctest.NewProvider(t)
	token := login(t, p, oauthClient(p, false))
	ask := func(path, value string) map[string]any {
		t.Helper()
		response, err := http.PostForm(p.Issuer()+path, url.Values{"client_id": {oidctest.ConfidentialClient}, "client_secret": {oidctest.ClientSecret}, "token": {value}})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var body map[string]any
		_ = json.NewDecoder(response.Body).Decode(&body)
		return body
	}
	if got := ask("/introspect", token.AccessToken); got["active"] != true || got["sub"] != "alice" {
		t.Fatalf("a living token: %v", got)
	}
	ask("/revoke", token.RefreshToken)
	for _, value := range []string{token.AccessToken, token.RefreshToken, "made-up"} {
		if got := ask("/introspect", value); got["active"] != false || len(got) != 1 {
			t.Fatalf("a dead token: %v", got)
		}
	}
}

// Introspection answers are JWTs for clients that accept them, if the provider signs them.
func TestSignedIntrospection(t *testing.T) {
	const kind = "application/token-introspection+jwt"
	for _, c := range []struct {
		options []oidctest.Option
		accept  string
		signed  bool
	}{
		{nil, kind, false},
		{[]oidctest.Option{oidctest.WithSignedIntrospection()}, "application/json", false},
		{[]oidctest.Option{oidctest.WithSignedIntrospection()}, kind, true},
	} {
		p := oidctest.NewProvider(t, c.options...)
		p.Tamper(oidctest.SignedIntrospectionAnswers, func(claims oidctest.Claims) { claims["x"] = "y" })
		form := url.Values{"client_id": {oidctest.ConfidentialClient}, "client_secret": {oidctest.ClientSecret}, "token": {p.AccessToken("alice")}}
		request, err := http.NewRequest(http.MethodPost, p.URL(oidctest.Introspection), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {c.accept}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if got := response.Header.Get("Content-Type") == kind; got != c.signed {
			t.Fatalf("%s", body)
		}
		text := string(body)
		if c.signed {
			payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
			text = string(payload)
		}
		if !strings.Contains(text, `"sub":"alice"`) || strings.Contains(text, `"x":"y"`) != c.signed || strings.Contains(text, `"token_introspection"`) != c.signed {
			t.Errorf("%s", text)
		}
	}
}

func TestEndSession(t *testing.T) {
	p := oidctest.NewProvider(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for target, want := range map[string]string{
		"http://127.0.0.1:9/bye": "http://127.0.0.1:9/bye?state=a+b",
		"https://evil.example/":  "",
	} {
		query := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {target}, "state": {"a b"}}
		response, err := client.Get(p.Issuer() + "/logout?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("Location"); got != want {
			t.Errorf("%s: sent to %q", target, got)
		}
	}
}

func TestAuthorizationRefusals(t *testing.T) {
	p := oidctest.NewProvider(t)
	good := url.Values{
		"client_id": {"spa"}, "redirect_uri": {redirectURI}, "response_type": {"code"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	}
	for name, change := range map[string]func(url.Values){
		"unknown client":    func(v url.Values) { v.Set("client_id", "nobody") },
		"foreign redirect":  func(v url.Values) { v.Set("redirect_uri", "https://evil.example/callback") },
		"loopback by name":  func(v url.Values) { v.Set("redirect_uri", "http://127.0.0.1.evil.example/callback") },
		"empty fragment":    func(v url.Values) { v.Set("redirect_uri", redirectURI+"#") },
		"empty query":       func(v url.Values) { v.Set("redirect_uri", redirectURI+"?") },
		"repeated":          func(v url.Values) { v.Add("redirect_uri", redirectURI) },
		"user in the host":  func(v url.Values) { v.Set("redirect_uri", "http://a@localhost/callback") },
		"fragment":          func(v url.Values) { v.Set("redirect_uri", redirectURI+"#x") },
		"other path":        func(v url.Values) { v.Set("redirect_uri", "http://localhost/other") },
		"https on loopback": func(v url.Values) { v.Set("redirect_uri", "https://localhost/callback") },
	} {
		query := url.Values{}
		for key, values := range good {
			query[key] = slices.Clone(values)
		}
		change(query)
		if back, err := p.Approve(p.Issuer()+"/authorize?"+query.Encode(), "alice"); err == nil {
			t.Errorf("%s: sent back to %v", name, back)
		}
	}
	back, err := p.Deny(p.Issuer() + "/authorize?" + good.Encode())
	if err != nil || back.Query().Get("error") != "access_denied" {
		t.Fatalf("a refusal: %v %v", back, err)
	}
}

func TestConfigAndBearer(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			p := oidctest.NewProvider(t, oidctest.WithAlgorithm(algorithm))
			auth, err := core.New(p.Config())
			if err != nil {
				t.Fatal(err)
			}
			defer auth.Close() //nolint:errcheck // it always returns nil
			admit := func(bearer string, requirements ...core.Requirement) core.Decision {
				return auth.Required(requirements...).Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {bearer}}})
			}
			admin := admit(p.Bearer("alice", oidctest.Claims{"scope": "admin"}), core.Scopes("admin"), core.Roles("admin"))
			if admin.Err != nil || admin.Caller.Username() != "alice" {
				t.Fatalf("%v %v", admin.Caller, admin.Err)
			}
			if err := p.RotateKey(""); err != nil {
				t.Fatal(err)
			}
			if bob := admit(p.Bearer("bob")); bob.Err != nil {
				t.Fatalf("after a rotation: %v", bob.Err)
			}
			if admit("Bearer "+p.SignForeign("JWT", oidctest.Claims{"iss": p.Issuer(), "sub": "x"})).Err == nil {
				t.Fatal("a foreign key is believed")
			}
		})
	}
}

func TestIDToken(t *testing.T) {
	token := oidctest.IDToken(oidctest.Claims{"sub": "zoe", "scope": "a b", "groups": []string{"g"}, "resource_access": oidctest.Claims{
		"app": oidctest.Claims{"roles": []string{"own"}}, "grafana": oidctest.Claims{"roles": []string{"admin"}},
	}})
	if token.Subject() != "zoe" || !slices.Equal(token.Scopes(), []string{"a", "b"}) || !slices.Equal(token.Roles(), []string{"own", "g"}) {
		t.Fatalf("%v %v %v", token, token.Scopes(), token.Roles())
	}
	if got := core.IDTokenFrom(core.WithIDToken(context.Background(), token)); got != token {
		t.Fatal("the context loses the caller")
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "nonsense"} {
		if p, err := oidctest.Start(oidctest.WithAddress(address)); err == nil {
			_ = p.Close()
			t.Errorf("listens on %s", address)
		}
	}
}

func TestFaultsAndRecords(t *testing.T) {
	p := oidctest.NewProvider(t)
	p.Fault(oidctest.UserInfo, oidctest.Status(http.StatusServiceUnavailable))
	if status, _ := getJSON(t, p.Issuer()+"/userinfo", "x"); status != http.StatusServiceUnavailable {
		t.Fatalf("no fault: %d", status)
	}
	p.Heal(oidctest.UserInfo)
	if status, _ := getJSON(t, p.Issuer()+"/userinfo", "x"); status != http.StatusUnauthorized {
		t.Fatalf("not healed: %d", status)
	}
	if p.Hits(oidctest.UserInfo) != 2 || p.Last(oidctest.UserInfo).Header.Get("Authorization") != "Bearer x" {
		t.Fatalf("%d hits, last %v", p.Hits(oidctest.UserInfo), p.Last(oidctest.UserInfo))
	}
	p.Tamper(oidctest.DiscoveryDocuments, func(m oidctest.Claims) { m["issuer"] = "other" })
	if _, document := getJSON(t, p.DiscoveryURL(), ""); document["issuer"] != "other" {
		t.Fatalf("not changed: %v", document["issuer"])
	}
}
