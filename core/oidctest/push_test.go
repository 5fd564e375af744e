package oidctest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// push sends a pushed request of the client app, with some parameters changed, and returns the status and the answer.
func push(t *testing.T, p *oidctest.Provider, change url.Values) (int, map[string]any) {
	t.Helper()
	form := url.Values{
		"client_id": {"app"}, "client_secret": {oidctest.ClientSecret}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
	}
	for name, values := range change {
		form[name] = values
	}
	response, err := http.PostForm(p.URL(oidctest.PushedRequests), form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(response.Body).Decode(&answer) // a 404 has none
	return response.StatusCode, answer
}

// opened returns the address to which a browser is sent with a request_uri.
func opened(p *oidctest.Provider, query url.Values) string {
	return p.URL(oidctest.Authorization) + "?" + query.Encode()
}

// A pushed request is good for one login of its client within a minute, and stands alone.
func TestPushedRequests(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithPushedRequestsOnly())
	pushed := func() string {
		status, answer := push(t, p, nil)
		address, _ := answer["request_uri"].(string)
		if status != http.StatusCreated || !strings.HasPrefix(address, "urn:ietf:params:oauth:request_uri:") || answer["expires_in"] != 60.0 {
			t.Fatalf("%d %v", status, answer)
		}
		return address
	}
	address := pushed()
	login := url.Values{"client_id": {"app"}, "request_uri": {address}}
	if page, err := p.Browser().Open(opened(p, login)); page != nil || err != nil {
		t.Fatalf("no login page: %v %v", page, err)
	}
	back, err := p.Approve(opened(p, login), "alice") // the page may be loaded again
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("%v %v", back, err)
	}
	late := pushed()
	for name, query := range map[string]url.Values{
		"used":                  login,
		"unknown":               {"client_id": {"app"}, "request_uri": {"urn:ietf:params:oauth:request_uri:x"}},
		"of another client":     {"client_id": {"spa"}, "request_uri": {pushed()}},
		"with other parameters": {"client_id": {"app"}, "request_uri": {pushed()}, "redirect_uri": {"https://evil.example"}},
	} {
		if back, err := p.Approve(opened(p, query), "alice"); err == nil {
			t.Errorf("%s: %s", name, back)
		}
	}
	p.Advance(time.Minute)
	if back, err := p.Approve(opened(p, url.Values{"client_id": {"app"}, "request_uri": {late}}), "alice"); err == nil {
		t.Errorf("late: %s", back)
	}
	if back, err := p.Approve(authorizationURL(p, nil), "alice"); err != nil || back.Query().Get("error") != "invalid_request" {
		t.Errorf("not pushed: %v %v", back, err)
	}
}

// What the authorization endpoint refuses, the other one refuses too.
func TestRefusedPushes(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithPushedRequests())
	for name, c := range map[string]struct {
		change url.Values
		status int
		code   string
	}{
		"wrong secret":    {url.Values{"client_secret": {"x"}}, 401, "invalid_client"},
		"redirect URI":    {url.Values{"redirect_uri": {"https://evil.example"}}, 400, "invalid_request"},
		"response type":   {url.Values{"response_type": {"token"}}, 400, "unsupported_response_type"},
		"a request_uri":   {url.Values{"request_uri": {"urn:x:y"}}, 400, "request_uri_not_supported"},
		"plain challenge": {url.Values{"code_challenge_method": {"plain"}}, 400, "invalid_request"},
		"twice":           {url.Values{"state": {"a", "b"}}, 400, "invalid_request"},
	} {
		if status, answer := push(t, p, c.change); status != c.status || answer["error"] != c.code {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, _ := push(t, oidctest.NewProvider(t), nil); status != http.StatusNotFound {
		t.Errorf("without the option: %d", status)
	}
}
